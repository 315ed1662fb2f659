/// The 950 bytes inside the file of a derived key.
///
/// magic 5 | badge 113 | 24 slots of 32 | signature of all before by the master 64.
/// - Source: rekkord-format(5), "Derived key".
enum DerivedKey {
    static let byteCount = 950
    /// Thrown for a layout that only unreleased versions of the original wrote.
    static let outdated = FormatError("key file of an unsupported older layout")

    private static let magic = Array("RKK01".utf8)
    private static let badgeRange = 5..<5 + Badge.byteCount
    private static let slotsOffset = 118
    private static let signatureOffset = 886

    private enum Slot: Int {
        case configKey = 1, dataSecret, dataPublic, logSecret, logPublic, masterPublic = 7, signingSeed
    }

    /// Checks both signatures and takes the slots that the type may use.
    static func open(_ raw: UnsafeRawBufferPointer) throws(FormatError) -> KeySet {
        guard raw.count == byteCount, raw.prefix(magic.count).elementsEqual(magic) else {
            throw FormatError("malformed key file")
        }
        let masterPublic = key(.masterPublic, of: raw)
        guard isSigned(raw, by: masterPublic) else {
            // Slot 1 signed the files of an intermediate revision (rekkord-format(5), "Derived key").
            if isSigned(raw, by: key(.configKey, of: raw)) { throw outdated }
            throw FormatError("the key file was tampered with")
        }
        let badge = try Badge(Array(raw[badgeRange]), masterPublicKey: masterPublic)
        let signingSeed = key(.signingSeed, of: raw)
        let publicKey = Sodium.ed25519PublicKey(seed: signingSeed)
        guard publicKey.withBytes({ $0.elementsEqual(badge.publicKey) }) else {
            throw FormatError("the key file was tampered with")
        }

        var dataSecret: SecretKey?
        var dataPublic: SecretKey?
        if badge.type == .readWrite {
            let secret = key(.dataSecret, of: raw)
            dataPublic = Sodium.x25519PublicKey(secret)
            dataSecret = consume secret
        } else if badge.type == .writeOnly {
            dataPublic = key(.dataPublic, of: raw)
        }
        var logSecret: SecretKey?
        let logPublic: SecretKey
        if badge.type == .writeOnly {
            logPublic = key(.logPublic, of: raw)
        } else {
            let secret = key(.logSecret, of: raw)
            logPublic = Sodium.x25519PublicKey(secret)
            logSecret = consume secret
        }
        return KeySet(
            badge: badge,
            configKey: key(.configKey, of: raw),
            dataSecret: dataSecret,
            dataPublic: dataPublic,
            logSecret: logSecret,
            logPublic: logPublic,
            masterPublic: masterPublic,
            signingSeed: signingSeed
        )
    }

    /// Fills the slots that `type` may have and signs; nil when `master` is not a master key.
    static func make(
        _ type: KeyType,
        from master: KeySet,
        id: KeyID,
        signingSeed: borrowing SecretKey
    ) -> [UInt8]? {
        switch master.masterSeed {
        case .none: return nil
        case .some(let masterSeed):
            let publicKey = Sodium.ed25519PublicKey(seed: signingSeed)
            let badge = Badge(id: id, type: type, publicKey: publicKey, masterSeed: masterSeed)
            let raw = magic + badge.bytes + slots(of: type, from: master, signingSeed: signingSeed)
            return raw + raw.withUnsafeBytes { Sodium.sign($0, seed: masterSeed) }
        }
    }

    private static func slots(of type: KeyType, from master: KeySet, signingSeed: borrowing SecretKey)
        -> [UInt8]
    {
        var slots = [UInt8](repeating: 0, count: signatureOffset - slotsOffset)
        func store(_ key: UnsafeRawBufferPointer, _ slot: Slot) {
            let start = slot.rawValue * SecretKey.byteCount
            slots.replaceSubrange(start..<start + SecretKey.byteCount, with: key)
        }
        master.configKey.withBytes { store($0, .configKey) }
        master.masterPublic.withBytes { store($0, .masterPublic) }
        signingSeed.withBytes { store($0, .signingSeed) }
        switch type {
        case .writeOnly:
            master.dataPublic?.withBytes { store($0, .dataPublic) }
            master.logPublic.withBytes { store($0, .logPublic) }
        case .readWrite:
            master.dataSecret?.withBytes { store($0, .dataSecret) }
            master.logSecret?.withBytes { store($0, .logSecret) }
        case .logOnly:
            master.logSecret?.withBytes { store($0, .logSecret) }
        case .master:
            fatalError("a master key has no slots")
        }
        return slots
    }

    private static func key(_ slot: Slot, of raw: UnsafeRawBufferPointer) -> SecretKey {
        let start = slotsOffset + slot.rawValue * SecretKey.byteCount
        return SecretKey(copying: UnsafeRawBufferPointer(rebasing: raw[start..<start + SecretKey.byteCount]))
    }

    private static func isSigned(_ raw: UnsafeRawBufferPointer, by publicKey: borrowing SecretKey) -> Bool {
        publicKey.withBytes {
            Sodium.verify(
                UnsafeRawBufferPointer(rebasing: raw[signatureOffset...]),
                of: UnsafeRawBufferPointer(rebasing: raw[..<signatureOffset]),
                publicKey: $0
            )
        }
    }
}
