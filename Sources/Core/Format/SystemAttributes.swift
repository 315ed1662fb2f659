/// Tells which kinds of attributes occur that a system asks every file for, as `ls -l` does.
struct SystemAttributes: OptionSet, Sendable {
    let rawValue: UInt8

    /// Access control lists.
    static let accessLists = SystemAttributes(rawValue: 1)
    /// Labels and capabilities: names in `security.`.
    static let security = SystemAttributes(rawValue: 2)

    static let all: SystemAttributes = [.accessLists, .security]

    private static let securityPrefix = Array("security.".utf8)

    /// The kind that a name belongs to, as Linux has it; empty for any other name.
    init(name: [UInt8]) {
        switch name {
        case AccessControlList.accessAttribute, AccessControlList.defaultAttribute: self = .accessLists
        case _ where name.starts(with: Self.securityPrefix): self = .security
        default: self = []
        }
    }

    /// The kinds among the encoded attributes of an entry; all of them when they are malformed.
    init(encoded bytes: UnsafeRawBufferPointer) {
        var found: SystemAttributes = []
        var reader = ByteReader(bytes)
        while reader.remaining > 0 {
            guard let count = try? reader.integer(UInt16.self), let record = try? reader.bytes(Int(count))
            else {
                found = .all
                break
            }
            let key = Array(record.prefix { $0 != 0 })
            let isAccessList = key == AccessControlList.accessKey || key == AccessControlList.defaultKey
            found.formUnion(isAccessList ? .accessLists : SystemAttributes(name: key))
        }
        self = found
    }

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }
}
