public import SystemPackage

/// Holds what surrounds a process and decides where its settings come from; a value, so that tests choose it.
public struct ProcessEnvironment: Sendable {
    /// The environment variables; values may be any bytes.
    public var variables: [String: [UInt8]]
    /// The absolute path that relative ones count from.
    public var workingDirectory: FilePath
    /// The folder of the executable, when it is known.
    public var executableDirectory: FilePath?
    /// The effective user; 0 is stricter about who may write what it reads.
    public var userID: UInt32

    /// Joins the parts.
    public init(
        variables: [String: [UInt8]],
        workingDirectory: FilePath,
        executableDirectory: FilePath? = nil,
        userID: UInt32
    ) {
        self.variables = variables
        self.workingDirectory = workingDirectory
        self.executableDirectory = executableDirectory
        self.userID = userID
    }

    /// Whether the process may do everything.
    public var isRoot: Bool { userID == 0 }

    /// The bytes of the first variable that is set and not empty.
    public func bytes(_ names: String...) -> [UInt8]? {
        names.lazy.compactMap { variables[$0] }.first { !$0.isEmpty }
    }

    /// The same as text; bytes that are not UTF-8 are replaced.
    public func string(_ names: String...) -> String? {
        let value = names.lazy.compactMap { variables[$0] }.first { !$0.isEmpty }
        return value.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A folder of the XDG base directory specification: its variable when that is absolute, else one in the home.
    func baseDirectory(_ variable: String, inHome name: FilePath.Component) -> FilePath? {
        if let bytes = bytes(variable), bytes.first == UInt8(ascii: "/") { return FilePath(bytes: bytes) }
        return bytes("HOME").map { FilePath(bytes: $0).resolved(in: workingDirectory).appending(name) }
    }
}
