import Core

/// The exit statuses of rekkord(1).
///
/// - Source: rekkord(1), "EXIT STATUS".
enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    /// Done, but some entries could not be read or written.
    static let incomplete: Int32 = 3
    static let notInitialized: Int32 = 10
    static let key: Int32 = 12
    /// A scan found damage or tampering.
    static let damage: Int32 = 20
    static let usage: Int32 = 64

    /// The status for an error that ended a command.
    static func of(_ kind: RekkordError.Kind) -> Int32 {
        switch kind {
        case .usage: usage
        case .notInitialized: notInitialized
        case .key: key
        case .missing, .corrupted, .storage, .denied, .notFound, .exists, .system, .unsupported: failed
        case .interrupted: ofSignal(Signals.received ?? Signals.interrupt)
        }
    }

    /// The status that shells give to a process that a signal ended.
    static func ofSignal(_ number: Int32) -> Int32 { 128 + number }
}
