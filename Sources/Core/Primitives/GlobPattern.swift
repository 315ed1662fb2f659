/// Matches names against a pattern of `*`, `?`, `[…]`, `**` and `\`.
///
/// Only `**` crosses `/`; where it is all of a component, it stands for no component too: `a/**/b` matches `a/b`. `?` and
/// `[…]` stand for one character, or for one byte where the text is not UTF-8. The time is at most proportional to
/// pattern length times text length.
/// - Source: rekkord(1), "COMMANDS".
public struct GlobPattern: Sendable {
    /// A Unicode scalar, or 0x110000 plus the value of a byte that is not UTF-8.
    typealias Unit = UInt32

    enum Token {
        case literal(Unit)
        case anyOne
        case oneOf([ClosedRange<Unit>], isNegated: Bool)
        case anyWithoutSlash
        case any
        /// Any number of components with the `/` behind each; `insideComponent` always follows.
        case components
        case insideComponent

        /// Whether the token stands for exactly this unit.
        func matches(_ unit: Unit) -> Bool {
            switch self {
            case .literal(let literal): unit == literal
            case .anyOne: unit != GlobPattern.slash
            case .oneOf(let ranges, let isNegated):
                unit != GlobPattern.slash && ranges.contains { $0.contains(unit) } != isNegated
            case .anyWithoutSlash, .any, .components, .insideComponent: false
            }
        }
    }

    static let slash = Unit(UInt8(ascii: "/"))
    let tokens: [Token]
    /// The byte that every match ends with, if there is such a one; nearly all texts fail by it.
    let lastByte: UInt8?

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
                let start = index
                while index + 1 < units.count, units[index + 1] == Self.unit("*") { index += 1 }
                let isFirst = start == 0 || units[start - 1] == Self.slash
                if index == start {
                    tokens.append(.anyWithoutSlash)
                } else if isFirst, index + 1 < units.count, units[index + 1] == Self.slash {
                    index += 1
                    tokens += [.components, .insideComponent]
                } else {
                    tokens.append(.any)
                }
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
        if case .literal(let unit) = tokens.last {
            lastByte = UInt8(exactly: unit).flatMap { $0 < 0x80 ? $0 : nil }
        } else {
            lastByte = nil
        }
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

    static func units(_ bytes: some Collection<UInt8>) -> [Unit] {
        var units: [Unit] = []
        PrintedName.forEachScalar(bytes) { scalar, bytes in
            units.append(scalar?.value ?? 0x11_0000 + bytes.reduce(0) { $0 + Unit($1) })
        }
        return units
    }
}
