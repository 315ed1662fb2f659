import Glibc
import SystemPackage

/// Recognises the file by which programs mark folders of data that can be made again.
///
/// - Source: Cache Directory Tagging Specification, 1.0: a regular file that begins with the signature.
enum CacheFolderTag {
    /// The name of the file.
    static let name = Array("CACHEDIR.TAG".utf8)
    private static let signature = Array("Signature: 8a477f597d28d172789f06886806bc55".utf8)

    /// Whether the file in `directory` marks it.
    static func isValid(in directory: Descriptor) -> Bool {
        // What is no regular file must not be opened: that can block or act.
        guard let status = try? System.status(of: name, in: directory.number), status.type == .regular,
            let file = try? System.open(
                name,
                in: directory.number,
                flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            )
        else { return false }
        var bytes = [UInt8](repeating: 0, count: signature.count)
        let count = try? System.check { pread(file.number, &bytes, bytes.count, 0) }
        return count == signature.count && bytes == signature
    }
}
