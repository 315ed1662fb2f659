/// Tells what a walk leaves out below its root: by patterns, and by files that mark a folder.
///
/// - Source: rekkord(1), "Patterns".
public struct ExcludeRules: Sendable {
    /// One pattern, compiled.
    private struct Pattern {
        /// What the pattern is compared with.
        enum Subject {
            /// The name of an entry, wherever it is.
            case name
            /// The path, from one of `PathScope`; the number counts such patterns.
            case path(Int)
        }

        let glob: GlobPattern
        let subject: Subject
        let isForFolders: Bool
        /// Whether it takes back what an earlier pattern left out.
        let includes: Bool
    }

    /// Where the path begins that a pattern is compared with.
    private enum PathScope {
        case absolute, relative
    }

    /// How far each pattern for paths is in the path of a folder.
    struct Place: Sendable {
        fileprivate var positions: [GlobPattern.Position]
    }

    /// Whether folders with a valid `CACHEDIR.TAG` keep nothing but that.
    public var emptiesCaches = false
    /// Folders that hold one of these names keep nothing but that.
    public var markers: [EntryName] = []
    private var patterns: [Pattern] = []
    private var pathPatterns: [(glob: GlobPattern, scope: PathScope)] = []

    private static let slash = UInt8(ascii: "/")

    /// Leaves out nothing.
    public init() {}

    // MARK: - Reading

    /// Adds a pattern that counts more than those before.
    ///
    /// - Throws: When it is malformed or can match nothing.
    public mutating func add(_ text: some Collection<UInt8>) throws(FormatError) {
        var rest = Array(text)[...]
        let includes = rest.first == UInt8(ascii: "!")
        if includes { rest = rest.dropFirst() }
        let isForFolders = rest.last == Self.slash
        if isForFolders { rest = rest.dropLast() }
        let scope: PathScope? =
            rest.first == Self.slash ? .absolute : rest.contains(Self.slash) ? .relative : nil
        if rest.isEmpty { throw FormatError("pattern names nothing") }
        let names = (scope == .absolute ? rest.dropFirst() : rest)
            .split(separator: Self.slash, omittingEmptySubsequences: false)
        if names.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) })
        {
            throw FormatError("no path has an empty name, '.' or '..' in it")
        }
        let glob = try GlobPattern(rest)
        var subject = Pattern.Subject.name
        if let scope {
            subject = .path(pathPatterns.count)
            pathPatterns.append((glob, scope))
        }
        patterns.append(Pattern(glob: glob, subject: subject, isForFolders: isForFolders, includes: includes))
    }

    /// Adds the patterns of a file, one a line; blank lines and lines that begin with `#` are skipped.
    ///
    /// - Parameter problems: Gets a line for each pattern that is malformed.
    public mutating func add(lines: [UInt8], problems: inout ConfigProblems) {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let lines = lines.starts(with: byteOrderMark) ? lines.dropFirst(byteOrderMark.count) : lines[...]
        let separator = UInt8(ascii: "\n")
        for (index, line) in lines.split(separator: separator, omittingEmptySubsequences: false).enumerated()
        {
            let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if text.first == UInt8(ascii: "#") || text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            do {
                try add(text)
            } catch {
                problems.add(error.reason, line: index + 1)
            }
        }
    }

    // MARK: - Patterns

    /// The place of the root of a walk.
    ///
    /// - Parameter path: Its absolute path.
    func place(ofRoot path: [UInt8]) -> Place {
        let prefix = path.last == Self.slash ? path : path + [Self.slash]
        return Place(
            positions: pathPatterns.map { pattern in
                switch pattern.scope {
                case .absolute: pattern.glob.advance(pattern.glob.start, over: prefix)
                case .relative: pattern.glob.start
                }
            }
        )
    }

    /// The place of a folder below `place`.
    func place(of name: [UInt8], in place: Place) -> Place {
        var place = place
        for (index, pattern) in pathPatterns.enumerated() where !place.positions[index].isDead {
            let position = pattern.glob.advance(place.positions[index], over: name)
            place.positions[index] = pattern.glob.advance(position, over: CollectionOfOne(Self.slash))
        }
        return place
    }

    /// Whether the patterns leave out an entry.
    ///
    /// - Parameter isFolder: Asked only where a pattern is for folders.
    func excludes(_ name: [UInt8], at place: Place, isFolder: () -> Bool) -> Bool {
        // The last match wins.
        for pattern in patterns.reversed() {
            let isMatch =
                switch pattern.subject {
                case .name: pattern.glob.matches(name)
                case .path(let index): pattern.glob.matches(name, from: place.positions[index])
                }
            if isMatch, !pattern.isForFolders || isFolder() { return !pattern.includes }
        }
        return false
    }

    /// Whether any pattern could leave out an entry.
    var hasPatterns: Bool { !patterns.isEmpty }

    // MARK: - Marked folders

    /// The names that are left of a folder that is marked; nil when it is not.
    func namesLeft(of names: DirectoryNames, in directory: Descriptor) -> [[UInt8]]? {
        var left = markers.map(\.bytes).filter { names.contains($0) }
        if emptiesCaches, names.contains(CacheFolderTag.name), CacheFolderTag.isValid(in: directory) {
            left.append(CacheFolderTag.name)
        }
        return left.isEmpty ? nil : left
    }
}
