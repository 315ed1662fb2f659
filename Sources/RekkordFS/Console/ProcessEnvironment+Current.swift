import Core
import Glibc
import SystemPackage

extension ProcessEnvironment {
    /// The environment variables of this process; values may be any bytes.
    static var ownVariables: [String: [UInt8]] {
        var variables: [String: [UInt8]] = [:]
        var next = environ
        while let entry = next.pointee {
            let bytes = Array(UnsafeRawBufferPointer(start: entry, count: strlen(entry)))
            if let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
                variables[String(decoding: bytes[..<equals], as: UTF8.self)] = Array(bytes[(equals + 1)...])
            }
            next += 1
        }
        return variables
    }

    /// What surrounds this process.
    ///
    /// Where HOME is not set, as for services, it is what the user database says.
    static func current() -> ProcessEnvironment {
        var variables = ownVariables
        if variables["HOME"] == nil, let user = getpwuid(geteuid()), let home = user.pointee.pw_dir {
            variables["HOME"] = Array(UnsafeRawBufferPointer(start: home, count: strlen(home)))
        }
        return ProcessEnvironment(
            variables: variables,
            workingDirectory: workingDirectory() ?? "/",
            executableDirectory: executable()?.removingLastComponent(),
            userID: geteuid()
        )
    }

    private static func workingDirectory() -> FilePath? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return FilePath(platformString: path)
    }

    private static func executable() -> FilePath? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink("/proc/self/exe", $0, text.count) } ?? -1
            }
        }
        return count > 0 && count < buffer.count ? FilePath(bytes: buffer[..<count]) : nil
    }
}
