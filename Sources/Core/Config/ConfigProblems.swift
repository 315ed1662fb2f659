public import SystemPackage

/// Collects everything that is wrong with one configuration file, so that one run reports it all.
public struct ConfigProblems: Sendable {
    private struct Problem {
        let line: Int
        let message: String
    }

    private let path: FilePath
    private var problems: [Problem] = []
    private var hint: String?

    /// Starts with none.
    public init(path: FilePath) {
        self.path = path
    }

    /// Whether there is nothing to report.
    public var isEmpty: Bool { problems.isEmpty }

    /// Notes one problem; the first hint is kept.
    public mutating func add(_ message: String, line: Int, hint: String? = nil) {
        problems.append(Problem(line: line, message: message))
        self.hint = self.hint ?? hint
    }

    /// Throws one `.usage` error with a `file:line: reason` for each problem, in the order of the file.
    public func check() throws(RekkordError) {
        let sorted = problems.enumerated()
            .sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .map { "\(path.printed):\($0.element.line): \($0.element.message)" }
        guard let first = sorted.first else { return }
        throw RekkordError(.usage, first, hint: hint, details: Array(sorted.dropFirst()))
    }
}
