import Testing

@testable import RekkordFS

@Suite struct HumanTextTests {
    @Test(
        "sizes are decimal with four significant digits",
        arguments: [
            (0, "0 B"), (241, "241 B"), (999, "999 B"), (1000, "1.000 kB"), (1234, "1.234 kB"),
            (12345, "12.35 kB"),
            (123_456, "123.5 kB"), (999_949, "999.9 kB"), (999_950, "1.000 MB"), (999_999, "1.000 MB"),
            (9_999_499, "9.999 MB"), (9_999_500, "10.00 MB"), (54_750_000, "54.75 MB"),
            (1_255_000_000, "1.255 GB"),
            (2_407_000_000, "2.407 GB"), (5_000_000_000_000, "5.000 TB"), (1_234_500_000_000_000, "1235 TB"),
            (12_345_000_000_000_000, "12345 TB"), (-54_750_000, "-54.75 MB"), (.max, "9223372 TB"),
        ] as [(Int64, String)]
    )
    func sizes(byteCount: Int64, text: String) {
        #expect(HumanText.size(byteCount) == text)
    }

    @Test(
        "durations have one decimal",
        arguments: [
            (0, "0.0s"), (0.04, "0.0s"), (0.05, "0.1s"), (12.34, "12.3s"), (59.96, "60.0s"),
            (3600, "3600.0s"),
        ]
    )
    func durations(seconds: Double, text: String) {
        #expect(HumanText.duration(seconds: seconds) == text)
    }

    @Test(
        "what remains is told in the two largest units",
        arguments: [(0, "0s"), (44.2, "45s"), (60, "1m00s"), (200, "3m20s"), (3900, "1h05m"), (1e9, "?")]
    )
    func remaining(seconds: Double, text: String) {
        #expect(HumanText.remaining(seconds: seconds) == text)
    }

    @Test("progress tells rate and, when the total is known, what remains")
    func progress() {
        let known = ProgressLine.Amount(done: 1_200_000_000, total: 2_400_000_000)
        #expect(
            ProgressLine.text("Saving", known, seconds: 20)
                == "Saving: 1.200 GB of 2.400 GB, 60.00 MB/s, 20s left"
        )
        let unknown = ProgressLine.Amount(done: 5000, total: nil)
        #expect(ProgressLine.text("Saving", unknown, seconds: 2) == "Saving: 5.000 kB, 2.500 kB/s")
        #expect(ProgressLine.text("Saving", known, seconds: 0) == "Saving: 1.200 GB of 2.400 GB")
        let met = ProgressLine.Amount(done: 5000, total: nil, entries: 1200)
        #expect(ProgressLine.text("Saving", met, seconds: 2) == "Saving: 1200 entries, 5.000 kB, 2.500 kB/s")
        let nothing = ProgressLine.Amount(done: 0, total: 10)
        #expect(ProgressLine.text("Saving", nothing, seconds: 1) == "Saving: 0 B of 10 B, 0 B/s")
    }
}
