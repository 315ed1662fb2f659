import ArgumentParser

/// Takes words of a closed list, in any case, with commas or spaces between them.
///
/// - Source: rekkord(1).
struct KeywordList<Keyword: KeywordArgument>: ExpressibleByArgument, Sendable {
    /// The words in the order given.
    let keywords: [Keyword]

    init?(argument: String) {
        var keywords: [Keyword] = []
        for word in argument.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let keyword = Keyword(argument: String(word)) else { return nil }
            keywords.append(keyword)
        }
        if keywords.isEmpty { return nil }
        self.keywords = keywords
    }
}
