import Core
import SystemPackage

/// Asks, on a terminal, for everything that a configuration file and a key file need; writes nothing.
///
/// An answer that makes no sense is explained and asked for again.
/// - Source: rekkord(1), "setup".
struct SetupDialogue {
    private let console: Console
    private let environment: ProcessEnvironment
    private let options: CommonOptions
    private let replaces: Bool

    init(
        _ console: Console,
        _ environment: ProcessEnvironment,
        _ options: CommonOptions,
        replaces: Bool
    ) {
        self.console = console
        self.environment = environment
        self.options = options
        self.replaces = replaces
    }

    /// Whether commands find a configuration file without being told.
    func isFoundByItself(_ path: FilePath) -> Bool {
        ConfigSearch.usualPaths(environment).contains(path)
    }

    /// Asks for everything.
    ///
    /// - Throws: `.exists` for a configuration file that must not be replaced, `.usage` at the end of input.
    func run() throws(RekkordError) -> SetupPlan {
        let configPath = try configPath()
        let repository = try repository()
        var text = ConfigText()
        text.comment("Written by 'rekkord setup'; see rekkord.ini(5).")
        text.section("Repository")
        try set("URL", repository.url, in: &text)
        let s3 = repository.isS3 ? try s3Settings() : nil
        let origin = try keyOrigin()
        let source = try key(origin)
        let keyPath = try keyPath(source, configPath)
        // A name counts from the folder of the file that holds it.
        let isBeside = keyPath.removingLastComponent() == configPath.removingLastComponent()
        try set(
            "KeyFile",
            isBeside ? keyPath.lastComponent.map(Self.bytes) ?? keyPath.bytes : keyPath.bytes,
            in: &text
        )
        if let s3 {
            text.section("S3")
            for (key, value) in s3 { try set(key, value, in: &text) }
        }
        return SetupPlan(
            configPath: configPath,
            config: text.bytes,
            keyPath: keyPath,
            key: keyPath == source.path ? nil : source.text,
            keys: source.keys,
            origin: origin
        )
    }

    private static func bytes(_ name: FilePath.Component) -> [UInt8] {
        FilePath(root: nil, [name]).bytes
    }

    private func set(_ key: String, _ value: [UInt8], in text: inout ConfigText) throws(RekkordError) {
        do {
            try text.set(key, value)
        } catch {
            throw RekkordError(.usage, "cannot set up: \(error.reason)")
        }
    }

    // MARK: - Questions

    private func configPath() throws(RekkordError) -> FilePath {
        let path: FilePath
        if let given = options.configFile {
            path = given.path.resolved(in: environment.workingDirectory)
        } else {
            let usual = ConfigSearch.usualPaths(environment)
            path = try askFor("Configuration file", offering: usual.first?.bytes) { absolutePath($0) }
        }
        if !replaces, (try? System.status(of: path.bytes)) != nil {
            throw RekkordError(.exists, "cannot write '\(path.printed)': file exists", hint: "use --force")
        }
        return path
    }

    private func repository() throws(RekkordError) -> (url: [UInt8], isS3: Bool) {
        let offer = options.repository?.bytes ?? environment.bytes("REKKORD_REPOSITORY")
        let question = "Repository, a folder or s3:https://HOST/BUCKET/PREFIX"
        return try ask(question, offering: offer) { (answer) throws(FormatError) in
            switch try RepositoryURL(answer, relativeTo: environment.workingDirectory) {
            case .location(.local(let path)): return (path.bytes, false)
            case .location(.s3): return (answer, true)
            case .location(.sftp): throw FormatError("SFTP storage is not supported yet")
            case .s3Parts, .sftpParts: throw FormatError("the address itself is needed")
            }
        }
    }

    /// What goes to [S3], in order.
    private func s3Settings() throws(RekkordError) -> [(key: String, value: [UInt8])] {
        var settings: [(key: String, value: [UInt8])] = []
        func writable(_ key: String, _ value: [UInt8]) throws(FormatError) -> [UInt8] {
            var text = ConfigText()
            if !value.isEmpty { try text.set(key, value) }
            return value
        }
        let id = try ask("Access key ID, empty to take it from the environment", offering: []) {
            (answer) throws(FormatError) in
            guard PrintedName.isUTF8(answer) else { throw FormatError("the access key ID is not text") }
            return try writable("KeyID", answer)
        }
        if !id.isEmpty {
            settings.append(("KeyID", id))
            let secret = try askSecret("Secret access key, empty to be asked for each time") {
                (answer) throws(FormatError) in try writable("SecretKey", answer)
            }
            if !secret.isEmpty { settings.append(("SecretKey", secret)) }
        }
        let region = try ask("Region, empty to find it out", offering: []) { (answer) throws(FormatError) in
            guard PrintedName.isUTF8(answer) else { throw FormatError("the region is not text") }
            return try writable("Region", answer)
        }
        if !region.isEmpty { settings.append(("Region", region)) }
        let locks = try ask("Lock objects for 14d to 100d, empty for no locks", offering: []) {
            (answer) throws(FormatError) -> [UInt8] in
            if answer.isEmpty { return [] }
            let seconds = try DurationText.parse(String(decoding: answer, as: UTF8.self))
            if seconds != 0 { try S3Settings.checkRetainSeconds(seconds) }
            return answer
        }
        if !locks.isEmpty { settings.append(("RetainDuration", locks)) }
        return settings
    }

    private func keyOrigin() throws(RekkordError) -> SetupPlan.KeyOrigin {
        try ask("Key: new for a new repository, derived from its master key, or imported", offering: "new") {
            (answer) throws(FormatError) in
            try KeywordText.parse(String(decoding: answer, as: UTF8.self), as: SetupPlan.KeyOrigin.self)
        }
    }

    /// A key, and where it comes from if that is a file that holds it.
    private struct KeySource {
        var text: [UInt8]
        var keys: KeySet
        var path: FilePath?
        var usualName: FilePath.Component
    }

    private func key(_ origin: SetupPlan.KeyOrigin) throws(RekkordError) -> KeySource {
        switch origin {
        case .new:
            let (text, keys) = KeyFile.generateMaster()
            return KeySource(text: text, keys: keys, usualName: "master.key")
        case .imported:
            return try askFor("Key file to import") { (answer) throws(RekkordError) in
                let path = absolutePath(answer)
                let (text, keys) = try KeyFile.loadText(path)
                return KeySource(
                    text: text,
                    keys: keys,
                    path: path,
                    usualName: path.lastComponent ?? "rekkord.key"
                )
            }
        case .derived:
            let master = try askFor("Master key file") { (answer) throws(RekkordError) in
                let path = absolutePath(answer)
                let keys = try KeyFile.load(path)
                guard keys.type == .master else {
                    throw RekkordError(.key, "cannot derive with \(keys.type.name) key")
                }
                return keys
            }
            let type = try ask("Rights: WriteOnly, ReadWrite or LogOnly", offering: "WriteOnly") {
                (answer) throws(FormatError) in
                try KeywordText.parse(String(decoding: answer, as: UTF8.self), as: Derive.DerivedType.self)
            }
            let (text, keys) = try KeyFile.derive(type.keyType, from: master)
            return KeySource(text: text, keys: keys, usualName: "rekkord.key")
        }
    }

    private func keyPath(_ source: KeySource, _ configPath: FilePath) throws(RekkordError) -> FilePath {
        let usual = configPath.removingLastComponent().appending(source.usualName)
        let offer = options.keyFile?.path ?? usual
        return try ask("Key file to write", offering: offer.bytes) { (answer) throws(FormatError) in
            let path = absolutePath(answer)
            if path == source.path { return path }
            if path == configPath { throw FormatError("that is the configuration file") }
            if (try? System.status(of: path.bytes)) != nil {
                throw FormatError("'\(path.printed)' exists, and a key file is never replaced")
            }
            return path
        }
    }

    private func absolutePath(_ answer: [UInt8]) -> FilePath {
        FilePath(bytes: answer).resolved(in: environment.workingDirectory)
    }

    // MARK: - Asking

    private func ask<Value>(
        _ question: String,
        offering answer: String,
        _ read: ([UInt8]) throws(FormatError) -> Value
    ) throws(RekkordError) -> Value {
        try ask(question, offering: Array(answer.utf8), read)
    }

    /// Asks until `read` takes the answer; an empty one stands for what is offered, nil offers nothing.
    private func ask<Value>(
        _ question: String,
        offering answer: [UInt8]?,
        _ read: ([UInt8]) throws(FormatError) -> Value
    ) throws(RekkordError) -> Value {
        try askFor(question, offering: answer) { (answer) throws(RekkordError) -> Value in
            do throws(FormatError) {
                return try read(answer)
            } catch {
                throw RekkordError(.usage, error.reason)
            }
        }
    }

    private func askFor<Value>(
        _ question: String,
        offering answer: [UInt8]? = nil,
        _ read: ([UInt8]) throws(RekkordError) -> Value
    ) throws(RekkordError) -> Value {
        while true {
            guard let line = console.promptLine(question, offering: answer) else { throw Self.endOfInput }
            if line.isEmpty, answer == nil { continue }
            do throws(RekkordError) {
                return try read(line.isEmpty ? answer ?? [] : line)
            } catch {
                console.report(error)
            }
        }
    }

    private func askSecret(
        _ question: String,
        _ read: ([UInt8]) throws(FormatError) -> [UInt8]
    ) throws(RekkordError) -> [UInt8] {
        while true {
            guard let secret = console.promptSecret(question) else { throw Self.endOfInput }
            do throws(FormatError) {
                return try read(secret.bytes)
            } catch {
                console.report(RekkordError(.usage, error.reason))
            }
        }
    }

    private static let endOfInput = RekkordError(.usage, "cannot set up: the input ended before all was said")
}
