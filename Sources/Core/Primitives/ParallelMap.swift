extension Array where Element: Sendable {
    /// Below this, starting threads costs more than it gains.
    private static var minSliceCount: Int { 64 }

    /// The results of `transform` in order, computed on as many threads as there are processors.
    ///
    /// For work that needs the processor alone. Where no thread can be had, the caller's does it all.
    func parallelMap<Result: Sendable>(_ transform: @escaping @Sendable (Element) -> Result) -> [Result] {
        let sliceCount = Swift.min(System.processorCount, count / Self.minSliceCount)
        guard sliceCount > 1 else { return map(transform) }
        let results = (0..<sliceCount).map { _ in ParallelSlice<Result>() }
        let bounds = (0...sliceCount).map { count * $0 / sliceCount }
        let threads = (1..<sliceCount).map { index in
            try? WorkerThread(name: "map \(index)") {
                results[index].set(self[bounds[index]..<bounds[index + 1]].map(transform))
            }
        }
        results[0].set(self[..<bounds[1]].map(transform))
        for index in 1..<sliceCount {
            if let thread = threads[index - 1] {
                thread.join()
            } else {
                results[index].set(self[bounds[index]..<bounds[index + 1]].map(transform))
            }
        }
        return results.flatMap(\.elements)
    }
}

/// What one thread of a `parallelMap` computed.
private final class ParallelSlice<Element: Sendable>: Sendable {
    private let state = Locked<[Element]>([])

    func set(_ elements: [Element]) {
        state.withLock { $0 = elements }
    }

    var elements: [Element] { state.withLock { $0 } }
}
