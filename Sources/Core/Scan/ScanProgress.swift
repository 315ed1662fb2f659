import Synchronization

/// Counts what a scan has done so far; anybody may look at any time.
public final class ScanProgress: Sendable {
    private let bytes = Atomic(0)

    /// How many bytes of objects were read.
    public var byteCount: Int { bytes.load(ordering: .relaxed) }

    func add(byteCount: Int) { bytes.wrappingAdd(byteCount, ordering: .relaxed) }
}
