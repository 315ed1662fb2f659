/// One word of the list that follows `-o` in mount(8) and fstab(5): `name` or `name=value`.
///
/// - Source: rekkord(1), "mount".
public struct MountWord: Equatable, Sendable {
    /// What stands before the first `=`.
    public let name: String
    /// What stands behind it; nil without one.
    public let value: String?

    /// Words for mount(8) alone.
    private static let ignored: Set<String> = [
        "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "defaults", "auto", "noauto", "user", "nouser",
        "users",
        "owner", "group", "nofail", "_netdev", "atime", "noatime", "diratime", "nodiratime", "relatime",
        "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "sync", "async", "dirsync",
    ]

    /// Reads a list; words for mount(8) alone are left out.
    public static func list(_ text: String) -> [MountWord] {
        split(text).compactMap { word in
            if ignored.contains(word) || word.hasPrefix("x-") || word.hasPrefix("comment=") { return nil }
            let scalars = word.unicodeScalars
            guard let equals = scalars.firstIndex(of: "=") else { return MountWord(name: word, value: nil) }
            return MountWord(
                name: String(scalars[..<equals]),
                value: String(scalars[scalars.index(after: equals)...])
            )
        }
    }

    /// Splits at commas; `\` takes the next character literally.
    private static func split(_ list: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var scalars = list.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case ",":
                words.append(String(word))
                word = .init()
            case "\\":
                if let next = scalars.popFirst() { word.append(next) }
            default:
                word.append(scalar)
            }
        }
        words.append(String(word))
        return words.filter { !$0.isEmpty }
    }
}
