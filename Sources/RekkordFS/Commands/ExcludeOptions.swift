import ArgumentParser
import Core
import SystemPackage

/// The options that leave out what is below the operands.
///
/// - Source: rekkord(1), "Patterns".
struct ExcludeOptions: ParsableArguments {
    @Option(
        name: .customLong("exclude"),
        help: ArgumentHelp(
            "Leave out what matches this pattern; repeatable, the last match wins.",
            valueName: "pattern"
        )
    )
    var patterns: [TextArgument] = []

    @Option(
        name: .customLong("exclude-from"),
        help: ArgumentHelp(
            "Leave out what matches the patterns in this file, one a line; repeatable.",
            valueName: "file"
        )
    )
    var files: [PathArgument] = []

    @Flag(
        name: .customLong("exclude-caches"),
        help: "Of folders with a valid CACHEDIR.TAG, keep only that file."
    )
    var caches = false

    @Option(
        name: .customLong("exclude-if-present"),
        help: ArgumentHelp(
            "Of folders that hold this name, keep only that entry; repeatable.",
            valueName: "name"
        )
    )
    var markers: [TextArgument] = []

    @Flag(
        name: [.customShort("x"), .customLong("one-file-system")],
        help: "Store folders that other file systems are mounted on as empty."
    )
    var oneFileSystem = false
}

extension Save {
    /// What the options leave out, files before patterns.
    func excludeRules(_ workingDirectory: FilePath) throws(RekkordError) -> ExcludeRules {
        var rules = ExcludeRules()
        rules.emptiesCaches = excludes.caches
        rules.markers = try excludes.markers.map { (marker) throws(RekkordError) in
            try value(of: "--exclude-if-present") { () throws(FormatError) in try EntryName(marker.bytes) }
        }
        for file in excludes.files {
            let lines = try Self.read(file.path, workingDirectory)
            var problems = ConfigProblems(path: file.path)
            rules.add(lines: lines, problems: &problems)
            try problems.check()
        }
        for pattern in excludes.patterns {
            try value(of: "--exclude") { () throws(FormatError) in try rules.add(pattern.bytes) }
        }
        return rules
    }

    private static func read(_ path: FilePath, _ workingDirectory: FilePath) throws(RekkordError) -> [UInt8] {
        do throws(Errno) {
            let absolute = path.resolved(in: workingDirectory)
            return try WholeFile.read(absolute, limit: INIDocument.maxByteCount).bytes
        } catch {
            throw RekkordError(.usage, "cannot read '\(path.printed)': \(error)")
        }
    }
}
