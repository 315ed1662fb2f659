import Glibc

/// Keeps the descriptors 0, 1 and 2 taken.
enum StandardStreams {
    /// Fills each closed one, so that no file of ours gets its number and then what is printed.
    ///
    /// What is put there can only be used the wrong way round, so that lost results are still an error.
    static func fill() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is this one, since those before it are taken.
            _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
