/// Matches names against a pattern of `*`, `?`, `[…]`, `**` and `\`.
///
/// Only `**` crosses `/`. `?` and `[…]` stand for one character, or for one byte where the text is not UTF-8.
/// The time is at most proportional to pattern length times text length.
/// - Source: rekkord(1), "COMMANDS".
public struct GlobPattern: Sendable {
    /// A Unicode scalar, or 0x110000 plus the value of a byte that is not UTF-8.
    private typealias Unit = UInt32

    private enum Token {
        case literal(Unit)
        case anyOne
        case oneOf([ClosedRange<Unit>], isNegated: Bool)
        case anyWithoutSlash
        case any

        /// Whether the token stands for exactly this unit.
        func matches(_ unit: Unit) -> Bool {
            switch self {
            case .literal(let literal): unit == literal
            case .anyOne: unit != GlobPattern.slash
            case .oneOf(let ranges, let isNegated):
                unit != GlobPattern.slash && ranges.contains { $0.contains(unit) } != isNegated
            case .anyWithoutSlash, .any: false
            }
        }
    }

    private static let slash = Unit(UInt8(ascii: "/"))
    private let tokens: [Token]

    /// Compiles a pattern.
    ///
    /// - Throws: When a `[` has no `]`, or `\` is the last character.
    public init(_ pattern: some Collection<UInt8>) throws(FormatError) {
        let units = Self.units(pattern)
        var tokens: [Token] = []
        var index = 0
        while index < units.count {
            switch units[index] {
            case Self.unit("*"):
                let isDouble = index + 1 < units.count && units[index + 1] == Self.unit("*")
                while index + 1 < units.count, units[index + 1] == Self.unit("*") { index += 1 }
                tokens.append(isDouble ? .any : .anyWithoutSlash)
            case Self.unit("?"):
                tokens.append(.anyOne)
            case Self.unit("["):
                tokens.append(try Self.set(units, &index))
            case Self.unit("\\"):
                index += 1
                guard index < units.count else { throw FormatError("pattern ends with '\\'") }
                tokens.append(.literal(units[index]))
            default:
                tokens.append(.literal(units[index]))
            }
            index += 1
        }
        self.tokens = tokens
    }

    /// Whether the pattern stands for all of `text`.
    public func matches(_ text: some Collection<UInt8>) -> Bool {
        let units = Self.units(text)
        // reached[i]: the tokens so far can stand for exactly the first i units.
        var reached = [Bool](repeating: false, count: units.count + 1)
        reached[0] = true
        for token in tokens {
            var next = [Bool](repeating: false, count: units.count + 1)
            switch token {
            case .any, .anyWithoutSlash:
                var isOpen = false
                for index in 0...units.count {
                    if index > 0, case .anyWithoutSlash = token, units[index - 1] == Self.slash {
                        isOpen = false
                    }
                    isOpen = isOpen || reached[index]
                    next[index] = isOpen
                }
            case .literal, .anyOne, .oneOf:
                for index in units.indices where reached[index] && token.matches(units[index]) {
                    next[index + 1] = true
                }
            }
            reached = next
        }
        return reached[units.count]
    }

    /// Reads a set from its `[`; leaves `index` at its `]`.
    private static func set(_ units: [Unit], _ index: inout Int) throws(FormatError) -> Token {
        var position = index + 1
        var isNegated = false
        if position < units.count, [unit("!"), unit("^")].contains(units[position]) {
            isNegated = true
            position += 1
        }
        var ranges: [ClosedRange<Unit>] = []
        while position < units.count {
            // A `]` that comes first is one of the set.
            if units[position] == unit("]"), !ranges.isEmpty {
                index = position
                return .oneOf(ranges, isNegated: isNegated)
            }
            let low = try member(units, &position)
            var high = low
            if position + 1 < units.count, units[position] == unit("-"), units[position + 1] != unit("]") {
                position += 1
                high = try member(units, &position)
            }
            guard low <= high else { throw FormatError("pattern has a range that runs backwards") }
            ranges.append(low...high)
        }
        throw FormatError("pattern has '[' without ']'")
    }

    private static func member(_ units: [Unit], _ position: inout Int) throws(FormatError) -> Unit {
        if units[position] == unit("\\") {
            position += 1
            guard position < units.count else { throw FormatError("pattern has '[' without ']'") }
        }
        defer { position += 1 }
        return units[position]
    }

    private static func unit(_ character: Unicode.Scalar) -> Unit { character.value }

    private static func units(_ bytes: some Collection<UInt8>) -> [Unit] {
        var units: [Unit] = []
        PrintedName.forEachScalar(bytes) { scalar, bytes in
            units.append(scalar?.value ?? 0x11_0000 + bytes.reduce(0) { $0 + Unit($1) })
        }
        return units
    }
}
