import Core
import Glibc
import SystemPackage

/// One run of a hook.
enum HookProcess {
    /// How a hook ended.
    enum Outcome {
        case status(Int32)
        case signal(Int32)

        /// The reason that a message gives; nil when the hook did well.
        var failure: String? {
            switch self {
            case .status(0): nil
            case .status(let status): "exit status \(status)"
            case .signal(let number): "killed by signal \(number)"
            }
        }
    }

    /// How long the wait lasts before signals are looked at again, should one have come just before it.
    private static let pollMilliseconds: Int32 = 500
    /// The same where the kernel cannot wait for the process.
    private static let shortPollMilliseconds: Int32 = 20

    /// Runs a program to its end, without standard input and with its output on our standard error.
    ///
    /// A signal that asks us to end while it runs is handed on to it.
    /// - Parameter variables: Added to our environment.
    /// - Source: C: `posix_spawn(3)`.
    static func run(_ program: FilePath, variables: [String: String]) throws(Errno) -> Outcome {
        let wasSignalled = Signals.received != nil
        let id = try start(program, variables: variables)
        let process = try? System.openProcess(id)
        var isTold = wasSignalled
        var result: Int32 = 0
        while true {
            let ended = try System.check { waitpid(id, &result, WNOHANG) }
            if ended == id { break }
            if !isTold, let signal = Signals.received {
                isTold = true
                kill(id, signal)
            }
            // Ends early when a signal comes.
            var item = pollfd(fd: process?.number ?? -1, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, process == nil ? shortPollMilliseconds : pollMilliseconds)
        }
        let signal = result & 0x7F
        return signal == 0 ? .status(result >> 8 & 0xFF) : .signal(signal)
    }

    private static func start(_ program: FilePath, variables: [String: String]) throws(Errno) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var id: pid_t = 0
        let result = withStrings([program.bytes]) { arguments in
            withStrings(environment(variables)) { environment in
                program.withPlatformString { posix_spawn(&id, $0, &actions, nil, arguments, environment) }
            }
        }
        guard result == 0 else { throw Errno(rawValue: result) }
        return id
    }

    /// Our environment with `variables` in place of those of the same names.
    private static func environment(_ variables: [String: String]) -> [[UInt8]] {
        var all = ProcessEnvironment.ownVariables
        for (name, value) in variables { all[name] = Array(value.utf8) }
        return all.map { Array($0.key.utf8) + [UInt8(ascii: "=")] + $0.value }
    }

    /// Calls `body` with strings as `execve` takes them.
    private static func withStrings<R>(
        _ strings: [[UInt8]],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let copies = strings.map { string in
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
            for (index, byte) in string.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[string.count] = 0
            return copy
        }
        defer { for copy in copies { copy.deallocate() } }
        return body(copies + [nil])
    }
}
