/// Reads all tags, and proves who made them.
///
/// - Source: rekkord-format(5), "TAGS"; rekkord(1), "scan".
struct TagCheck {
    /// A tag that can be used.
    struct Tag {
        let parsed: TagParser.Parsed
        /// The name of the object that proves its author; nil when that is the master, or when there is no good one.
        var badgeName: String?
        /// Whether something is wrong with the tag itself or its author.
        var isDamaged = false
    }

    /// The proof that the master issued a key.
    private enum Author: Sendable {
        case proven(Badge, ObjectState)
        case missing
        case damaged(FormatError)
        case unread(RekkordError)
    }

    /// A save writes the badge after the tag, or both at one time; so long it may take until both are there.
    private static let badgeGraceSeconds: Int64 = 86_400
    /// More than any badge has, so that a wrong one is told from one that cannot be read.
    private static let badgeLimit = 4096

    /// Oldest first.
    private(set) var tags: [Tag] = []
    private(set) var problems: [ScanProblem] = []
    /// How many tags cannot be used.
    private(set) var unusableCount = 0
    /// What the storage told about each good badge.
    private(set) var badges: [String: ObjectState] = [:]

    private let repository: Repository
    private let options: ScanOptions

    /// Lists the tags and reads the badges.
    ///
    /// - Throws: When the listing fails, without which there is nothing to scan.
    init(_ repository: Repository, _ options: ScanOptions, warn: (String) -> Void) throws(RekkordError) {
        self.repository = repository
        self.options = options
        var names: [String] = []
        try repository.storage.list(prefix: ObjectNames.tags) { names.append($0.name) }
        let parser = TagParser(names: names, keys: repository.keys, keepsCopies: true)
        for refused in parser.refused {
            unusableCount += 1
            problems.append(Self.problem(refused.error, refused.objectName))
        }
        let byAuthor = Dictionary(grouping: parser.tags, by: \.keyID)
        try readBadges(
            of: byAuthor.keys.filter { $0 != .master }.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        ) { (keyID, author) in
            judge(byAuthor[keyID] ?? [], author, badgeName: ObjectNames.badge(of: keyID), warn)
        }
        tags += (byAuthor[.master] ?? []).map { Tag(parsed: $0) }
        removeCopies()
        warnOfFuture(warn)
    }

    /// What no clock that is a little wrong explains is worth a look: somebody may want to stay the latest.
    private func warnOfFuture(_ warn: (String) -> Void) {
        let limit = options.clock().milliseconds + 86_400_000
        let late = tags.map(\.parsed).filter { $0.payload.time.milliseconds > limit }
        guard let last = late.last else { return }
        let others = late.count > 1 ? ", and \(late.count - 1) more" : ""
        warn(
            "'\(last.objectName)' tells a time in the future\(others): it is the latest of its channel until then"
        )
    }

    private static func problem(_ error: FormatError, _ objectName: String, _ tag: TagParser.Parsed? = nil)
        -> ScanProblem
    {
        var problem = ScanProblem(error)
        problem.objectName = objectName
        if let tag { problem.concern(tag) }
        return problem
    }

    // MARK: Authors

    private func readBadges(
        of keyIDs: [KeyID],
        _ body: (KeyID, Author) -> Void
    ) throws(RekkordError) {
        var authors: [KeyID: Author] = [:]
        let repository = repository
        let crew = try Crew<KeyID, (KeyID, Author)>(
            count: min(options.threadCount, max(keyIDs.count, 1)),
            name: "badge"
        ) { ($0, Self.author($0, repository)) }
        var rest = keyIDs[...]
        try crew.run({ rest.popFirst() }, { authors[$0.0] = $0.1 })
        for keyID in keyIDs { authors[keyID].map { body(keyID, $0) } }
    }

    private static func author(_ keyID: KeyID, _ repository: Repository) -> Author {
        let name = ObjectNames.badge(of: keyID)
        do throws(RekkordError) {
            let result = try Repository.readVerified(repository.storage, name, limit: badgeLimit) {
                (object) throws(FormatError) in
                (badge: try badge(object.bytes.array, of: keyID, repository.keys), state: object.state)
            }
            switch result {
            case .success(let proof): return .proven(proof.badge, proof.state)
            case .failure(let error): return .damaged(error)
            }
        } catch {
            switch error.kind {
            case .missing: return .missing
            case .corrupted: return .damaged(FormatError("badge of wrong length", .badge))
            default: return .unread(error)
            }
        }
    }

    private static func badge(_ bytes: [UInt8], of keyID: KeyID, _ keys: KeySet) throws(FormatError) -> Badge
    {
        let badge: Badge
        do throws(FormatError) {
            badge = try Badge(bytes, masterPublicKey: keys.masterPublic)
        } catch {
            throw FormatError(error.reason, .badge)
        }
        guard badge.id == keyID else { throw FormatError("badge of another key", .badge) }
        guard badge.type.canWrite else { throw FormatError("badge of a key that cannot save", .badge) }
        return badge
    }

    /// Takes the tags of one author.
    ///
    /// Without a good badge they cannot be proven. They are used all the same: whoever destroys a badge must not end the
    /// care for the snapshots of its owner.
    private mutating func judge(
        _ tags: [TagParser.Parsed],
        _ author: Author,
        badgeName: String,
        _ warn: (String) -> Void
    ) {
        switch author {
        case .proven(let badge, let state):
            badges[badgeName] = state
            let publicKey = SecretKey { $0.copyBytes(from: badge.publicKey) }
            for tag in tags {
                if TagParser.isSigned(tag.sealed, tag.signature, by: publicKey) {
                    self.tags.append(Tag(parsed: tag, badgeName: badgeName))
                } else {
                    unusableCount += 1
                    problems.append(
                        Self.problem(FormatError("wrong signature", .signature), tag.objectName, tag)
                    )
                }
            }
        case .missing:
            let old = tags.filter { !isYoung($0) }
            if old.isEmpty {
                warn("'\(badgeName)' is missing: who made \(Self.describe(tags)) cannot be proven yet")
            } else {
                let message = "badge is missing: who made \(Self.describe(old)) cannot be proven"
                addProblem(ScanProblem(FormatError(message, .badge)), badgeName, old)
            }
            self.tags += tags.map { tag in Tag(parsed: tag, isDamaged: !isYoung(tag)) }
        case .damaged(let error):
            let message = "\(error.reason): who made \(Self.describe(tags)) cannot be proven"
            addProblem(ScanProblem(FormatError(message, .badge)), badgeName, tags)
            self.tags += tags.map { Tag(parsed: $0, isDamaged: true) }
        case .unread(let error):
            addProblem(ScanProblem(error), badgeName, tags)
            self.tags += tags.map { Tag(parsed: $0) }
        }
    }

    private mutating func addProblem(
        _ problem: ScanProblem,
        _ objectName: String,
        _ tags: [TagParser.Parsed]
    ) {
        var problem = problem
        problem.objectName = objectName
        problem.snapshots = tags.count
        problems.append(problem)
    }

    private func isYoung(_ tag: TagParser.Parsed) -> Bool {
        let age = options.clock().milliseconds.subtractingReportingOverflow(tag.payload.time.milliseconds)
        return !age.overflow && (0...Self.badgeGraceSeconds * 1000).contains(age.partialValue)
    }

    private static func describe(_ tags: [TagParser.Parsed]) -> String {
        tags.count == 1 ? "1 snapshot" : "\(tags.count) snapshots"
    }

    // MARK: Copies

    /// Leaves one tag of those with one sealed part: the key ID in the name is outside the signature.
    private mutating func removeCopies() {
        var best: [[UInt8]: Int] = [:]
        for (index, tag) in tags.enumerated() {
            if let other = best[tag.parsed.sealed], tags[other].isProven || !tag.isProven { continue }
            best[tag.parsed.sealed] = index
        }
        tags = best.values.map { tags[$0] }.sorted {
            ($0.parsed.payload.time, $0.parsed.snapshot, $0.parsed.objectName)
                < ($1.parsed.payload.time, $1.parsed.snapshot, $1.parsed.objectName)
        }
    }

    // MARK: Snapshots

    /// Compares a tag with the snapshot that it names.
    ///
    /// The tag counts the blob of the snapshot too, which cannot count itself.
    mutating func compare(_ index: Int, with snapshot: SnapshotBlob, _ content: BlobCheck.Content) {
        let payload = tags[index].parsed.payload
        let byteCount = Int64(content.objectByteCount)
        var differences: [String] = []
        if payload.channel != snapshot.channel { differences.append("channel") }
        if payload.time != snapshot.time { differences.append("time") }
        if payload.size != snapshot.size { differences.append("size") }
        // Snapshots of before had no tags of this kind, and counted differently.
        if content.type == .snapshot {
            if payload.stored != snapshot.stored &+ byteCount { differences.append("stored size") }
            // What a lost answer made look as if it had been there before was not counted as added.
            if payload.added != snapshot.added &+ byteCount, payload.added != snapshot.added {
                differences.append("added size")
            }
        }
        if differences.isEmpty { return }
        let message = "\(differences.joined(separator: ", ")) of the tag and of the snapshot differ"
        tags[index].isDamaged = true
        let tag = tags[index].parsed
        problems.append(Self.problem(FormatError(message, .tag), tag.objectName, tag))
    }
}

extension TagCheck.Tag {
    fileprivate var isProven: Bool { badgeName != nil || parsed.keyID == .master }
}

extension ScanProblem {
    /// Names a snapshot as the only one that it concerns.
    mutating func concern(_ tag: TagParser.Parsed) {
        channel = tag.payload.channel
        time = tag.payload.time
        snapshot = tag.snapshot
        snapshots = 1
    }
}
