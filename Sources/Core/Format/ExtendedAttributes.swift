/// Holds one extended attribute.
public struct ExtendedAttribute: Hashable, Sendable {
    /// The full name with its namespace, such as `user.x`; never empty, without NUL.
    public var key: [UInt8]
    /// Any bytes.
    public var value: [UInt8]

    /// Joins a key and a value.
    public init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// Reads and writes the extended attributes of an entry.
///
/// Zero or more records: `n` (u16), then n bytes: key, NUL, value. POSIX ACLs are stored under the keys of
/// `AccessControlList`.
/// - Source: rekkord-format(5), "Extended attributes".
public enum ExtendedAttributes {
    /// The most bytes that all records of an entry may take; beyond it they are all dropped.
    public static let maxByteCount = 32_767
    /// The most bytes that the key, its NUL and the value may take; an attribute beyond it is skipped.
    public static let maxRecordByteCount = 65_535

    /// Decodes the attributes of an entry; records without a key are left out.
    ///
    /// - Throws: `malformed extended attributes` when a record is cut off or has no NUL.
    public static func parse(_ bytes: [UInt8]) throws(FormatError) -> [ExtendedAttribute] {
        try bytes.withRawBytes { (bytes) throws(FormatError) in
            var attributes: [ExtendedAttribute] = []
            var reader = ByteReader(bytes)
            while reader.remaining > 0 {
                let record: UnsafeRawBufferPointer
                do {
                    record = try reader.bytes(Int(try reader.integer(UInt16.self)))
                } catch {
                    throw FormatError("malformed extended attributes")
                }
                guard let end = record.firstIndex(of: 0) else {
                    throw FormatError("malformed extended attributes")
                }
                guard end > 0 else { continue }
                attributes.append(
                    ExtendedAttribute(key: Array(record[..<end]), value: Array(record[(end + 1)...]))
                )
            }
            return attributes
        }
    }

    /// What `encode` could keep.
    public struct Encoded: Hashable, Sendable {
        /// What the entry stores.
        public var bytes: [UInt8] = []
        /// The keys of attributes that are not stored because of the limits, in the order given.
        public var dropped: [[UInt8]] = []
    }

    /// Encodes attributes in the order given, as far as the limits of the format allow.
    ///
    /// A key that is empty or holds NUL cannot be stored either.
    public static func encode(_ attributes: some Collection<ExtendedAttribute>) -> Encoded {
        var encoded = Encoded()
        var writer = ByteWriter()
        for attribute in attributes {
            let byteCount = attribute.key.count + 1 + attribute.value.count
            guard byteCount <= maxRecordByteCount, !attribute.key.isEmpty, !attribute.key.contains(0) else {
                encoded.dropped.append(attribute.key)
                continue
            }
            writer.integer(UInt16(byteCount))
            writer.append(attribute.key)
            writer.integer(UInt8(0))
            writer.append(attribute.value)
        }
        guard writer.bytes.count <= maxByteCount else {
            return Encoded(bytes: [], dropped: attributes.map(\.key))
        }
        encoded.bytes = writer.bytes
        return encoded
    }
}
