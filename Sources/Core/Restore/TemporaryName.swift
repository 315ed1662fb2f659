/// Names files that are not complete yet, so that a later restore knows what a killed one left.
///
/// `.rekkord-`, 24 of `a-z0-9`, `.tmp`: twelve letters that are random for each run, and a number.
struct TemporaryName: Sendable {
    private static let prefix = Array(".rekkord-".utf8)
    private static let suffix = Array(".tmp".utf8)
    private static let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
    private static let halfCount = 12

    private let run = letters(.random(in: .min ... .max))
    private let counter = Counter()

    /// A name that was not given before.
    func next() -> [UInt8] {
        Self.prefix + run + Self.letters(UInt64(counter.next())) + Self.suffix
    }

    /// Whether such a file can be left over.
    static func matches(_ name: [UInt8]) -> Bool {
        name.count == prefix.count + 2 * halfCount + suffix.count && name.starts(with: prefix)
            && name.suffix(suffix.count).elementsEqual(suffix)
            && name[prefix.count..<prefix.count + 2 * halfCount].allSatisfy { alphabet.contains($0) }
    }

    private static func letters(_ number: UInt64) -> [UInt8] {
        var rest = number
        return (0..<halfCount).map { _ in
            defer { rest /= UInt64(alphabet.count) }
            return alphabet[Int(rest % UInt64(alphabet.count))]
        }
    }
}
