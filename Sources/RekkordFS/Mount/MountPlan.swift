import Core
import SystemPackage

/// Holds everything that was decided about a mount before it begins.
struct MountPlan: Sendable {
    /// Where it goes.
    var mountPoint: MountPoint
    /// The identifier as given, `:` for the whole repository; it is shown as the source of the mount.
    var identifier: [UInt8]
    /// How things are shown.
    var settings: MountSettings
    /// For libfuse: one word or `word=value` each.
    var fuseOptions: [[UInt8]]
    /// Whether each open and each name is asked for again, to be checked by its user.
    var checksEachRequest = false
    /// What it may take.
    var memory: MountMemory
    /// The disk space for objects, in bytes; nil for what the configuration says.
    var diskCacheByteCount: Int?
    /// The number of connections to the storage, and of workers.
    var threadCount: Int
    /// Whether the counters are told at the end.
    var printsStatistics = false
    /// Whether to stay in the foreground.
    var isForeground = false
    /// Where messages go in the background; nil for syslog.
    var logFile: FilePath?
}
