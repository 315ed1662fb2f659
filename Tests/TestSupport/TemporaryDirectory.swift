import Core
import Foundation
public import SystemPackage

/// Makes a folder for one test and removes it with all its content when the value dies.
public final class TemporaryDirectory: Sendable {
    /// Its absolute path.
    public let path: FilePath

    /// Makes an empty folder of mode 0700.
    public init() throws {
        var template = Array("\(NSTemporaryDirectory())/rekkord-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = FilePath(bytes: template.dropLast().map { UInt8(bitPattern: $0) })
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    /// The path of `name` in it.
    public subscript(name: String) -> FilePath { path.pushing(FilePath(name)) }

    /// Writes a file; missing folders above it are made.
    @discardableResult
    public func write(_ name: String, _ content: String, mode: UInt16 = 0o600) throws -> FilePath {
        try write(name, Array(content.utf8), mode: mode)
    }

    /// Writes a file; missing folders above it are made.
    @discardableResult
    public func write(_ name: String, _ bytes: [UInt8], mode: UInt16 = 0o600) throws -> FilePath {
        let target = self[name]
        try FileManager.default.createDirectory(
            atPath: target.removingLastComponent().string,
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: URL(fileURLWithPath: target.string))
        guard chmod(target.string, mode_t(mode)) == 0 else { throw Errno(rawValue: errno) }
        return target
    }

    /// The bytes of a file.
    public func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: self[name].string)))
    }

    /// The names in it, sorted.
    public func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
    }
}
