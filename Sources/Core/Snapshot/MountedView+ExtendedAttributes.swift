extension MountedView {
    private static let hiddenPrefix = Array("user.rekkord.".utf8)

    /// The value of an extended attribute.
    public func extendedAttribute(
        _ name: [UInt8],
        of node: NodeNumber,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> [UInt8] {
        if name.starts(with: Self.hiddenPrefix) {
            let word = String(decoding: name.dropFirst(Self.hiddenPrefix.count), as: UTF8.self)
            if let value = try hiddenAttribute(word, of: node, loaded) { return value }
        }
        let (extended, around) = try extended(of: node, loaded)
        if let extended {
            for attribute in extended where Self.shownName(attribute.key) == name {
                return try Self.shownValue(attribute)
            }
        }
        // Who asks every file hears that there are none of that kind, and may stop asking.
        let kind = SystemAttributes(name: name)
        if !kind.isEmpty, around.isDisjoint(with: kind) { throw .fails(.attributesUnsupported) }
        throw .fails(.noAttribute)
    }

    /// The names of the extended attributes, each followed by NUL.
    public func extendedAttributeNames(of node: NodeNumber, _ loaded: LoadedBlobs) throws(Obstacle) -> [UInt8]
    {
        var names: [[UInt8]] = []
        for attribute in try extended(of: node, loaded).attributes ?? [] {
            let name = Self.shownName(attribute.key)
            // A repeated name is shown once; the first is the one that is read.
            if !names.contains(name) { names.append(name) }
        }
        return names.flatMap { $0 + [0] }
    }

    /// The stored attributes of an entry, and which kinds occur in its folder.
    private func extended(
        of node: NodeNumber,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> (attributes: [ExtendedAttribute]?, around: SystemAttributes) {
        if node == .root {
            let around = root.extended.withRawBytes { SystemAttributes(encoded: $0) }
            return (try parse(root.extended), around)
        }
        if let owner = nodes.owner(of: node), try liveItem(owner, node.position) != nil { return (nil, []) }
        if isReport(node) || isHistoryPath(node) { return (nil, []) }
        let spot = try spot(node, loaded)
        guard spot.folder.hasExtended(at: spot.index) else {
            return (nil, spot.folder.systemAttributes)
        }
        return (try parse(spot.folder.item(at: spot.index).entry.extended), spot.folder.systemAttributes)
    }

    private func parse(_ bytes: [UInt8]) throws(Obstacle) -> [ExtendedAttribute] {
        do {
            return try ExtendedAttributes.parse(bytes)
        } catch {
            throw .fails(.damaged(RekkordError(.corrupted, error.reason)))
        }
    }

    private func hiddenAttribute(
        _ word: String,
        of node: NodeNumber,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> [UInt8]? {
        var id: ObjectID?
        var isFolder = true
        if node == .root {
            id = root.id
        } else if let owner = nodes.owner(of: node), let item = try liveItem(owner, node.position) {
            guard case .folder(.snapshot(let id)) = item.kind else { return nil }
            return try snapshotAttribute(word, id, loaded)
        } else if isReport(node) || isHistoryPath(node) {
            return nil
        } else {
            let spot = try spot(node, loaded)
            let attributes = spot.folder.attributes(at: spot.index)
            isFolder = Self.kind(of: attributes) == .folder
            if attributes.flags.contains(.stated), Self.kind(of: attributes) != .link {
                id = attributes.objectID
            }
        }
        switch word {
        case "oid":
            return id.map { Array($0.description.utf8) }
        case "size" where isFolder:
            if node == .root {
                let totals = try totals(since: 0, isPatient: false, loaded)
                return Array(String(totals.byteCount).utf8)
            }
            guard let id, case .folder(let folder) = try blob(id, loaded) else { return nil }
            return Array(String(folder.totalSize).utf8)
        case "channel" where node == .root:
            return root.channel
        case "time" where node == .root:
            return root.time.map { Array(CalendarTime.utc($0).utf8) }
        default:
            return nil
        }
    }

    /// A snapshot among others.
    private func snapshotAttribute(
        _ word: String,
        _ id: ObjectID,
        _ loaded: LoadedBlobs
    ) throws(Obstacle) -> [UInt8]? {
        if word == "oid" { return Array(id.description.utf8) }
        guard ["size", "channel", "time"].contains(word),
            case .snapshot(let snapshot, _) = try blob(id, loaded)
        else { return nil }
        switch word {
        case "size": return Array(String(snapshot.totalSize).utf8)
        case "channel": return snapshot.channel
        default: return Array(CalendarTime.utc(snapshot.time).utf8)
        }
    }

    private static func shownName(_ key: [UInt8]) -> [UInt8] {
        switch key {
        case AccessControlList.accessKey: AccessControlList.accessAttribute
        case AccessControlList.defaultKey: AccessControlList.defaultAttribute
        default: key
        }
    }

    private static func shownValue(_ attribute: ExtendedAttribute) throws(Obstacle) -> [UInt8] {
        guard attribute.key == AccessControlList.accessKey || attribute.key == AccessControlList.defaultKey
        else {
            return attribute.value
        }
        do {
            return try AccessControlList.binary(fromText: attribute.value)
        } catch {
            throw .fails(.damaged(RekkordError(.corrupted, error.reason)))
        }
    }
}
