/// The folder `.rekkord` of a whole repository and its one file, which tells what the mount did so far.
///
/// The kernel opens files without asking and keeps their pages. So the time of this file moves each time its
/// attributes are asked for, which the kernel does before each read, as it may not keep them; then it drops the pages.
/// The text always has the same length, hence no reader finds a piece of an older one behind the end.
extension MountedView {
    /// Whether a number is that of the file.
    func isReport(_ node: NodeNumber) -> Bool {
        guard live != nil, case .content(let content)? = nodes.owner(of: node),
            case .report = content.source
        else { return false }
        return true
    }

    /// What the file is at this moment.
    var reportAttributes: NodeAttributes {
        let owner = settings.owner ?? settings.mounter
        let now = Timestamp.now()
        return NodeAttributes(
            inode: root.inodes.appending(LiveNames.report).inode,
            kind: .file,
            permissions: 0o444,
            uid: owner.uid,
            gid: owner.gid,
            size: UInt64(report().count),
            links: 1,
            access: now,
            modification: now,
            change: now
        )
    }

    /// Finds the file by its name.
    func reportLookup(_ name: [UInt8], in place: Place) -> ShownNode? {
        guard name == LiveNames.report else { return nil }
        return showReport(in: place)
    }

    func reportList(_ place: Place, _ emit: (UnsafeRawBufferPointer, ShownNode, UInt64) -> Bool) {
        let shown = showReport(in: place)
        guard !LiveNames.report.withRawBytes({ emit($0, shown, 3) }) else { return }
        nodes.forget([(node: shown.node, count: UInt64(1))])
    }

    func readReport(at offset: UInt64, count: Int) -> FileBytes {
        let text = report()
        var result = FileBytes()
        let start = Int(min(offset, UInt64(text.count)))
        result.append(ByteBuffer(text), start..<min(text.count, start + count))
        return result
    }

    /// Counts the number as handed to the kernel.
    private func showReport(in place: Place) -> ShownNode {
        let content = nodes.content(of: place)
        nodes.count(0, in: place, 1, in: content)
        return ShownNode(
            node: NodeNumber(slot: content.slot, position: 0),
            attributes: reportAttributes,
            nameSeconds: liveSeconds,
            attributeSeconds: 0
        )
    }
}
