public import SystemPackage

/// Holds what a command works with: command line over configuration file over environment over defaults.
///
/// - Source: rekkord(1), "Common options"; rekkord.ini(5).
public struct Settings: Sendable {
    /// What the command line says; nil where it says nothing.
    public struct Overrides: Sendable {
        /// `--repository`.
        public var repository: [UInt8]?
        /// `--key-file`.
        public var keyFile: FilePath?
        /// `--threads`, at least 1.
        public var threads: Int?
        /// `--cache-dir`.
        public var cacheDirectory: FilePath?

        /// Says nothing.
        public init() {}
    }

    /// Nil when nothing names a repository.
    public let repository: RepositoryLocation?
    /// Nil when nothing names a key file.
    ///
    /// As given on the command line, else absolute.
    public let keyFile: FilePath?
    /// Nil leaves the number of workers to the storage.
    public let threads: Int?
    /// The level of LZ4, 0…12.
    public let compressionLevel: Int
    /// How pieces of data are cut.
    public let splitting: ConfigFile.Splitting
    /// Whether every sealed blob is decoded in memory before it is stored.
    public let testWrites: Bool
    /// S3 storage.
    public let s3: S3Settings
    /// SFTP storage.
    public let sftp: SFTPSettings
    /// Executables around a save or scan.
    public let hooks: HookSettings
    /// Caches.
    public let cache: CacheSettings

    /// Joins all sources.
    ///
    /// - Throws: `.usage` for what cannot be used or does not go together.
    public init(
        file: ConfigFile?,
        environment: ProcessEnvironment,
        overrides: Overrides = Overrides()
    ) throws(RekkordError) {
        let repository = try Self.repository(file, environment, overrides)
        if let file { try Self.checkLocks(file, repository) }
        self.repository = repository
        keyFile =
            overrides.keyFile ?? file?.keyFile?.value
            ?? environment.bytes("REKKORD_KEY_FILE", "REKKORD_KEYFILE").map { FilePath(bytes: $0) }
        threads = overrides.threads ?? file?.threads?.value
        compressionLevel = file?.compressionLevel?.value ?? 1
        splitting = file?.splitting?.value ?? .stable
        testWrites = file?.testWrites?.value ?? false
        s3 = Self.s3(file, environment)
        sftp = Self.sftp(file, environment)
        hooks = Self.hooks(file)
        cache = Self.cache(file, environment, overrides, repository)
    }

    /// The number of workers on a machine with so many cores.
    public func threadCount(cores: Int) -> Int {
        threads ?? repository?.defaultThreadCount(cores: cores) ?? cores
    }
}

extension Settings {
    private static func repository(
        _ file: ConfigFile?,
        _ environment: ProcessEnvironment,
        _ overrides: Overrides
    ) throws(RekkordError) -> RepositoryLocation? {
        let source: String
        let text: [UInt8]
        var folder = environment.workingDirectory
        if let value = overrides.repository {
            (source, text) = ("--repository", value)
        } else if let file, let url = file.url {
            (source, text) = ("\(file.position(url.line)): URL", url.value)
            folder = file.folder
        } else if let value = environment.bytes("REKKORD_REPOSITORY") {
            (source, text) = ("REKKORD_REPOSITORY", value)
        } else {
            return nil
        }
        do {
            switch try RepositoryURL(text, relativeTo: folder) {
            case .location(let location): return location
            case .s3Parts: return .s3(try (file?.s3Address ?? .init()).resolve(environment))
            case .sftpParts: return .sftp(try (file?.sftpAddress ?? .init()).resolve())
            }
        } catch {
            throw RekkordError(.usage, "\(source): \(error.reason)")
        }
    }

    /// Only S3 can lock objects; elsewhere a lock setting would promise what nobody keeps.
    private static func checkLocks(
        _ file: ConfigFile,
        _ repository: RepositoryLocation?
    ) throws(RekkordError) {
        guard let repository else { return }
        if case .s3 = repository { return }
        let isDisabled = file.retainSeconds?.value == 0
        var problems = ConfigProblems(path: file.path)
        if let duration = file.retainSeconds, !isDisabled {
            problems.add("RetainDuration needs S3 storage", line: duration.line)
        }
        if let mode = file.retainMode, !isDisabled {
            problems.add("RetainMode needs S3 storage", line: mode.line)
        }
        try problems.check()
    }

    private static func s3(_ file: ConfigFile?, _ environment: ProcessEnvironment) -> S3Settings {
        var settings = S3Settings()
        settings.retainSeconds = file?.retainSeconds?.value ?? settings.retainSeconds
        settings.retainMode = file?.retainMode?.value ?? settings.retainMode
        settings.checksumType = file?.checksumType?.value ?? settings.checksumType
        settings.region =
            file?.s3Address.region?.value
            ?? environment.string("S3_REGION", "S3_DEFAULT_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
        settings.accessKeyID =
            file?.accessKeyID?.value ?? environment.string("S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID")
        settings.secretKey =
            file?.secretKey?.value
            ?? environment.bytes("S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY").map { SecretText($0) }
        settings.certificateFile = environment.bytes("AWS_CA_BUNDLE", "SSL_CERT_FILE")
            .map { FilePath(bytes: $0).resolved(in: environment.workingDirectory) }
        return settings
    }

    private static func sftp(_ file: ConfigFile?, _ environment: ProcessEnvironment) -> SFTPSettings {
        var settings = SFTPSettings()
        settings.fingerprint = file?.fingerprint?.value ?? environment.string("SSH_FINGERPRINT")
        settings.usesKnownHosts = file?.usesKnownHosts?.value ?? settings.usesKnownHosts
        if let credential = file?.credential?.value {
            settings.credential = credential
        } else if let key = environment.bytes("SSH_KEY") {
            settings.credential = .key(SecretText(key))
        } else if let path = environment.bytes("SSH_KEYFILE") {
            settings.credential = .keyFile(FilePath(bytes: path).resolved(in: environment.workingDirectory))
        } else if let password = environment.bytes("SSH_PASSWORD") {
            settings.credential = .password(SecretText(password))
        }
        return settings
    }

    private static func hooks(_ file: ConfigFile?) -> HookSettings {
        var settings = HookSettings()
        settings.preSaveDirectory = file?.preSaveDirectory?.value
        settings.postSaveDirectory = file?.postSaveDirectory?.value
        settings.preScanDirectory = file?.preScanDirectory?.value
        settings.postScanDirectory = file?.postScanDirectory?.value
        return settings
    }

    private static func cache(
        _ file: ConfigFile?,
        _ environment: ProcessEnvironment,
        _ overrides: Overrides,
        _ repository: RepositoryLocation?
    ) -> CacheSettings {
        var settings = CacheSettings()
        settings.directory =
            overrides.cacheDirectory?.resolved(in: environment.workingDirectory) ?? file?.cacheDirectory?
            .value
            ?? environment.baseDirectory("XDG_CACHE_HOME", inHome: ".cache")?.appending("rekkord")
        let isRemote =
            switch repository {
            case .s3, .sftp: true
            case .local, nil: false
            }
        settings.memorySize = file?.memorySize?.value ?? settings.memorySize
        settings.metadataSize =
            file?.metadataSize?.value ?? (isRemote ? CacheSettings.remoteMetadataSize : 0)
        settings.blobSize = file?.blobSize?.value ?? settings.blobSize
        return settings
    }
}
