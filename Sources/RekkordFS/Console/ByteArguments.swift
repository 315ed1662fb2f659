import ArgumentParser
import Core
import SystemPackage

/// Takes a path of any bytes from the command line.
struct PathArgument: ExpressibleByArgument, Sendable {
    /// The path as given.
    let path: FilePath

    init?(argument: String) {
        let bytes = ArgumentBytes.decode(argument)
        if bytes.isEmpty { return nil }
        path = FilePath(bytes: bytes)
    }

    /// Files complete by name in shells.
    static var defaultCompletionKind: CompletionKind { .file() }
}

/// Takes a channel, identifier or URL of any bytes from the command line.
struct TextArgument: ExpressibleByArgument, Sendable {
    /// The bytes as given.
    let bytes: [UInt8]

    init?(argument: String) {
        bytes = ArgumentBytes.decode(argument)
    }

    /// The text as messages show it.
    var printed: String { PrintedName.escape(bytes) }
}

/// Takes one word of a closed list, in any case.
protocol KeywordArgument: CaseIterable, ExpressibleByArgument, RawRepresentable<String>, Sendable {}

extension KeywordArgument {
    init?(argument: String) {
        guard let keyword = try? KeywordText.parse(argument, as: Self.self) else { return nil }
        self = keyword
    }
}
