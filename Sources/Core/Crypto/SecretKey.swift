/// A 32-byte key in guarded memory, wiped when the value dies.
///
/// - Source: C: `sodium_malloc`, `sodium_free`.
struct SecretKey: ~Copyable, @unchecked Sendable {
    // Sendable: written only in `init`.
    static let byteCount = 32
    private let base: UnsafeMutableRawPointer

    /// Calls `fill` once with exactly `byteCount` writable bytes.
    init<E: Error>(_ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
        base = Sodium.allocateKeySlot()
        try fill(UnsafeMutableRawBufferPointer(start: base, count: Self.byteCount))
    }

    /// Copies the first 32 bytes of `bytes`, which must be there.
    init(copying bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= Self.byteCount)
        self.init { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<Self.byteCount])) }
    }

    /// Takes 32 bytes from the random number generator of the system.
    static func random() -> SecretKey {
        SecretKey { Sodium.fillRandom($0) }
    }

    deinit { Sodium.freeKeySlot(base) }  // runs as well when `fill` throws

    /// Calls `body` with the 32 bytes, which must not escape from it.
    @inline(__always)
    borrowing func withBytes<R: ~Copyable, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: Self.byteCount))
    }

    /// A second copy, in guarded memory too.
    borrowing func copy() -> SecretKey { withBytes { SecretKey(copying: $0) } }
}
