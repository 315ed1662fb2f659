/// How a scan goes about its work.
public struct ScanOptions: Sendable {
    /// How long a blob that was found good need not be read again, in seconds; 0 trusts nothing.
    public var maxAgeSeconds: Int64 = 7 * 86_400
    /// How many objects are read at the same time.
    public var threadCount = 1
    /// Tells the time.
    var clock: @Sendable () -> Timestamp = { .now() }

    /// Starts with the defaults of the command.
    public init() {}
}
