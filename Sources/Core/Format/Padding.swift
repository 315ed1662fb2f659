/// Rounds sizes up so that they tell little: Padmé.
///
/// - Source: rekkord-format(5), "Body".
enum Padding {
    /// The padded size of `byteCount` bytes (at least 1), at most 12 % more.
    static func padded(_ byteCount: Int) -> Int {
        precondition(byteCount > 0)
        let exponent = Int.bitWidth - 1 - byteCount.leadingZeroBitCount
        let significant = exponent == 0 ? 0 : Int.bitWidth - exponent.leadingZeroBitCount
        let mask = (1 << (exponent - significant)) - 1
        return (byteCount + mask) & ~mask
    }
}
