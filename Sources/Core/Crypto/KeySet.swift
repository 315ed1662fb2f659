/// Holds the keys that one key file gives, each in guarded memory.
///
/// What a type lacks is absent, so code that needs it must ask. Safe on any thread: nothing changes after `init`.
/// - Source: rekkord-format(5), "KEYS" and "Derived key".
public final class KeySet: Sendable {
    /// What the key may do.
    public let type: KeyType
    /// Which key it is.
    public let id: KeyID

    /// Opens and authenticates the config object; public half of `configSeed`.
    let configKey: SecretKey
    /// Signs the config object; master only.
    let configSeed: SecretKey?
    /// Opens blob keys; needs Read.
    let dataSecret: SecretKey?
    /// Seals blob keys and feeds the salts; absent in LogOnly keys.
    let dataPublic: SecretKey?
    /// Opens tags; needs Log.
    let logSecret: SecretKey?
    /// Seals tags.
    let logPublic: SecretKey
    /// Issues badges and key files; master only.
    let masterSeed: SecretKey?
    /// Verifies badges, key files and the tags of the master.
    let masterPublic: SecretKey
    /// Signs the tags of this key.
    let signingSeed: SecretKey
    /// Shows that the master issued this key; absent in the master key itself.
    let badge: Badge?
    /// The salts, where `dataPublic` is known.
    let salts: BlobSalts?

    /// Derives everything from the 32 bytes of a master key.
    init(master: borrowing SecretKey) {
        type = .master
        id = .master
        let configSeed = Sodium.derive(master, id: 0)
        let dataSecret = Sodium.derive(master, id: 1)
        let logSecret = Sodium.derive(master, id: 2)
        let masterSeed = Sodium.derive(master, id: 3)
        let dataPublic = Sodium.x25519PublicKey(dataSecret)
        configKey = Sodium.ed25519PublicKey(seed: configSeed)
        logPublic = Sodium.x25519PublicKey(logSecret)
        masterPublic = Sodium.ed25519PublicKey(seed: masterSeed)
        signingSeed = masterSeed.copy()
        salts = BlobSalts(dataPublic)
        badge = nil
        self.configSeed = consume configSeed
        self.dataSecret = consume dataSecret
        self.dataPublic = consume dataPublic
        self.logSecret = consume logSecret
        self.masterSeed = consume masterSeed
    }

    /// Takes what the slots of a derived key file hold; see `DerivedKeyFile`.
    init(
        badge: Badge,
        configKey: consuming SecretKey,
        dataSecret: consuming SecretKey?,
        dataPublic: consuming SecretKey?,
        logSecret: consuming SecretKey?,
        logPublic: consuming SecretKey,
        masterPublic: consuming SecretKey,
        signingSeed: consuming SecretKey
    ) {
        type = badge.type
        id = badge.id
        self.badge = badge
        self.configKey = configKey
        configSeed = nil
        self.dataSecret = dataSecret
        if let dataPublic {
            salts = BlobSalts(dataPublic)
            self.dataPublic = consume dataPublic
        } else {
            salts = nil
            self.dataPublic = nil
        }
        self.logSecret = logSecret
        self.logPublic = logPublic
        masterSeed = nil
        self.masterPublic = masterPublic
        self.signingSeed = signingSeed
    }

    /// The key and stream of the content splitters; nil in LogOnly keys.
    public var splitterSalt: SplitterSalt? { salts.map { SplitterSalt($0) } }
}
