import Glibc
public import SystemPackage

/// One path to be saved: absolute and normalised, with at most its last component a link.
public struct SaveOperand: Hashable, Sendable {
    /// The names on the way from `/`; empty for `/` itself.
    let components: [[UInt8]]

    /// Makes a path absolute and normalises it.
    ///
    /// `..` means what it means to the kernel, also behind a link; links are not resolved otherwise, so that files are
    /// saved under the names that the user knows.
    /// - Parameter workingDirectory: What a relative path counts from, absolute.
    /// - Throws: `.system` when a folder before a `..` cannot be found.
    public init(_ path: FilePath, workingDirectory: FilePath) throws(RekkordError) {
        let absolute = path.resolved(in: workingDirectory).bytes
        var components: [[UInt8]] = []
        for part in absolute.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
            guard part.elementsEqual("..".utf8) else {
                components.append(Array(part))
                continue
            }
            components = try Self.parent(of: components, for: path)
        }
        self.components = components
    }

    /// Where the parent of a folder is; the folder may be reached through links.
    private static func parent(
        of components: [[UInt8]],
        for path: FilePath
    ) throws(RekkordError) -> [[UInt8]] {
        let folder = Self.path(of: components)
        guard let resolved = folder.withPlatformString({ realpath($0, nil) }) else {
            throw RekkordError(.notFound, "cannot read '\(path.printed)': \(Errno(rawValue: errno))")
        }
        defer { free(resolved) }
        let bytes = UnsafeRawBufferPointer(start: resolved, count: strlen(resolved))
        return bytes.split(separator: UInt8(ascii: "/")).dropLast().map(Array.init)
    }

    private static func path(of components: [[UInt8]]) -> FilePath {
        FilePath(bytes: [UInt8(ascii: "/")] + components.joined(separator: [UInt8(ascii: "/")]))
    }

    /// The absolute path.
    public var path: FilePath { Self.path(of: components) }

    /// Whether it is `/`, whose entries take the place of operands.
    var isRoot: Bool { components.isEmpty }

    /// The name of the root entry in the snapshot: the path without its leading `/`.
    var name: [UInt8] { Array(components.joined(separator: [UInt8(ascii: "/")])) }

    /// Where the cache keeps the folder.
    var key: LocalCache.FolderKey {
        components.reduce(.root) { $0.appending($1) }
    }
}
