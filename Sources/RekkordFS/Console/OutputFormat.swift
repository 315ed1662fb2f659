import ArgumentParser
import Core

/// How a command prints its result.
///
/// - Source: rekkord(1), "COMMANDS".
enum OutputFormat: String, KeywordArgument {
    case plain = "Plain"
    case json = "JSON"
    case xml = "XML"

    /// Starts a document; nil for plain text.
    ///
    /// - Parameters:
    ///   - root: The outermost XML element; JSON has an array instead.
    ///   - emit: Gets the text piece by piece.
    func document(root: String, _ emit: @escaping (String) -> Void) -> (any DocumentWriter)? {
        switch self {
        case .plain: nil
        case .json: JSONDocument(emit)
        case .xml: XMLDocument(root: root, emit)
        }
    }
}
