/// Carries a password or secret key of the configuration, and shows itself to no log, message or dump.
public struct SecretText: Sendable, Equatable {
    /// The secret.
    public let bytes: [UInt8]

    /// Wraps a secret.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }
}

extension SecretText: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says that there is one.
    public var description: String { "(secret)" }
    /// Says that there is one.
    public var debugDescription: String { description }
    /// Keeps `dump` away from the bytes.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
