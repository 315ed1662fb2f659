import SystemPackage

/// Gives restored entries their owners, extended attributes, permissions and times, in the order that keeps them.
///
/// A change of the owner clears set-uid bits and capabilities, an access list changes permissions, and all of that
/// changes no time. What fails does not keep the rest from being tried.
struct TargetAttributes {
    /// What could not be set, such as `the owner`, and why.
    struct Problem: Sendable {
        let what: String
        let reason: String

        init(_ what: String, _ reason: String) {
            self.what = what
            self.reason = reason
        }
    }

    /// Set-uid, set-gid: meant for an owner, so they are given with it or not at all.
    static let ownerBits: UInt32 = 0o6000
    /// Attributes that give rights or belong to the system are for whoever restores owners too.
    private static let ownerNamespaces = ["security.", "trusted."].map { Array($0.utf8) }

    private let entry: Entry
    private let options: RestoreOptions
    private(set) var problems: [Problem] = []

    init(_ entry: Entry, _ options: RestoreOptions) {
        self.entry = entry
        self.options = options
    }

    /// Sets the attributes of an open file or folder.
    ///
    /// - Parameters:
    ///   - isNew: Whether this restore made it.
    ///   - inheritsLists: Whether it may have got an access control list from the folder around it.
    mutating func set(on descriptor: Int32, isNew: Bool, inheritsLists: Bool) {
        let (entry, accessTime) = (entry, accessTime)
        var ownerIsSet = false
        if options.restoresOwners {
            ownerIsSet = attempt("the owner") { () throws(Errno) in
                try System.setOwner(uid: entry.uid, gid: entry.gid, of: descriptor)
            }
        }
        // Nil where nobody knows what belongs there: then nothing is removed from what was there before.
        var kept: Set<[UInt8]>? = []
        if options.restoresExtendedAttributes {
            let attributes = attributes()
            kept = attributes.map { Set($0.map(\.key)) }
            for (key, value) in attributes ?? [] {
                attempt("attribute '\(PrintedName.escape(key))'") { () throws(Errno) in
                    try System.setAttribute(key, to: value, of: descriptor)
                }
            }
        }
        let replaces = options.restoresExtendedAttributes && !isNew && kept != nil
        if inheritsLists || replaces { removeLists(except: kept ?? [], from: descriptor) }
        if replaces { removeSurplus(except: kept ?? [], from: descriptor) }
        setMode(of: descriptor, isNew: isNew, ownerIsSet: ownerIsSet)
        attempt("the times") { () throws(Errno) in
            try System.setTimes(access: accessTime, modification: entry.mtime, of: descriptor)
        }
    }

    /// Sets the attributes of a link.
    mutating func set(onLink name: [UInt8], in directory: Int32) {
        let (entry, accessTime) = (entry, accessTime)
        if options.restoresOwners {
            attempt("the owner") { () throws(Errno) in
                try System.setOwner(uid: entry.uid, gid: entry.gid, ofLink: name, in: directory)
            }
        }
        if options.restoresExtendedAttributes {
            for (key, value) in attributes() ?? [] {
                attempt("attribute '\(PrintedName.escape(key))'") { () throws(Errno) in
                    try System.setAttribute(key, to: value, ofLink: name, in: directory)
                }
            }
        }
        attempt("the times") { () throws(Errno) in
            try System.setTimes(access: accessTime, modification: entry.mtime, ofLink: name, in: directory)
        }
    }

    private var accessTime: Timestamp? { entry.flags.contains(.accessTime) ? entry.atime : nil }

    private mutating func setMode(of descriptor: Int32, isNew: Bool, ownerIsSet: Bool) {
        let mode = ownerIsSet ? entry.mode : entry.mode & ~Self.ownerBits
        // A folder keeps bits that it has itself, as long as the rest is right.
        if !ownerIsSet, !isNew, let status = try? System.status(of: descriptor),
            status.permissions & ~Self.ownerBits == mode
        {
            return
        }
        attempt("the mode") { () throws(Errno) in try System.setMode(mode, of: descriptor) }
    }

    private mutating func removeLists(except kept: Set<[UInt8]>, from descriptor: Int32) {
        for key in [AccessControlList.accessAttribute, AccessControlList.defaultAttribute]
        where !kept.contains(key) {
            // What is no folder has no default list, which is no failure.
            attempt("the access control list") { () throws(Errno) in
                try System.removeAttribute(key, of: descriptor)
            }
        }
    }

    /// Removes attributes of a folder that was there before, of the kinds that are restored.
    private mutating func removeSurplus(except kept: Set<[UInt8]>, from descriptor: Int32) {
        let path = Array("/proc/self/fd/\(descriptor)".utf8)
        // Where they cannot be listed there are none to remove, or those that were set failed as well.
        let names = (try? System.attributeNames(of: path, followsLinks: true)) ?? []
        for key in names.split(separator: 0).map(Array.init) where !kept.contains(key) {
            let isRestored =
                key.starts(with: "user.".utf8) || options.restoresOwners && key.starts(with: "trusted.".utf8)
            guard isRestored else { continue }
            attempt("attribute '\(PrintedName.escape(key))'") { () throws(Errno) in
                try System.removeAttribute(key, of: descriptor)
            }
        }
    }

    /// The stored attributes as the system knows them, without those that need the owner; nil when they are malformed.
    private mutating func attributes() -> [(key: [UInt8], value: [UInt8])]? {
        do throws(FormatError) {
            var attributes: [(key: [UInt8], value: [UInt8])] = []
            for attribute in try ExtendedAttributes.parse(entry.extended) {
                switch attribute.key {
                case AccessControlList.accessKey:
                    let list = try AccessControlList.binary(fromText: attribute.value)
                    attributes.append((AccessControlList.accessAttribute, list))
                case AccessControlList.defaultKey:
                    let list = try AccessControlList.binary(fromText: attribute.value)
                    attributes.append((AccessControlList.defaultAttribute, list))
                case let key:
                    if options.restoresOwners || !Self.needsOwner(key) {
                        attributes.append((key, attribute.value))
                    }
                }
            }
            return attributes
        } catch {
            problems.append(Problem("the extended attributes", error.reason))
            return nil
        }
    }

    private static func needsOwner(_ key: [UInt8]) -> Bool {
        ownerNamespaces.contains { key.starts(with: $0) }
    }

    @discardableResult
    private mutating func attempt(_ what: String, _ body: () throws(Errno) -> Void) -> Bool {
        do throws(Errno) {
            try body()
            return true
        } catch {
            problems.append(Problem(what, "\(error)"))
            return false
        }
    }
}
