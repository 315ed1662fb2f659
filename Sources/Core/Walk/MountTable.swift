import Glibc
import SystemPackage

/// What is mounted where, as this process sees it.
/// - Source: C: `proc_pid_mountinfo(5)`.
public struct MountTable: Sendable {
    /// One mount.
    struct Entry {
        /// The file system: major and minor number, as `FileStatus.device` has them.
        let device: UInt64
        /// Where it is.
        let point: [UInt8]
        /// What its file system calls itself.
        let type: String
    }

    let entries: [Entry]

    /// Reads the table; nil where there is none.
    public static func current() -> MountTable? {
        guard let file = try? System.open(Array("/proc/self/mountinfo".utf8), flags: O_RDONLY) else {
            return nil
        }
        var table: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            // A part of it would show mounts as gone.
            guard let count = try? System.check({ read(file.number, &buffer, buffer.count) }) else {
                return nil
            }
            if count == 0 { return MountTable(table) }
            table += buffer[..<count]
        }
    }

    /// Takes lines of the form `ID parent major:minor root point options… - type source super`.
    init(_ table: [UInt8]) {
        entries = table.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 6, let separator = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }),
                separator + 1 < fields.count
            else { return nil }
            let numbers = fields[2].split(separator: UInt8(ascii: ":")).map {
                UInt64(String(decoding: $0, as: UTF8.self))
            }
            guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
            return Entry(
                device: major << 32 | minor,
                point: Self.unescape(fields[4]),
                type: String(decoding: fields[separator + 1], as: UTF8.self)
            )
        }
    }

    /// The type of a file system; nil when it is mounted nowhere.
    func type(ofDevice device: UInt64) -> String? { entries.first { $0.device == device }?.type }

    /// Where a FUSE file system is mounted; empty for any other kind.
    public func points(ofFuseDevice device: UInt64) -> [[UInt8]] {
        entries.filter { $0.device == device && $0.type.hasPrefix("fuse") }.map(\.point)
    }

    /// Turns `\040` and its like into the byte.
    private static func unescape(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            guard byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(3)
        }
        return bytes
    }
}
