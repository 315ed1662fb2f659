/// Holds what one request worked out on its way to the versions of a path, until it is answered.
///
/// Tables may be forgotten at any time to save memory; a request that takes many steps goes on with its own.
public final class HistoryWork: Sendable {
    let path: [[UInt8]]
    /// From the top down to the path, as far as they are begun.
    let tables: Locked<[HistoryTable]>

    init(_ path: [[UInt8]]) {
        self.path = path
        tables = Locked([])
    }
}
