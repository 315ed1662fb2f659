extension Array where Element == UInt8 {
    /// Calls `body` with the bytes, like `withUnsafeBytes`, but keeps the type of what `body` throws.
    @inline(__always)
    public func withRawBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { (buffer) throws(E) -> R in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
