extension UnsafeMutableRawBufferPointer {
    /// The part of the buffer at `range`.
    func slice(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: self[range])
    }
}
