public import SystemPackage

/// Reads and makes key files.
///
/// - Source: rekkord-format(5), "Key file" and "Derived key".
public enum KeyFile {
    private static let begin = Array("-----BEGIN REKKORD KEY-----".utf8)
    private static let end = Array("-----END REKKORD KEY-----".utf8)
    private static let maxFileByteCount = 4096
    private static let lineLength = 70

    /// Reads and checks a key file.
    ///
    /// - Throws: `.usage` when it cannot be read, `.key` when it is not a key file or was tampered with.
    public static func load(_ path: FilePath) throws(RekkordError) -> KeySet {
        var (text, keys) = try loadText(path)
        text.withUnsafeMutableBytes { Sodium.wipe($0) }
        return keys
    }

    /// The same with the text of the file, for a copy of it.
    public static func loadText(_ path: FilePath) throws(RekkordError) -> (text: [UInt8], keys: KeySet) {
        guard !path.string.contains("REKKORD KEY") else {
            throw RekkordError(
                .usage,
                "cannot read key file: what was given is the text of a key",
                hint: "give the name of its file"
            )
        }
        let name = "cannot read key file '\(path.printed)'"
        var text: [UInt8]
        do {
            text = try WholeFile.read(path, limit: maxFileByteCount).bytes
        } catch .fileTooLarge {
            throw RekkordError(.key, "\(name): malformed key file")
        } catch {
            throw RekkordError(.usage, "\(name): \(error)")
        }
        do {
            return (text, try parse(text))
        } catch {
            text.withUnsafeMutableBytes { Sodium.wipe($0) }
            throw RekkordError(.key, "\(name): \(error.reason)", hint: hint(for: error))
        }
    }

    /// Reads the text of a key file.
    public static func parse(_ text: some Collection<UInt8>) throws(FormatError) -> KeySet {
        var raw = try body(of: Array(text))
        defer { raw.withUnsafeMutableBytes { Sodium.wipe($0) } }
        return try raw.withRawBytes { (raw) throws(FormatError) -> KeySet in
            switch raw.count {
            case SecretKey.byteCount: return KeySet(master: SecretKey(copying: raw))
            case DerivedKey.byteCount: return try DerivedKey.open(raw)
            default: throw FormatError("malformed key file")
            }
        }
    }

    /// Makes a new master key.
    ///
    /// - Returns: The text of its file, to be written with mode 0600, and its keys.
    public static func generateMaster() -> (text: [UInt8], keys: KeySet) {
        let key = SecretKey.random()
        return (key.withBytes { armored($0) }, KeySet(master: key))
    }

    /// Makes a derived key; see `generateMaster` for the result.
    ///
    /// - Throws: `.key` when `master` is not a master key.
    public static func derive(
        _ type: KeyType,
        from master: KeySet
    ) throws(RekkordError) -> (text: [UInt8], keys: KeySet) {
        let id = Sodium.random(KeyID.byteCount)
        guard let id = KeyID(id) else { fatalError("key id of wrong length") }
        return try derive(type, from: master, id: id, signingSeed: SecretKey.random())
    }

    /// The same with fixed random parts, for golden tests.
    static func derive(
        _ type: KeyType,
        from master: KeySet,
        id: KeyID,
        signingSeed: borrowing SecretKey
    ) throws(RekkordError) -> (text: [UInt8], keys: KeySet) {
        guard var raw = DerivedKey.make(type, from: master, id: id, signingSeed: signingSeed) else {
            throw RekkordError(.key, "cannot derive with \(master.type.name) key", hint: "use the Master key")
        }
        defer { raw.withUnsafeMutableBytes { Sodium.wipe($0) } }
        do throws(FormatError) {
            let keys = try raw.withRawBytes { (raw) throws(FormatError) -> KeySet in try DerivedKey.open(raw)
            }
            return (raw.withUnsafeBytes { armored($0) }, keys)
        } catch {
            fatalError("a derived key does not load: \(error.reason)")
        }
    }

    private static func hint(for error: FormatError) -> String? {
        error == DerivedKey.outdated ? "derive the key again with the Master key" : nil
    }

    private static func armored(_ raw: UnsafeRawBufferPointer) -> [UInt8] {
        let newline = UInt8(ascii: "\n")
        var digits = Sodium.base64(raw, .standard)
        defer { digits.withUnsafeMutableBytes { Sodium.wipe($0) } }
        let lineCount = (digits.count + lineLength - 1) / lineLength
        var text: [UInt8] = []
        // Growing would leave copies behind.
        text.reserveCapacity(begin.count + digits.count + lineCount + end.count + 2)
        text += begin
        text.append(newline)
        for start in stride(from: 0, to: digits.count, by: lineLength) {
            text += digits[start..<min(start + lineLength, digits.count)]
            text.append(newline)
        }
        text += end
        text.append(newline)
        return text
    }

    /// What stands between the markers, decoded.
    private static func body(of text: [UInt8]) throws(FormatError) -> [UInt8] {
        guard let start = text.firstRange(of: begin)?.upperBound else {
            throw FormatError("malformed key file")
        }
        let rest = text[start...]
        let stop = rest.firstRange(of: end)?.lowerBound ?? rest.endIndex
        var digits: [UInt8] = []
        // Growing would leave copies behind.
        digits.reserveCapacity(stop - start)
        defer { digits.withUnsafeMutableBytes { Sodium.wipe($0) } }
        for byte in rest[..<stop] where !isSpace(byte) { digits.append(byte) }
        guard let raw = Sodium.decodeBase64(digits, .standard) else {
            throw FormatError("malformed key file")
        }
        return raw
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (9...13).contains(byte)
    }
}
