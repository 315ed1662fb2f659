import Core

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
}
