import Core
import SystemPackage

/// What one run of `rekkord save` has to save, checked before anything is asked of the repository.
///
/// - Source: rekkord(1), "COMMANDS".
struct SavePlan {
    /// One snapshot, or without a channel one object.
    struct Item {
        let channel: [UInt8]?
        let paths: [FilePath]
        /// What relative paths count from.
        let folder: FilePath

        /// The paths in their absolute form.
        func operands() throws(RekkordError) -> [SaveOperand] {
            try paths.map { (path) throws(RekkordError) in try SaveOperand(path, workingDirectory: folder) }
        }
    }

    /// The key of the lines in a list.
    private static let sourceKey = "SourcePath"
    private static let maxChannelByteCount = TagPayload.maxChannelByteCount

    let items: [Item]

    /// Takes `CHANNEL PATH...`, or with `noSnapshot` one path.
    init(operands: [TextArgument], noSnapshot: Bool, workingDirectory: FilePath) throws(RekkordError) {
        if noSnapshot {
            guard let path = operands.first else { throw Self.usage("missing operand <path>") }
            if operands.count > 1 { throw Self.usage("surplus operand '\(operands[1].printed)'") }
            let paths = [try Self.path(path)]
            items = [Item(channel: nil, paths: paths, folder: workingDirectory)]
            return
        }
        guard let channel = operands.first else { throw Self.usage("missing operand <channel>") }
        if let reason = Self.fault(ofChannel: channel.bytes) { throw Self.usage(reason) }
        let paths = try operands.dropFirst().map { (path) throws(RekkordError) in try Self.path(path) }
        if paths.isEmpty { throw Self.usage("missing operand <path>") }
        items = [Item(channel: channel.bytes, paths: paths, folder: workingDirectory)]
    }

    /// Reads `[channel]` sections of `SourcePath = …` lines; relative paths count from the file's folder.
    init(list path: FilePath, workingDirectory: FilePath) throws(RekkordError) {
        let absolute = path.resolved(in: workingDirectory)
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try WholeFile.read(absolute, limit: INIDocument.maxByteCount).bytes
        } catch {
            throw RekkordError(.usage, "cannot read '\(path.printed)': \(error)")
        }
        var problems = ConfigProblems(path: path)
        let document = INIDocument(bytes, repeatableKeys: [Self.sourceKey], problems: &problems)
        var paths: [[UInt8]: [FilePath]] = [:]
        for entry in document.entries {
            guard entry.key == Self.sourceKey else {
                problems.add("unknown key '\(PrintedName.escape(entry.key.utf8))'", line: entry.line)
                continue
            }
            do throws(FormatError) {
                paths[entry.section, default: []].append(FilePath(bytes: try entry.text()))
            } catch {
                problems.add(error.reason, line: entry.line)
            }
        }
        var items: [Item] = []
        for section in document.sections where !items.contains(where: { $0.channel == section.name }) {
            if let reason = Self.fault(ofChannel: section.name) { problems.add(reason, line: section.line) }
            let paths = paths[section.name] ?? []
            if paths.isEmpty {
                let name = PrintedName.escape(section.name)
                problems.add("[\(name)] has no \(Self.sourceKey)", line: section.line)
            }
            items.append(
                Item(channel: section.name, paths: paths, folder: absolute.removingLastComponent())
            )
        }
        try problems.check()
        if items.isEmpty { throw RekkordError(.usage, "'\(path.printed)' lists nothing to save") }
        self.items = items
    }

    /// What is wrong with a name for a channel; nil when nothing is.
    private static func fault(ofChannel name: [UInt8]) -> String? {
        let printed = PrintedName.escape(name)
        if name.isEmpty || name.count > maxChannelByteCount {
            return "channel name '\(printed)' must have 1 to \(maxChannelByteCount) bytes"
        }
        if name.contains(0) { return "channel name '\(printed)' must not hold NUL" }
        if let text = String(validating: name, as: UTF8.self), ObjectID(text: text) != nil {
            return "channel name '\(printed)' has the form of an object ID"
        }
        return nil
    }

    private static func path(_ operand: TextArgument) throws(RekkordError) -> FilePath {
        if operand.bytes.isEmpty { throw usage("a path must not be empty") }
        return FilePath(bytes: operand.bytes)
    }

    private static func usage(_ reason: String) -> RekkordError {
        CommandLineReader.error(reason, Save.self)
    }
}
