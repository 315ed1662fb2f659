import Glibc
public import SystemPackage

/// Reads small local files.
public enum WholeFile {
    /// Reads a regular file or pipe of at most `limit` bytes, and tells what the kernel says about it.
    ///
    /// - Throws: `.fileTooLarge` over the limit, `.isDirectory` for a folder.
    public static func read(
        _ path: FilePath,
        limit: Int
    ) throws(Errno) -> (bytes: [UInt8], status: FileStatus) {
        let file = try System.open(path.bytes, flags: O_RDONLY | O_NOCTTY)
        let status = try System.status(of: file.number)
        if status.type == .directory { throw .isDirectory }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let read = try System.check {
                bytes.withUnsafeMutableBytes { buffer in
                    Glibc.read(file.number, buffer.baseAddress.map { $0 + count }, buffer.count - count)
                }
            }
            if read == 0 { break }
            count += read
        }
        guard count <= limit else { throw .fileTooLarge }
        bytes.removeSubrange(count...)
        return (bytes, status)
    }
}
