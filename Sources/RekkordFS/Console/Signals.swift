import Glibc
import Synchronization

/// Ends the program on SIGHUP, SIGINT and SIGTERM, at once or, where a command asks for it, in good order.
///
/// SIGXFSZ it outlives, and in a command that ends in good order SIGPIPE as well.
///
/// - Source: rekkord(1), "EXIT STATUS". C: `sigaction(2)`.
enum Signals {
    /// The signal of a key press.
    static let interrupt = SIGINT

    private static let ending: [Int32] = [SIGHUP, SIGINT, SIGTERM]
    /// The first signal that came, below the second of the monotonic clock when it did; 0 before.
    private static let first = Atomic<Int>(0)
    /// How many bits of `first` hold the number.
    private static let numberBitCount = 8
    /// Whether a command looks at `received`.
    private static let isCooperative = Atomic<Bool>(false)
    /// Written by the handler, so it exists before the first signal.
    private static let message: StaticString = "\nrekkord: error: interrupted\n"

    /// The terminal as it was before `withoutEcho`, for the handler.
    nonisolated(unsafe) private static let shown = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    private static let isEchoOff = Atomic<Bool>(false)

    /// Runs `body` while the terminal on standard input does not show what is typed.
    ///
    /// A signal that ends the program meanwhile puts the terminal back first. For one thread at a time.
    static func withoutEcho<R>(_ body: () -> R) -> R {
        guard tcgetattr(STDIN_FILENO, shown) == 0 else { return body() }
        var hidden = shown.pointee
        hidden.c_lflag &= ~tcflag_t(ECHO)
        isEchoOff.store(true, ordering: .sequentiallyConsistent)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, shown)
            isEchoOff.store(false, ordering: .sequentiallyConsistent)
        }
        return body()
    }

    /// The signal that asked for the end, if one did.
    static var received: Int32? {
        let value = first.load(ordering: .acquiring)
        return value == 0 ? nil : Int32(truncatingIfNeeded: value & (1 << numberBitCount - 1))
    }

    /// Installs the handlers; a signal that is ignored, as under nohup(1), stays ignored.
    static func install() {
        // Initialises the globals outside of a handler.
        _ = (
            first.load(ordering: .relaxed), isCooperative.load(ordering: .relaxed), message.utf8CodeUnitCount,
            isEchoOff.load(ordering: .relaxed), shown
        )
        for number in ending {
            var old = sigaction()
            guard sigaction(number, nil, &old) == 0 else { continue }
            if unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) == ignored { continue }
            var new = sigaction()
            new.__sigaction_handler.sa_handler = { Signals.handle($0) }
            new.sa_flags = Int32(bitPattern: UInt32(SA_RESTART))
            sigaction(number, &new, nil)
        }
        // A file that may not grow any more, as under `ulimit -f`, is an error of whoever writes it (EFBIG).
        outlive(SIGXFSZ)
    }

    /// Keeps a signal from ending the program without a word.
    ///
    /// A handler does not pass to hooks, as ignoring the signal would; one that is ignored, as by services, stays so.
    private static func outlive(_ number: Int32) {
        var old = sigaction()
        guard sigaction(number, nil, &old) == 0,
            unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) != ignored
        else { return }
        var quiet = sigaction()
        quiet.__sigaction_handler.sa_handler = { _ in }
        quiet.sa_flags = Int32(bitPattern: UInt32(SA_RESTART))
        sigaction(number, &quiet, nil)
    }

    /// Makes a reader that went away an error of whoever writes to it (EPIPE): messages are lost, the work is not.
    static func outliveReaders() {
        outlive(SIGPIPE)
    }

    /// Makes the first signal set `received` only; another one, a second later or more, ends the program at once.
    ///
    /// For commands that check the flag between objects and clean up. Whoever signals a process and its group,
    /// as timeout(1) does, sends two signals at one time and means one.
    static func cooperate() {
        outliveReaders()
        isCooperative.store(true, ordering: .releasing)
    }

    /// The value of `SIG_IGN`, which is a cast that Swift cannot import.
    private static let ignored = 1

    /// Async-signal-safe: atomics, `clock_gettime`, `tcsetattr`, `write` and `_exit` only.
    private static func handle(_ number: Int32) {
        let error = errno
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let value = now.tv_sec << numberBitCount | Int(number)
        let (isFirst, earlier) = first.compareExchange(
            expected: 0,
            desired: value,
            ordering: .acquiringAndReleasing
        )
        // Whole seconds: numbers that differ by two are more than one apart.
        let isOneRequest = isFirst || now.tv_sec - earlier >> numberBitCount < 2
        if isOneRequest, isCooperative.load(ordering: .acquiring) {
            errno = error
            return
        }
        if isEchoOff.load(ordering: .acquiring) { tcsetattr(STDIN_FILENO, TCSANOW, shown) }
        let skipped = isatty(STDERR_FILENO) == 1 ? 0 : 1
        _ = write(STDERR_FILENO, message.utf8Start + skipped, message.utf8CodeUnitCount - skipped)
        _exit(ExitStatus.ofSignal(number))
    }
}
