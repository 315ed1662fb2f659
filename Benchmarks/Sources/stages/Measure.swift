import Glibc

/// Takes the median of five timed runs.
enum Measure {
    static let runCount = 5

    /// The median speed of `body` in bytes per second; `prepare` is not timed.
    static func speed<Input>(
        byteCount: Int,
        prepare: (Int) throws -> Input,
        _ body: (Input) throws -> Void
    ) rethrows -> Double {
        var seconds: [Double] = []
        for run in 0..<runCount {
            let input = try prepare(run)
            let start = now()
            try body(input)
            seconds.append(now() - start)
        }
        return Double(byteCount) / seconds.sorted()[runCount / 2]
    }

    /// The median speed of `body`, which needs no preparation.
    static func speed(byteCount: Int, _ body: () throws -> Void) rethrows -> Double {
        try speed(byteCount: byteCount, prepare: { _ in }, body)
    }

    /// Prints one line of the table.
    static func report(_ stage: String, _ speed: Double, note: String = "") {
        let padding = String(repeating: " ", count: max(1, 34 - stage.count))
        let megabytes = String(Int((speed / 1e6).rounded()))
        let column = String(repeating: " ", count: max(1, 8 - megabytes.count)) + megabytes
        print("  \(stage)\(padding)\(column)\(note.isEmpty ? "" : "   ")\(note)")
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

extension Double {
    /// The number with `digits` digits after the point.
    func fixed(_ digits: Int) -> String {
        let factor = (0..<digits).reduce(1) { value, _ in value * 10 }
        let scaled = Int((self * Double(factor)).rounded())
        guard digits > 0 else { return String(scaled) }
        let fraction = String(scaled % factor)
        return "\(scaled / factor)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
