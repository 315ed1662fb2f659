extension GlobPattern {
    /// How far a pattern can be with the text so far.
    ///
    /// A path is matched name by name with it: the folders of a walk are gone through once, and not for each entry.
    public struct Position: Sendable {
        /// Bit i: the first i tokens can stand for exactly the text so far.
        private var low: UInt64 = 0
        /// The same from bit 64 on; most patterns never need it.
        private var high: [UInt64] = []

        /// Whether nothing that follows can make the pattern match.
        public var isDead: Bool { low == 0 && high.allSatisfy { $0 == 0 } }

        fileprivate func contains(_ state: Int) -> Bool {
            if state < 64 { return low & 1 << state != 0 }
            let word = state / 64 - 1
            return word < high.count && high[word] & 1 << (state % 64) != 0
        }

        fileprivate mutating func insert(_ state: Int) {
            if state < 64 {
                low |= 1 << state
                return
            }
            let word = state / 64 - 1
            while high.count <= word { high.append(0) }
            high[word] |= 1 << (state % 64)
        }

        fileprivate func forEach(_ body: (Int) -> Void) {
            var rest = low
            while rest != 0 {
                body(rest.trailingZeroBitCount)
                rest &= rest - 1
            }
            for (index, word) in high.enumerated() {
                rest = word
                while rest != 0 {
                    body((index + 1) * 64 + rest.trailingZeroBitCount)
                    rest &= rest - 1
                }
            }
        }
    }

    /// Whether the pattern stands for all of `text`.
    public func matches(_ text: some Collection<UInt8>) -> Bool {
        if let lastByte, !Self.ends(text, with: lastByte) { return false }
        return isMatch(advance(start, over: text))
    }

    /// Whether the pattern stands for all of the text that led to `position`, with `text` behind it.
    public func matches(_ text: some Collection<UInt8>, from position: Position) -> Bool {
        if position.isDead { return false }
        if let lastByte, !Self.ends(text, with: lastByte) { return false }
        return isMatch(advance(position, over: text))
    }

    /// Before any text.
    public var start: Position {
        var position = Position()
        add(0, to: &position)
        return position
    }

    /// Behind more text, which ends where a character ends.
    public func advance(_ position: Position, over text: some Collection<UInt8>) -> Position {
        if position.isDead { return position }
        var position = position
        if text.allSatisfy({ $0 < 0x80 }) {
            for byte in text { position = advance(position, over: Unit(byte)) }
        } else {
            for unit in Self.units(text) { position = advance(position, over: unit) }
        }
        return position
    }

    private func isMatch(_ position: Position) -> Bool { position.contains(tokens.count) }

    private func advance(_ position: Position, over unit: Unit) -> Position {
        var next = Position()
        position.forEach { state in
            guard state < tokens.count else { return }
            let token = tokens[state]
            switch token {
            case .any: add(state, to: &next)
            case .anyWithoutSlash: if unit != Self.slash { add(state, to: &next) }
            case .components: add(unit == Self.slash ? state : state + 1, to: &next)
            case .insideComponent: add(unit == Self.slash ? state - 1 : state, to: &next)
            case .literal, .anyOne, .oneOf: if token.matches(unit) { add(state + 1, to: &next) }
            }
        }
        return next
    }

    /// Adds a state and those that are reached from it without any text.
    private func add(_ state: Int, to position: inout Position) {
        var state = state
        while true {
            position.insert(state)
            guard state < tokens.count else { return }
            switch tokens[state] {
            case .any, .anyWithoutSlash: state += 1
            case .components: state += 2
            case .literal, .anyOne, .oneOf, .insideComponent: return
            }
        }
    }

    /// The last byte of a collection that need not be bidirectional.
    private static func ends(_ text: some Collection<UInt8>, with byte: UInt8) -> Bool {
        guard !text.isEmpty else { return false }
        return text[text.index(text.startIndex, offsetBy: text.count - 1)] == byte
    }
}
