import Glibc
import SystemPackage

/// An operand that is proven to be readable.
struct OpenOperand {
    let descriptor: Descriptor
    let status: FileStatus
    private let operand: SaveOperand

    /// Opens the operand, or what it points to.
    ///
    /// - Throws: When it is missing, unreadable, or neither a file nor a folder.
    init(_ operand: SaveOperand, keepsAccessTimes: Bool) throws(RekkordError) {
        self.operand = operand
        do throws(Errno) {
            let path = operand.path.bytes
            // Asked first: opening a device can act on it.
            let type = try System.status(of: path, followLinks: true).type
            if type == .regular || type == .directory {
                descriptor = try FileOpening.open(
                    path,
                    in: System.workingDirectory,
                    flags: O_RDONLY | O_NONBLOCK | O_NOCTTY,
                    followsLinks: true,
                    keepsAccessTimes: keepsAccessTimes
                )
                status = try System.status(of: descriptor.number)
                if status.type == .regular || status.type == .directory { return }
            }
        } catch {
            throw Self.failure(operand, "\(error)", error == .noSuchFileOrDirectory ? .notFound : .system)
        }
        throw Self.failure(operand, "special file", .system)
    }

    /// Its absolute path.
    var path: [UInt8] { operand.path.bytes }

    /// The names in an operand that is a folder.
    func names() throws(RekkordError) -> DirectoryNames {
        do throws(Errno) {
            return try DirectoryNames(reading: descriptor.number)
        } catch {
            throw Self.failure(operand, "\(error)", .system)
        }
    }

    private static func failure(
        _ operand: SaveOperand,
        _ reason: String,
        _ kind: RekkordError.Kind
    ) -> RekkordError {
        RekkordError(kind, "cannot read '\(operand.path.printed)': \(reason)")
    }
}
