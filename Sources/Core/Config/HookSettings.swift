public import SystemPackage

/// Names the folders of executables that run around a save or scan.
///
/// - Source: rekkord.ini(5); rekkord(1), "COMMANDS".
public struct HookSettings: Sendable, Equatable {
    /// Run before a save.
    public var preSaveDirectory: FilePath?
    /// Run after a save.
    public var postSaveDirectory: FilePath?
    /// Run before a scan.
    public var preScanDirectory: FilePath?
    /// Run after a scan.
    public var postScanDirectory: FilePath?

    /// No hooks.
    public init() {}
}
