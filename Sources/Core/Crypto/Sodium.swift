internal import CSodium

/// Wraps libsodium, call by call; the only file that touches it.
///
/// Every function is safe on any thread. Lengths are checked by precondition: they come from our code, never from input.
enum Sodium {
    /// libsodium starts once, before the first call of anything here.
    private static let isReady: Bool = sodium_init() >= 0

    private static func start() {
        guard isReady else { fatalError("libsodium cannot start") }
    }

    // MARK: Memory and random numbers

    static func allocateGuarded(_ byteCount: Int) -> UnsafeMutableRawPointer {
        start()
        guard let memory = sodium_malloc(byteCount) else { fatalError("guarded memory exhausted") }
        return memory
    }

    static func freeGuarded(_ memory: UnsafeMutableRawPointer) {
        sodium_free(memory)
    }

    /// Guarded slots of keys that have died, wiped, for the next ones.
    ///
    /// Every blob has a key of its own, and making guarded memory takes a dozen system calls.
    private static let idleKeySlots = Locked<[UnsafeMutableRawPointer]>([])
    private static let maxIdleKeySlotCount = 64

    static func allocateKeySlot() -> UnsafeMutableRawPointer {
        idleKeySlots.withLock { $0.popLast() } ?? allocateGuarded(SecretKey.byteCount)
    }

    static func freeKeySlot(_ slot: UnsafeMutableRawPointer) {
        sodium_memzero(slot, SecretKey.byteCount)
        let isKept = idleKeySlots.withLock { slots in
            guard slots.count < maxIdleKeySlotCount else { return false }
            slots.append(slot)
            return true
        }
        if !isKept { freeGuarded(slot) }
    }

    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        sodium_memzero(base, bytes.count)
    }

    static func fillRandom(_ bytes: UnsafeMutableRawBufferPointer) {
        start()
        guard let base = bytes.baseAddress else { return }
        randombytes_buf(base, bytes.count)
    }

    static func random(_ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        bytes.withUnsafeMutableBytes { fillRandom($0) }
        return bytes
    }

    // MARK: Derivation and hashes

    /// `KDF(key, id, 32)` with the context `REKKORD0`.
    ///
    /// - Source: rekkord-format(5), "Conventions". C: `crypto_kdf_blake2b_derive_from_key`.
    static func derive(_ key: borrowing SecretKey, id: UInt64) -> SecretKey {
        start()
        return key.withBytes { key in
            SecretKey { result in
                let context: [CChar] = "REKKORD0".utf8.map { CChar(bitPattern: $0) }
                let status = crypto_kdf_blake2b_derive_from_key(
                    result.uint8,
                    result.count,
                    id,
                    context,
                    key.uint8
                )
                precondition(status == 0)
            }
        }
    }

    /// Unkeyed BLAKE2b of `parts`, one after the other; `byteCount` is 16…64.
    static func blake2b(_ byteCount: Int, _ parts: UnsafeRawBufferPointer...) -> [UInt8] {
        start()
        let message = parts.flatMap { $0 }
        var result = [UInt8](repeating: 0, count: byteCount)
        crypto_generichash_blake2b(&result, byteCount, message, UInt64(message.count), nil, 0)
        return result
    }

    /// SHA-256 of `bytes`, 32 bytes.
    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withRawBytes { sha256($0) }
    }

    /// SHA-256 of `bytes`, 32 bytes.
    static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        start()
        var result = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        crypto_hash_sha256(&result, bytes.uint8, UInt64(bytes.count))
        return result
    }

    /// HMAC-SHA256 with a key of any length, 32 bytes.
    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        start()
        var state = crypto_auth_hmacsha256_state()
        defer { withUnsafeMutableBytes(of: &state) { wipe($0) } }
        var result = [UInt8](repeating: 0, count: Int(crypto_auth_hmacsha256_BYTES))
        crypto_auth_hmacsha256_init(&state, key, key.count)
        crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        crypto_auth_hmacsha256_final(&state, &result)
        return result
    }

    /// Argon2id v1.3 with one pass over 8 KiB, 32 bytes.
    ///
    /// - Source: rekkord-format(5), "Conventions" and "TAGS". C: `crypto_pwhash_argon2id`.
    static func argon2id(password: [UInt8], salt: [UInt8]) throws(FormatError) -> SecretKey {
        start()
        precondition(salt.count == Int(crypto_pwhash_argon2id_SALTBYTES))
        return try SecretKey { (result) throws(FormatError) in
            let status = password.withUnsafeBytes { password in
                crypto_pwhash_argon2id(
                    result.uint8,
                    UInt64(result.count),
                    UnsafeRawPointer(password.uint8).assumingMemoryBound(to: CChar.self),
                    UInt64(password.count),
                    salt,
                    1,
                    8192,
                    crypto_pwhash_argon2id_ALG_ARGON2ID13
                )
            }
            guard status == 0 else { throw FormatError("not enough memory for key derivation") }
        }
    }

    /// The first `byteCount` bytes of the ChaCha20-IETF stream; `nonce` has 12 bytes.
    static func chaCha20Keystream(_ key: borrowing SecretKey, nonce: [UInt8], byteCount: Int) -> [UInt8] {
        start()
        precondition(nonce.count == Int(crypto_stream_chacha20_ietf_NONCEBYTES))
        var stream = [UInt8](repeating: 0, count: byteCount)
        key.withBytes { _ = crypto_stream_chacha20_ietf(&stream, UInt64(byteCount), nonce, $0.uint8) }
        return stream
    }

    // MARK: Public keys and signatures

    /// The X25519 public key of a secret key.
    static func x25519PublicKey(_ key: borrowing SecretKey) -> SecretKey {
        start()
        return key.withBytes { key in
            SecretKey { result in
                let status = crypto_scalarmult_base(result.uint8, key.uint8)
                precondition(status == 0)
            }
        }
    }

    /// The Ed25519 public key of a 32-byte seed.
    static func ed25519PublicKey(seed: borrowing SecretKey) -> SecretKey {
        withEd25519Pair(seed: seed) { publicKey, _ in SecretKey(copying: publicKey) }
    }

    /// Signs `message` with a seed, 64 bytes.
    static func sign(_ message: UnsafeRawBufferPointer, seed: borrowing SecretKey) -> [UInt8] {
        withEd25519Pair(seed: seed) { _, secret in
            var signature = [UInt8](repeating: 0, count: Int(crypto_sign_BYTES))
            crypto_sign_detached(&signature, nil, message.uint8, UInt64(message.count), secret.uint8)
            return signature
        }
    }

    /// Whether `signature` (64 bytes) is `publicKey`'s over `message`.
    static func verify(
        _ signature: UnsafeRawBufferPointer,
        of message: UnsafeRawBufferPointer,
        publicKey: UnsafeRawBufferPointer
    ) -> Bool {
        start()
        precondition(signature.count == Int(crypto_sign_BYTES) && publicKey.count == SecretKey.byteCount)
        return crypto_sign_verify_detached(
            signature.uint8,
            message.uint8,
            UInt64(message.count),
            publicKey.uint8
        ) == 0
    }

    private static func withEd25519Pair<R: ~Copyable>(
        seed: borrowing SecretKey,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> R
    ) -> R {
        start()
        let secretByteCount = Int(crypto_sign_SECRETKEYBYTES)
        let secret = allocateGuarded(secretByteCount)
        defer { freeGuarded(secret) }
        let secretBytes = UnsafeMutableRawBufferPointer(start: secret, count: secretByteCount)
        // libsodium's secret key is the seed followed by the public key.
        let publicBytes = UnsafeMutableRawBufferPointer(rebasing: secretBytes[SecretKey.byteCount...])
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        seed.withBytes { _ = crypto_sign_seed_keypair(&publicKey, secretBytes.uint8, $0.uint8) }
        return body(UnsafeRawBufferPointer(publicBytes), UnsafeRawBufferPointer(secretBytes))
    }

    // MARK: Boxes

    /// How many bytes `seal` adds.
    static let sealOverhead = crypto_box_sealbytes()
    /// How many bytes `secretBox` adds.
    static let secretBoxOverhead = Int(crypto_secretbox_MACBYTES)
    static let secretBoxNonceByteCount = Int(crypto_secretbox_NONCEBYTES)

    /// Writes `Seal(publicKey, message)` to `target`, `message.count + sealOverhead` bytes.
    ///
    /// - Parameter ephemeral: the secret half of the one-time pair; random outside tests.
    /// - Source: rekkord-format(5), "Conventions". C: `crypto_box_seal`, taken apart so that tests fix the pair.
    static func seal(
        _ message: UnsafeRawBufferPointer,
        to publicKey: borrowing SecretKey,
        ephemeral: borrowing SecretKey,
        into target: UnsafeMutableRawBufferPointer
    ) {
        start()
        precondition(target.count == message.count + sealOverhead)
        let keyByteCount = SecretKey.byteCount
        publicKey.withBytes { publicKey in
            ephemeral.withBytes { ephemeral in
                _ = crypto_scalarmult_base(target.uint8, ephemeral.uint8)
                let nonce = blake2b(
                    Int(crypto_box_NONCEBYTES),
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(target)[..<keyByteCount]),
                    publicKey
                )
                let status = crypto_box_easy(
                    target.uint8 + keyByteCount,
                    message.uint8,
                    UInt64(message.count),
                    nonce,
                    publicKey.uint8,
                    ephemeral.uint8
                )
                precondition(status == 0, "public key is a weak point")
            }
        }
    }

    /// Opens what `seal` made; nil when it was made for another key or changed.
    static func unseal(
        _ sealed: UnsafeRawBufferPointer,
        publicKey: borrowing SecretKey,
        secretKey: borrowing SecretKey,
        into target: UnsafeMutableRawBufferPointer
    ) -> Bool {
        start()
        precondition(sealed.count == target.count + sealOverhead)
        return publicKey.withBytes { publicKey in
            secretKey.withBytes { secretKey in
                crypto_box_seal_open(
                    target.uint8,
                    sealed.uint8,
                    UInt64(sealed.count),
                    publicKey.uint8,
                    secretKey.uint8
                ) == 0
            }
        }
    }

    /// XSalsa20-Poly1305: 16 bytes of authentication, then the cipher text.
    static func secretBox(_ message: [UInt8], nonce: [UInt8], key: borrowing SecretKey) -> [UInt8] {
        start()
        precondition(nonce.count == secretBoxNonceByteCount)
        var box = [UInt8](repeating: 0, count: message.count + secretBoxOverhead)
        key.withBytes { _ = crypto_secretbox_easy(&box, message, UInt64(message.count), nonce, $0.uint8) }
        return box
    }

    /// Opens what `secretBox` made; nil when the key or nonce is another or a byte changed.
    static func openSecretBox(_ box: [UInt8], nonce: [UInt8], key: borrowing SecretKey) -> [UInt8]? {
        start()
        precondition(nonce.count == secretBoxNonceByteCount)
        guard box.count >= secretBoxOverhead else { return nil }
        var message = [UInt8](repeating: 0, count: box.count - secretBoxOverhead)
        let status = key.withBytes {
            crypto_secretbox_open_easy(&message, box, UInt64(box.count), nonce, $0.uint8)
        }
        return status == 0 ? message : nil
    }

    // MARK: Streams

    /// One direction of an XChaCha20-Poly1305 stream.
    ///
    /// Both directions start from the same key and header, so a fixed header gives a fixed stream.
    /// - Source: rekkord-format(5), "Body". C: `crypto_secretstream_xchacha20poly1305_*`.
    struct Stream: ~Copyable {
        static let headerByteCount = Int(crypto_secretstream_xchacha20poly1305_HEADERBYTES)
        /// How much longer a message is than its piece.
        static let overhead = Int(crypto_secretstream_xchacha20poly1305_ABYTES)

        private var state = crypto_secretstream_xchacha20poly1305_state()

        /// Starts at the first message; `header` has `headerByteCount` bytes.
        init(key: UnsafeRawBufferPointer, header: UnsafeRawBufferPointer) {
            precondition(key.count == SecretKey.byteCount && header.count == Self.headerByteCount)
            crypto_secretstream_xchacha20poly1305_init_pull(&state, header.uint8, key.uint8)
        }

        deinit {
            var copy = state
            withUnsafeMutableBytes(of: &copy) { Sodium.wipe($0) }
        }

        /// Writes one message of `piece.count + overhead` bytes to `target`.
        mutating func push(
            _ piece: UnsafeRawBufferPointer,
            isFinal: Bool,
            into target: UnsafeMutableRawBufferPointer
        ) {
            precondition(target.count == piece.count + Self.overhead)
            let tag = isFinal ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0
            crypto_secretstream_xchacha20poly1305_push(
                &state,
                target.uint8,
                nil,
                piece.uint8,
                UInt64(piece.count),
                nil,
                0,
                UInt8(tag)
            )
        }

        /// What a message said about itself.
        enum Tag { case message, final }

        /// Writes the piece of one message to `target`; nil when it is not authentic or has another tag.
        mutating func pull(
            _ message: UnsafeRawBufferPointer,
            into target: UnsafeMutableRawBufferPointer
        ) -> Tag? {
            precondition(target.count == message.count - Self.overhead)
            var tag: UInt8 = 0
            let status = crypto_secretstream_xchacha20poly1305_pull(
                &state,
                target.uint8,
                nil,
                &tag,
                message.uint8,
                UInt64(message.count),
                nil,
                0
            )
            guard status == 0 else { return nil }
            switch Int(tag) {
            case 0: return .message
            case Int(crypto_secretstream_xchacha20poly1305_TAG_FINAL): return .final
            default: return nil
            }
        }
    }

    // MARK: Base64

    /// The two alphabets of the format.
    enum Base64Variant {
        /// `+/` with `=`.
        case standard
        /// `-_` without padding.
        case url

        fileprivate var code: Int32 {
            switch self {
            case .standard: sodium_base64_VARIANT_ORIGINAL
            case .url: sodium_base64_VARIANT_URLSAFE_NO_PADDING
            }
        }
    }

    static func base64(_ bytes: UnsafeRawBufferPointer, _ variant: Base64Variant) -> [UInt8] {
        start()
        let count = sodium_base64_encoded_len(bytes.count, variant.code)
        return [UInt8](unsafeUninitializedCapacity: count) { text, used in
            guard let base = text.baseAddress else { return }
            base.withMemoryRebound(to: CChar.self, capacity: count) {
                _ = sodium_bin2base64($0, count, bytes.uint8, bytes.count, variant.code)
            }
            // Without the zero at its end.
            used = count - 1
        }
    }

    /// The bytes of a whole text; nil when it holds anything else.
    ///
    /// Makes no copy of an array.
    static func decodeBase64(_ text: some Collection<UInt8>, _ variant: Base64Variant) -> [UInt8]? {
        start()
        let text = Array(text)
        var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3 + 3)
        var count = 0
        let status = text.withUnsafeBytes { text in
            sodium_base642bin(
                &bytes,
                bytes.count,
                text.baseAddress?.assumingMemoryBound(to: CChar.self),
                text.count,
                nil,
                &count,
                nil,
                variant.code
            )
        }
        guard status == 0 else { return nil }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

/// Stands for the address of an empty buffer, which libsodium does not read.
private var nowhere: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped }

extension UnsafeRawBufferPointer {
    fileprivate var uint8: UnsafePointer<UInt8> {
        (baseAddress ?? UnsafeRawPointer(nowhere)).assumingMemoryBound(to: UInt8.self)
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate var uint8: UnsafeMutablePointer<UInt8> {
        (baseAddress ?? nowhere).assumingMemoryBound(to: UInt8.self)
    }
}
