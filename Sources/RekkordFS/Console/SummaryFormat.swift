import ArgumentParser
import Core

/// How a command that works on many objects prints its summary.
///
/// - Source: rekkord(1), "COMMANDS".
enum SummaryFormat: String, KeywordArgument {
    case plain = "Plain"
    case json = "JSON"
}
