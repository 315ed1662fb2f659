import Core
import Glibc
import SystemPackage

/// Names the folder that a file system is laid over.
///
/// - Source: rekkord(1), "mount".
struct MountPoint: Sendable {
    /// Absolute, without links.
    let path: [UInt8]

    /// The path as messages show it.
    var printed: String { PrintedName.escape(path) }

    /// Checks that `path` is a folder.
    ///
    /// - Throws: `.usage`.
    init(_ path: FilePath) throws(RekkordError) {
        guard let real = Self.resolve(path.bytes) else {
            throw Self.error(path.bytes, Self.reason(errno))
        }
        self.path = real
        do {
            let status = try System.status(of: real, followLinks: true)
            guard status.type == .directory else { throw Self.error(path.bytes, "it is not a folder") }
        } catch let error as Errno {
            throw Self.error(path.bytes, Self.reason(error.rawValue))
        } catch {
            throw Self.error(path.bytes, "it is not a folder")
        }
    }

    /// Checks that there is nothing in the folder.
    func checkEmpty() throws(RekkordError) {
        guard Self.hasContent(path) else { return }
        throw RekkordError(.usage, "cannot mount on '\(printed)': it is not empty", hint: "use --nonempty")
    }

    /// Checks that this folder is neither inside `other` nor above it: either would have the mount ask itself.
    ///
    /// - Parameter noun: What `other` is: `repository`, `cache`.
    func check(apartFrom other: [UInt8], _ noun: String) throws(RekkordError) {
        let other = Self.resolveExisting(other)
        if Self.isInside(path, other) { throw Self.error(path, "it lies inside the \(noun)") }
        if Self.isInside(other, path) { throw Self.error(path, "it lies above the \(noun)") }
    }

    private static func error(_ path: [UInt8], _ reason: String) -> RekkordError {
        RekkordError(.usage, "cannot mount on '\(PrintedName.escape(path))': \(reason)")
    }

    private static func reason(_ error: Int32) -> String {
        error == ENOENT ? "it does not exist" : String(cString: strerror(error))
    }

    private static func isInside(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        let prefix = folder.last == slash ? folder : folder + [slash]
        return path == folder || path.starts(with: prefix)
    }

    private static func resolve(_ path: [UInt8]) -> [UInt8]? {
        System.withCString(path) { path in
            guard let real = realpath(path, nil) else { return nil }
            defer { free(real) }
            return Array(UnsafeRawBufferPointer(start: real, count: strlen(real)))
        }
    }

    /// Resolves as much of a path as exists; a cache may not have been made yet.
    private static func resolveExisting(_ path: [UInt8]) -> [UInt8] {
        var missing: [[UInt8]] = []
        var rest = FilePath(bytes: path)
        while !rest.isEmpty {
            if let real = resolve(rest.bytes) {
                let tail = missing.reversed().flatMap { [UInt8(ascii: "/")] + $0 }
                return (real == [UInt8(ascii: "/")] ? [] : real) + tail
            }
            guard let last = rest.lastComponent else { break }
            missing.append(FilePath(root: nil, [last]).bytes)
            rest = rest.removingLastComponent()
        }
        return path
    }

    private static func hasContent(_ path: [UInt8]) -> Bool {
        System.withCString(path) { path in
            guard let folder = opendir(path) else { return false }
            defer { closedir(folder) }
            var count = 0
            while readdir(folder) != nil {
                count += 1
                if count > 2 { return true }
            }
            return false
        }
    }
}
