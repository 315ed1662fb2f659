@testable internal import Core

/// What is fuzzed: everything that reads bytes which somebody else may have written.
///
/// A refusal is as good as a result; what must not happen is a trap, a hang, or memory that the input does not justify.
/// Where a result can be written again, that must come to the same.
enum Target: String, CaseIterable {
    case keyFile = "key-file"
    case config
    case blob
    case stream
    case directory
    case snapshot
    case fileTable = "file-table"
    case attributes
    case accessList = "access-list"
    case tag
    case payload
    case badge
    case ini
    case xml
    case identifier
    case location
    case record
    case pattern
    case mountWords = "mount-words"
    case tagMemory = "tag-memory"

    func run(_ input: [UInt8]) {
        switch self {
        case .keyFile: Keys.fuzzKeyFile(input)
        case .config: Keys.fuzzConfig(input)
        case .badge: Keys.fuzzBadge(input)
        case .blob: Blobs.fuzzObject(input)
        case .stream: Blobs.fuzzStream(input)
        case .directory: Blobs.fuzzDirectory(input)
        case .snapshot: Blobs.fuzzSnapshot(input)
        case .fileTable: Blobs.fuzzFileTable(input)
        case .record: Blobs.fuzzRecord(input)
        case .attributes: Texts.fuzzAttributes(input)
        case .accessList: Texts.fuzzAccessList(input)
        case .tag: Keys.fuzzTag(input)
        case .payload: Keys.fuzzPayload(input)
        case .ini: Texts.fuzzINI(input)
        case .xml: Texts.fuzzXML(input)
        case .identifier: Texts.fuzzIdentifier(input)
        case .location: Texts.fuzzLocation(input)
        case .pattern: Texts.fuzzPattern(input)
        case .mountWords: Texts.fuzzMountWords(input)
        case .tagMemory: Keys.fuzzTagMemory(input)
        }
    }
}
