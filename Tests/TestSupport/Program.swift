import Core
import Foundation
import Glibc
public import SystemPackage

/// Runs the built binary and collects what it prints.
///
/// Nothing of the test's own environment reaches it but PATH, so no configuration of the machine plays a part, and what
/// builds with sanitizers, and those that count lines, are told about their reports.
public struct Program: Sendable {
    /// How a run ended.
    public struct Result: Sendable {
        /// The exit status; nil when a signal ended it.
        public let status: Int32?
        /// The signal that ended it.
        public let signal: Int32?
        /// Standard output, as bytes.
        public let outputBytes: [UInt8]
        /// Standard error, or all that the terminal showed, as bytes.
        public let errorBytes: [UInt8]

        /// Standard output as text.
        public var output: String { String(decoding: outputBytes, as: UTF8.self) }
        /// Standard error as text.
        public var error: String { String(decoding: errorBytes, as: UTF8.self) }
    }

    /// Why a run gave no result.
    public enum Failure: Error {
        case cannotStart(Errno)
        /// It was killed after `timeoutSeconds`.
        case timedOut(arguments: [String])
    }

    /// The binary.
    public var path: FilePath
    /// What it runs with, such as `REKKORD_REPOSITORY`; HOME is the working directory unless set here.
    public var environment: [String: String] = [:]
    /// Where it runs.
    public var workingDirectory: FilePath
    /// The name it is called by; nil for the path.
    public var name: String?
    /// After how long a run counts as hanging.
    public var timeoutSeconds = 120.0

    private static let inherited: Set = [
        "PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE",
    ]

    /// The binary that was built with the tests.
    public init(in workingDirectory: FilePath) {
        path = Self.builtBinary
        self.workingDirectory = workingDirectory
    }

    /// `rekkord` beside the running test bundle, or what `REKKORD_BINARY` names.
    public static var builtBinary: FilePath {
        if let path = ProcessInfo.processInfo.environment["REKKORD_BINARY"] { return FilePath(path) }
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(bundle).removingLastComponent().appending("rekkord")
    }

    /// Runs it with standard input from `/dev/null`.
    public func run(_ arguments: String...) throws -> Result {
        try run(bytes: arguments.map { Array($0.utf8) })
    }

    /// Runs it with arguments of any bytes.
    public func run(bytes arguments: [[UInt8]]) throws -> Result {
        let process = try start(bytes: arguments)
        return try process.wait()
    }

    /// Runs it with standard input and standard error on a terminal, where `input` is typed.
    public func runOnTerminal(_ arguments: String..., input: String) throws -> Result {
        let (terminal, slave) = try Self.openTerminal()
        defer { close(terminal) }
        let process = try start(bytes: arguments.map { Array($0.utf8) }, terminal: slave)
        close(slave)
        _ = input.utf8CString.withUnsafeBytes { write(terminal, $0.baseAddress, $0.count - 1) }
        // A terminal without a reader of its output would block the program; it ends with EIO.
        var shown: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(terminal, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            shown.append(contentsOf: chunk[..<count])
        }
        return try process.wait(shown: shown)
    }

    /// Starts it and returns at once.
    public func start(_ arguments: String...) throws -> Running {
        try start(bytes: arguments.map { Array($0.utf8) })
    }

    /// Starts it with arguments that need not be UTF-8, and with a terminal where one is given, and returns at once.
    public func start(bytes arguments: [[UInt8]], terminal: Int32? = nil) throws -> Running {
        let folder = try TemporaryDirectory()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, folder["output"].string, flags, 0o600)
        if let terminal {
            posix_spawn_file_actions_adddup2(&actions, terminal, STDIN_FILENO)
            posix_spawn_file_actions_adddup2(&actions, terminal, STDERR_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, folder["error"].string, flags, 0o600)
        }
        try Self.addWorkingDirectory(workingDirectory, to: &actions)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.resetSignals(&attributes)

        var variables = ProcessInfo.processInfo.environment.filter { Self.inherited.contains($0.key) }
        variables["HOME"] = workingDirectory.string
        variables.merge(environment) { $1 }
        let words = [Array((name ?? path.string).utf8)] + arguments
        let argumentList = Self.cStrings(words)
        let variableList = Self.cStrings(variables.map { Array("\($0.key)=\($0.value)".utf8) })
        defer {
            for item in argumentList + variableList { free(item) }
        }
        var process: pid_t = 0
        let result = posix_spawn(&process, path.string, &actions, &attributes, argumentList, variableList)
        guard result == 0 else { throw Failure.cannotStart(Errno(rawValue: result)) }
        return Running(id: process, folder, arguments: words, timeoutSeconds: timeoutSeconds)
    }

    /// Opens a new terminal: the side of the user and the side of the program.
    ///
    /// - Source: C: `pty(7)`; the requests of `ioctl_tty(2)`, which Swift does not import.
    private static func openTerminal() throws -> (user: Int32, program: Int32) {
        let setLock: UInt = 0x4004_5431
        let getNumber: UInt = 0x8004_5430
        let user = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (lock, number): (Int32, Int32) = (0, 0)
        guard user >= 0, ioctl(user, setLock, &lock) == 0, ioctl(user, getNumber, &number) == 0 else {
            throw Failure.cannotStart(Errno(rawValue: errno))
        }
        let program = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard program >= 0 else { throw Failure.cannotStart(Errno(rawValue: errno)) }
        return (user, program)
    }

    /// Calls `posix_spawn_file_actions_addchdir_np(3)`, a GNU extension that Swift does not import.
    private static func addWorkingDirectory(
        _ path: FilePath,
        to actions: inout posix_spawn_file_actions_t
    ) throws {
        typealias Function =
            @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addchdir_np") else {
            throw Failure.cannotStart(.noFunction)
        }
        let function = unsafeBitCast(symbol, to: Function.self)
        let result = path.withPlatformString { function(&actions, $0) }
        guard result == 0 else { throw Failure.cannotStart(Errno(rawValue: result)) }
    }

    /// Undoes what the threads of tests do with signals, such as blocking all of them.
    private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }

    private static func cStrings(_ texts: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { text in
            (text + [0]).withUnsafeBytes {
                $0.bindMemory(to: CChar.self).baseAddress.map { strdup($0) } ?? nil
            }
        }
            + [nil]
    }

    /// A program that was started.
    public final class Running: Sendable {
        /// The process.
        public let id: Int32
        private let folder: TemporaryDirectory
        private let arguments: [[UInt8]]
        private let timeoutSeconds: Double

        fileprivate init(
            id: Int32,
            _ folder: TemporaryDirectory,
            arguments: [[UInt8]],
            timeoutSeconds: Double
        ) {
            self.id = id
            self.folder = folder
            self.arguments = arguments
            self.timeoutSeconds = timeoutSeconds
        }

        /// Sends it a signal.
        public func send(_ signal: Int32) { kill(id, signal) }

        /// What it has written to its error output until now.
        public func errors() throws -> String { String(decoding: try folder.read("error"), as: UTF8.self) }

        /// Waits for its end; kills it when it takes too long.
        public func wait() throws -> Result { try wait(shown: nil) }

        fileprivate func wait(shown: [UInt8]?) throws -> Result {
            let deadline = Date().addingTimeInterval(timeoutSeconds)
            var status: Int32 = 0
            while waitpid(id, &status, WNOHANG) == 0 {
                if Date() > deadline {
                    kill(id, SIGKILL)
                    waitpid(id, &status, 0)
                    throw Failure.timedOut(arguments: arguments.map { String(decoding: $0, as: UTF8.self) })
                }
                usleep(2000)
            }
            let signal = status & 0x7F
            return Result(
                status: signal == 0 ? status >> 8 & 0xFF : nil,
                signal: signal == 0 ? nil : signal,
                outputBytes: try folder.read("output"),
                errorBytes: try shown ?? folder.read("error")
            )
        }
    }
}

extension Program {
    /// Runs a line of shell.
    public static func shell(in folder: FilePath, _ line: String) throws -> Result {
        var shell = Program(in: folder)
        shell.path = "/bin/sh"
        return try shell.run("-c", line)
    }
}
