internal import SystemPackage

/// The table of sections and keys.
extension ConfigFile {
    /// What the name of a section means.
    enum SectionName {
        case known(Section)
        case ignored(String)
        case unknown
    }

    /// The sections that have keys.
    enum Section {
        case repository, settings, s3, sftp, hooks, cache, protection
    }

    static func section(_ name: [UInt8]) -> SectionName {
        let name = String(decoding: name, as: UTF8.self)
        return switch name {
        case "Repository": .known(.repository)
        case "Settings": .known(.settings)
        case "S3": .known(.s3)
        case "SFTP", "SSH": .known(.sftp)
        case "Hooks": .known(.hooks)
        case "Cache": .known(.cache)
        case "Protection": .known(.protection)
        case "Agent", "Connect": .ignored(name)
        default: .unknown
        }
    }

    /// Reads one entry; those of ignored and unknown sections are skipped.
    mutating func read(_ entry: INIDocument.Entry) throws(FormatError) {
        guard case .known(let section) = Self.section(entry.section) else { return }
        switch (section, entry.key) {
        case (.repository, "URL"): try set(\.url, entry, entry.text())
        case (.repository, "KeyFile"): try set(\.keyFile, entry, path(entry))

        case (.settings, "Threads"): try set(\.threads, entry, integer(entry, 1 ... .max))
        case (.settings, "CompressionLevel"): try set(\.compressionLevel, entry, integer(entry, 0...12))
        case (.settings, "Chunking"): try set(\.splitting, entry, keyword(entry, Splitting.self))
        case (.settings, "TestWrites"), (.protection, "TestWrites"):
            try set(\.testWrites, entry, boolean(entry))

        case (.s3, "RetainDuration"), (.protection, "RetainDuration"):
            try set(\.retainSeconds, entry, retainDuration(entry))
        case (.s3, "RetainMode"), (.s3, "LockMode"):
            try set(\.retainMode, entry, keyword(entry, S3Settings.RetainMode.self))
        case (.s3, "DurationSafety"), (.protection, "DurationSafety"):
            try set(\.durationSafety, entry, boolean(entry))
        case (.s3, "ChecksumType"):
            try set(\.checksumType, entry, keyword(entry, S3Settings.ChecksumType.self))
        case (.s3, "Location"), (.s3, "Endpoint"): try set(\.s3Address.location, entry, string(entry))
        case (.s3, "Host"): try set(\.s3Address.host, entry, string(entry))
        case (.s3, "Port"): try set(\.s3Address.port, entry, integer(entry, HostText.ports))
        case (.s3, "Region"): try set(\.s3Address.region, entry, string(entry))
        case (.s3, "Bucket"): try set(\.s3Address.bucket, entry, string(entry))
        case (.s3, "Prefix"): try set(\.s3Address.prefix, entry, string(entry))
        case (.s3, "KeyID"), (.s3, "AccessKeyID"): try set(\.accessKeyID, entry, string(entry))
        case (.s3, "SecretKey"): try set(\.secretKey, entry, secret(entry))
        case (.s3, "ConditionalWrites"):
            warnings.append("\(position(entry.line)): ConditionalWrites is ignored: support is detected")

        case (.sftp, "Location"): try set(\.sftpAddress.location, entry, entry.text())
        case (.sftp, "Host"): try set(\.sftpAddress.host, entry, string(entry))
        case (.sftp, "Port"): try set(\.sftpAddress.port, entry, integer(entry, HostText.ports))
        case (.sftp, "User"): try set(\.sftpAddress.user, entry, string(entry))
        case (.sftp, "Path"): try set(\.sftpAddress.path, entry, entry.text())
        case (.sftp, "Fingerprint"): try set(\.fingerprint, entry, fingerprint(entry))
        case (.sftp, "KnownHosts"): try set(\.usesKnownHosts, entry, boolean(entry))
        case (.sftp, "Password"): try setCredential(entry, .password(secret(entry)))
        case (.sftp, "Key"): try setCredential(entry, .key(secret(entry)))
        case (.sftp, "KeyFile"): try setCredential(entry, .keyFile(path(entry)))

        case (.hooks, "PreSaveDirectory"): try set(\.preSaveDirectory, entry, path(entry))
        case (.hooks, "PostSaveDirectory"): try set(\.postSaveDirectory, entry, path(entry))
        case (.hooks, "PreScanDirectory"): try set(\.preScanDirectory, entry, path(entry))
        case (.hooks, "PostScanDirectory"): try set(\.postScanDirectory, entry, path(entry))

        case (.cache, "Directory"): try set(\.cacheDirectory, entry, path(entry))
        case (.cache, "MemorySize"): try set(\.memorySize, entry, size(entry))
        case (.cache, "MetadataSize"): try set(\.metadataSize, entry, size(entry))
        case (.cache, "BlobSize"): try set(\.blobSize, entry, size(entry))

        default:
            let key = PrintedName.escape(entry.key.utf8)
            throw FormatError("unknown key '\(key)' in [\(PrintedName.escape(entry.section))]")
        }
    }

    /// Keeps a value; an older name or place may repeat it, but not say something else.
    private mutating func set<Value>(
        _ field: WritableKeyPath<ConfigFile, Located<Value>?>,
        _ entry: INIDocument.Entry,
        _ value: Value
    ) throws(FormatError) {
        if let earlier = self[keyPath: field] {
            guard earlier.value == value else {
                throw FormatError("\(entry.key) contradicts line \(earlier.line)")
            }
        } else {
            self[keyPath: field] = Located(value: value, line: entry.line)
        }
    }

    private mutating func setCredential(
        _ entry: INIDocument.Entry,
        _ value: SFTPSettings.Credential
    ) throws(FormatError) {
        if let credential {
            throw FormatError(
                "only one of Password, Key and KeyFile is possible, see line \(credential.line)"
            )
        }
        credential = Located(value: value, line: entry.line)
    }
}

/// The types of values; each reason starts with the key.
extension ConfigFile {
    private func named<Value>(
        _ entry: INIDocument.Entry,
        _ parse: (String) throws(FormatError) -> Value
    ) throws(FormatError) -> Value {
        let word = try entry.word()
        do {
            return try parse(word)
        } catch {
            throw FormatError("\(entry.key): \(error.reason)")
        }
    }

    private func integer(
        _ entry: INIDocument.Entry,
        _ range: ClosedRange<Int>
    ) throws(FormatError) -> Int {
        try named(entry) { (word) throws(FormatError) in try DecimalText.parse(word, in: range) }
    }

    private func boolean(_ entry: INIDocument.Entry) throws(FormatError) -> Bool {
        try named(entry) { (word) throws(FormatError) in try KeywordText.parseBoolean(word) }
    }

    private func size(_ entry: INIDocument.Entry) throws(FormatError) -> Int {
        try named(entry) { (word) throws(FormatError) in try SizeText.parse(word) }
    }

    private func keyword<Keyword: CaseIterable & RawRepresentable<String>>(
        _ entry: INIDocument.Entry,
        _ type: Keyword.Type
    ) throws(FormatError) -> Keyword {
        try named(entry) { (word) throws(FormatError) in try KeywordText.parse(word, as: type) }
    }

    private func retainDuration(_ entry: INIDocument.Entry) throws(FormatError) -> Int64 {
        try named(entry) { (word) throws(FormatError) in
            word.lowercased() == "disabled" ? 0 : try DurationText.parse(word)
        }
    }

    private func string(_ entry: INIDocument.Entry) throws(FormatError) -> String {
        guard let string = String(validating: try entry.text(), as: UTF8.self) else {
            throw FormatError("\(entry.key) is not UTF-8")
        }
        return string
    }

    private func path(_ entry: INIDocument.Entry) throws(FormatError) -> FilePath {
        FilePath(bytes: try entry.text()).resolved(in: folder)
    }

    private mutating func secret(_ entry: INIDocument.Entry) throws(FormatError) -> SecretText {
        holdsSecret = true
        return SecretText(try entry.text())
    }

    private func fingerprint(_ entry: INIDocument.Entry) throws(FormatError) -> String {
        let text = try string(entry)
        guard text.hasPrefix("SHA256:"), text.utf8.count > 7 else {
            throw FormatError(
                "\(entry.key): '\(PrintedName.escape(text.utf8))' does not look like 'SHA256:…'"
            )
        }
        return text
    }
}
