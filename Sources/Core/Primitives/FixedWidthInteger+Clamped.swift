extension FixedWidthInteger {
    /// The sum, or the nearest value that fits: stored counts are hostile input.
    public func addingClamped(_ other: Self) -> Self {
        let (sum, overflows) = addingReportingOverflow(other)
        guard overflows else { return sum }
        return other < 0 ? .min : .max
    }
}
