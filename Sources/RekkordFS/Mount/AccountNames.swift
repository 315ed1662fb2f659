import Core
import Glibc

extension Owner {
    /// Reads `USER[:GROUP]`, each a name or a number; the group defaults to the user's own, or to its number.
    ///
    /// - Throws: `.usage` for a name that is not known.
    init(text: [UInt8]) throws(RekkordError) {
        let parts = text.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let user = Array(parts[0])
        guard let (uid, primary) = Self.user(user) else {
            throw RekkordError(.usage, "unknown user '\(PrintedName.escape(user))'")
        }
        guard parts.count > 1 else {
            self.init(uid: uid, gid: primary)
            return
        }
        let group = Array(parts[1])
        guard let gid = Self.group(group) else {
            throw RekkordError(.usage, "unknown group '\(PrintedName.escape(group))'")
        }
        self.init(uid: uid, gid: gid)
    }

    private static func user(_ name: [UInt8]) -> (uid: UInt32, gid: UInt32)? {
        if let number = number(name) { return (number, getpwuid(number)?.pointee.pw_gid ?? number) }
        guard !name.isEmpty else { return nil }
        return System.withCString(name) { getpwnam($0).map { ($0.pointee.pw_uid, $0.pointee.pw_gid) } }
    }

    private static func group(_ name: [UInt8]) -> UInt32? {
        if let number = number(name) { return number }
        guard !name.isEmpty else { return nil }
        return System.withCString(name) { getgrnam($0)?.pointee.gr_gid }
    }

    /// The kernel has no account with the largest number.
    private static func number(_ name: [UInt8]) -> UInt32? {
        UInt32(String(decoding: name, as: UTF8.self)).flatMap { $0 == .max ? nil : $0 }
    }
}
