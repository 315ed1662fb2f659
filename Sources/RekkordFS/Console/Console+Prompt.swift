import Core
import Glibc

extension Console {
    /// Asks for a line; an empty answer is the default.
    ///
    /// - Returns: Nil at the end of input, and when there is no terminal to ask at.
    func prompt(_ question: String, offering answer: String) -> [UInt8]? {
        let line = promptLine(question, offering: Array(answer.utf8))
        return line?.isEmpty == true ? Array(answer.utf8) : line
    }

    /// Asks for a line, and shows what an empty answer stands for.
    ///
    /// - Returns: The line as it was typed; nil at the end of input, and when there is no terminal to ask at.
    func promptLine(_ question: String, offering answer: [UInt8]?) -> [UInt8]? {
        guard canPrompt else { return nil }
        let offer = answer.map { $0.isEmpty ? "" : " [\(PrintedName.escape($0))]" } ?? ""
        writeError("\(question)\(offer): ")
        let line = Self.readLine()
        if line == nil { note("") }
        return line
    }

    /// Asks for a secret, which the terminal does not show.
    ///
    /// - Returns: Nil at the end of input, and when there is no terminal to ask at.
    func promptSecret(_ question: String) -> SecretText? {
        guard canPrompt else { return nil }
        // Asked when nothing shows any more: whoever answers at once is not seen either.
        let line = Signals.withoutEcho {
            writeError("\(question): ")
            return Self.readLine()
        }
        note("")
        return line.map { SecretText($0) }
    }

    /// A line without its end, as bytes; nil when there is none.
    private static func readLine() -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            let count = (try? System.check { read(STDIN_FILENO, &byte, 1) }) ?? 0
            // A terminal may end the input within a line; what was typed does not count then.
            if count == 0 { return nil }
            if byte == UInt8(ascii: "\n") { return line }
            line.append(byte)
        }
    }
}
