import Core
import Glibc

extension Console {
    /// Asks for a line; an empty answer is the default.
    ///
    /// - Returns: Nil at the end of input, and when there is no terminal to ask at.
    func prompt(_ question: String, offering answer: String) -> String? {
        guard canPrompt else { return nil }
        writeError("\(question) [\(answer)]: ")
        guard let line = readLine() else {
            note("")
            return nil
        }
        return line.isEmpty ? answer : line
    }

    /// Asks for a secret, which the terminal does not show.
    ///
    /// - Returns: Nil for an empty answer, at the end of input, and when there is no terminal to ask at.
    func promptSecret(_ question: String) -> SecretText? {
        guard canPrompt else { return nil }
        writeError("\(question): ")
        var shown = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &shown) == 0
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) }
        let line = readLine()
        if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown) }
        note("")
        guard let line, !line.isEmpty else { return nil }
        return SecretText(Array(line.utf8))
    }
}
