import ArgumentParser
import Core

extension ParsableCommand {
    /// Reads the value of an option that has a syntax of its own.
    ///
    /// - Throws: `.usage` with the option and the reason.
    func value<Value>(of option: String, _ read: () throws(FormatError) -> Value) throws(RekkordError)
        -> Value
    {
        do {
            return try read()
        } catch {
            throw RekkordError(
                .usage,
                "'\(option)': \(error.reason)",
                hint: "see 'rekkord \(Self._commandName) --help'"
            )
        }
    }
}
