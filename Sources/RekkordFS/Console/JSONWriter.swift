/// Writes one JSON value, piece by piece.
///
/// The caller keeps the grammar: in an object each value follows a `key`. Elements of arrays start lines.
struct JSONWriter {
    private let emit: (String) -> Void
    /// The closing brackets of what is open, and whether it has an element yet.
    private var open: [(bracket: String, isEmpty: Bool)] = []
    private var isAfterKey = false

    /// Hands the text to `emit`.
    init(_ emit: @escaping (String) -> Void) {
        self.emit = emit
    }

    /// Starts an object.
    mutating func beginObject() {
        separate()
        emit("{")
        open.append(("}", true))
    }

    /// Starts an array.
    mutating func beginArray() {
        separate()
        emit("[")
        open.append(("]", true))
    }

    /// Ends the innermost object or array.
    mutating func end() {
        guard let last = open.popLast() else { return }
        emit(last.bracket == "]" && !last.isEmpty ? "\n]" : last.bracket)
        if open.isEmpty { emit("\n") }
    }

    /// Ends all that is open.
    mutating func endAll() {
        while !open.isEmpty { end() }
    }

    /// How many objects and arrays are open.
    var depth: Int { open.count }

    /// Names the next value of an object.
    mutating func key(_ name: String) {
        separate()
        emit(Self.quote(name) + ": ")
        isAfterKey = true
    }

    /// Writes a string.
    mutating func string(_ value: String) {
        separate()
        emit(Self.quote(value))
    }

    /// Writes an integer.
    mutating func integer(_ value: Int64) {
        separate()
        emit(String(value))
    }

    /// Writes `null`.
    mutating func null() {
        separate()
        emit("null")
    }

    /// Writes what comes between the value before and the next.
    private mutating func separate() {
        if isAfterKey {
            isAfterKey = false
            return
        }
        guard let last = open.last else { return }
        open[open.count - 1].isEmpty = false
        if last.bracket == "]" {
            emit(last.isEmpty ? "\n" : ",\n")
        } else if !last.isEmpty {
            emit(", ")
        }
    }

    /// Quotes text; controls and line separators are escaped, so that a terminal shows the document and nothing else.
    static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
