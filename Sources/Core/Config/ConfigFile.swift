public import SystemPackage

/// Holds the values of one configuration file, each with its line; nothing is filled in or merged.
///
/// - Source: rekkord.ini(5).
public struct ConfigFile: Sendable {
    /// A value and where it stands, counted from 1.
    public struct Located<Value: Sendable & Equatable>: Sendable, Equatable {
        /// What the line says.
        public let value: Value
        /// Counted from 1.
        public let line: Int
    }

    /// How pieces of data are cut; `Chunking` implements both.
    public enum Splitting: String, Sendable, CaseIterable {
        case stable = "Stable"
        case rekkord = "Rekkord"
    }

    /// The file, for messages.
    public let path: FilePath
    /// What was read but has no effect, as `file:line: reason`.
    public internal(set) var warnings: [String] = []
    /// Whether somebody who reads the file learns a secret.
    public internal(set) var holdsSecret = false

    var url: Located<[UInt8]>?
    var keyFile: Located<FilePath>?

    var threads: Located<Int>?
    var compressionLevel: Located<Int>?
    var splitting: Located<Splitting>?
    var testWrites: Located<Bool>?

    var retainSeconds: Located<Int64>?
    var retainMode: Located<S3Settings.RetainMode>?
    var durationSafety: Located<Bool>?
    var checksumType: Located<S3Settings.ChecksumType>?
    var s3Address = S3Address()
    var accessKeyID: Located<String>?
    var secretKey: Located<SecretText>?

    var sftpAddress = SFTPAddress()
    var fingerprint: Located<String>?
    var usesKnownHosts: Located<Bool>?
    var credential: Located<SFTPSettings.Credential>?

    var preSaveDirectory: Located<FilePath>?
    var postSaveDirectory: Located<FilePath>?
    var preScanDirectory: Located<FilePath>?
    var postScanDirectory: Located<FilePath>?

    var cacheDirectory: Located<FilePath>?
    var memorySize: Located<Int>?
    var metadataSize: Located<Int>?
    var blobSize: Located<Int>?

    /// The keys that stand for a URL when `URL = S3`.
    struct S3Address: Sendable {
        var location: Located<String>?
        var host: Located<String>?
        var port: Located<Int>?
        var region: Located<String>?
        var bucket: Located<String>?
        var prefix: Located<String>?
    }

    /// The keys that stand for a URL when `URL = SFTP`.
    struct SFTPAddress: Sendable {
        var location: Located<[UInt8]>?
        var host: Located<String>?
        var port: Located<Int>?
        var user: Located<String>?
        var path: Located<[UInt8]>?
    }

    /// Reads the bytes of a configuration file.
    ///
    /// - Parameter path: Its absolute path; relative paths in it count from its folder.
    /// - Throws: One `.usage` error that lists everything that is wrong.
    public init(_ bytes: some Collection<UInt8>, path: FilePath) throws(RekkordError) {
        self.path = path
        var problems = ConfigProblems(path: path)
        let document = INIDocument(bytes, problems: &problems)
        checkSections(document.sections, &problems)
        for entry in document.entries {
            do {
                try read(entry)
            } catch {
                problems.add(error.reason, line: entry.line)
            }
        }
        checkDuration(&problems)
        checkURL(&problems)
        try problems.check()
    }

    /// The folder that relative paths count from.
    var folder: FilePath { path.removingLastComponent() }

    /// The position of a value, as messages start.
    func position(_ line: Int) -> String { "\(path.printed):\(line)" }

    private mutating func checkSections(_ sections: [INIDocument.Section], _ problems: inout ConfigProblems) {
        for section in sections {
            switch Self.section(section.name) {
            case .ignored(let name):
                let text = "[\(name)] is ignored"
                if !warnings.contains(where: { $0.hasSuffix(text) }) {
                    warnings.append("\(position(section.line)): \(text)")
                }
            case .unknown:
                problems.add("unknown section [\(PrintedName.escape(section.name))]", line: section.line)
            case .known: break
            }
        }
    }

    /// Checks the URL even where the command line names another one.
    private func checkURL(_ problems: inout ConfigProblems) {
        guard let url else { return }
        do {
            _ = try RepositoryURL(url.value, relativeTo: folder)
        } catch {
            problems.add("URL: \(error.reason)", line: url.line)
        }
    }

    /// Refuses a duration that is most likely a slip: too short to protect, or too long to pay.
    private func checkDuration(_ problems: inout ConfigProblems) {
        guard let retainSeconds, retainSeconds.value != 0, durationSafety?.value ?? true else { return }
        do {
            try S3Settings.checkRetainSeconds(retainSeconds.value)
        } catch {
            problems.add(
                error.reason,
                line: retainSeconds.line,
                hint: "set 'DurationSafety = No' in [S3] to allow it"
            )
        }
    }
}
