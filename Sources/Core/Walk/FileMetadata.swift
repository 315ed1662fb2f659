import SystemPackage

/// Reads what a folder entry has besides its status: link targets and extended attributes.
enum FileMetadata {
    /// The target of a link.
    ///
    /// - Throws: `.fileNameTooLong` for a target that cannot be stored.
    static func linkTarget(of name: [UInt8], in directory: Descriptor) throws(Errno) -> LinkTarget {
        let target = try System.linkTarget(
            of: name,
            in: directory.number,
            limit: LinkTarget.maxByteCount + 1
        )
        do {
            return try LinkTarget(target)
        } catch {
            throw .fileNameTooLong
        }
    }

    /// The extended attributes of an entry, sorted by name, ACLs in their stored form.
    ///
    /// They are asked for by a path through `/proc`, since the kernel has no call for a name below a descriptor
    /// that works for links and for files that may not be opened.
    static func extendedAttributes(
        of name: [UInt8],
        in directory: Descriptor,
        followsLinks: Bool
    ) throws(Errno) -> [ExtendedAttribute] {
        let path = Array("/proc/self/fd/\(directory.number)/".utf8) + name
        return try extendedAttributes(of: path, followsLinks: followsLinks)
    }

    /// The extended attributes of what is open; see above.
    static func extendedAttributes(of open: Descriptor) throws(Errno) -> [ExtendedAttribute] {
        // Not by descriptor: that is refused where it is open for its path only.
        try extendedAttributes(of: Array("/proc/self/fd/\(open.number)".utf8), followsLinks: true)
    }

    /// The extended attributes of the file at `path`; see above.
    static func extendedAttributes(
        of path: [UInt8],
        followsLinks: Bool
    ) throws(Errno) -> [ExtendedAttribute] {
        let names: [UInt8]
        do throws(Errno) {
            names = try System.attributeNames(of: path, followsLinks: followsLinks)
        } catch .notSupported {
            return []
        }
        var attributes: [ExtendedAttribute] = []
        let sorted = names.split(separator: 0).map(Array.init).sorted { $0.lexicographicallyPrecedes($1) }
        for key in sorted {
            do throws(Errno) {
                let value = try System.attribute(key, of: path, followsLinks: followsLinks)
                if let stored = stored(key, value) { attributes.append(stored) }
            } catch .noData {
                // It was removed since the names were read.
            }
        }
        return attributes
    }

    /// What is stored for an attribute of the system; nil for an ACL that says nothing.
    private static func stored(_ key: [UInt8], _ value: [UInt8]) -> ExtendedAttribute? {
        let storedKey: [UInt8]
        switch key {
        case AccessControlList.accessAttribute: storedKey = AccessControlList.accessKey
        case AccessControlList.defaultAttribute: storedKey = AccessControlList.defaultKey
        default: return ExtendedAttribute(key: key, value: value)
        }
        guard let list = try? AccessControlList(binary: value), !list.records.isEmpty else { return nil }
        return ExtendedAttribute(key: storedKey, value: list.text)
    }
}
