/// How a restore writes.
public struct RestoreOptions: Sendable {
    /// Which entries that exist already give way to those of the snapshot.
    public enum Overwrite: Sendable {
        /// All.
        case always
        /// Those with another type, size, target, time, mode or, where owners are restored, owner.
        case changed
        /// Those that are older.
        case newer
        /// None.
        case never
    }

    /// Write below a folder that exists and has content, or over a file.
    public var allowsExisting = false
    /// Which entries that exist are replaced.
    public var overwrite = Overwrite.always
    /// Remove what the snapshot lacks, inside folders that were fully read.
    public var deletes = false
    /// Set owners, and with them set-uid and set-gid bits.
    public var restoresOwners = false
    /// Set extended attributes and access control lists.
    public var restoresExtendedAttributes = false
    /// Leave holes where there are blocks of zeros.
    public var leavesHoles = false
    /// Read everything back and compare it; in a dry run, fetch it and check it.
    public var verifies = false
    /// Write nothing.
    public var isDryRun = false
    /// How many threads fetch and write.
    public var threadCount = 4
    /// How many entries one thread takes at a time; 1 where each takes a while to come.
    public var batchCount = 32
    /// How names are opened without following links.
    public var opening = BeneathOpening.available

    /// The defaults.
    public init() {}
}

extension RestoreOptions {
    /// Whether what exists stays as it is.
    func keeps(_ existing: FileStatus, against entry: EntryAttributes) -> Bool {
        switch overwrite {
        case .always: false
        case .never: true
        case .newer: existing.modification.timestamp >= entry.mtime
        case .changed: isSame(existing, entry)
        }
    }

    /// Whether size, time and permissions tell that nothing changed; of a link only its target tells that.
    private func isSame(_ existing: FileStatus, _ entry: EntryAttributes) -> Bool {
        guard existing.modification.timestamp == entry.mtime else { return false }
        if restoresOwners, existing.uid != entry.uid || existing.gid != entry.gid { return false }
        switch (existing.type, entry.kind) {
        case (.symbolicLink, .link): return true
        case (.regular, .file):
            let bits: UInt32 = restoresOwners ? 0o7777 : 0o1777
            return Int64(clamping: existing.size) == entry.size && existing.mode & bits == entry.mode & bits
        default: return false
        }
    }

    /// Whether a folder that exists gets the attributes of the snapshot's.
    func updates(_ existing: FileStatus, with entry: EntryAttributes) -> Bool {
        switch overwrite {
        case .always, .changed: true
        case .newer: existing.modification.timestamp < entry.mtime
        case .never: false
        }
    }
}
