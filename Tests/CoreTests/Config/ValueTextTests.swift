import Testing

@testable import Core

@Suite struct ValueTextTests {
    @Test(
        "a duration is an integer with one unit, or a bare 0",
        arguments: [
            ("0", 0), ("0s", 0), ("1s", 1), ("90s", 90), ("15m", 900), ("2h", 7200), ("30d", 2_592_000),
            ("106751991167300d", 106_751_991_167_300 * 86400),
        ] as [(String, Int64)]
    )
    func durations(text: String, seconds: Int64) throws {
        #expect(try DurationText.parse(text) == seconds)
    }

    @Test(
        "other durations are refused",
        arguments: [
            ("30", "'30' needs a unit: s, m, h or d"), ("", "'' is not a duration"),
            ("d", "'d' is not a duration"),
            ("-1d", "'-1d' is not a duration"), ("+1d", "'+1d' is not a duration"),
            ("1.5h", "'1.5h' is not a duration"), ("1w", "'1w' is not a duration"),
            ("1 d", "'1 d' is not a duration"),
            ("1h30m", "'1h30m' is not a duration"), ("106751991167301d", "'106751991167301d' is too long"),
            ("99999999999999999999s", "'99999999999999999999s' is not a duration"),
        ]
    )
    func badDurations(text: String, reason: String) {
        #expect(throws: FormatError(reason)) { try DurationText.parse(text) }
    }

    @Test(
        "a duration is shown in its largest exact unit",
        arguments: [(0, "0"), (59, "59s"), (60, "1m"), (90, "90s"), (7200, "2h"), (432_000, "5d")]
            as [(Int64, String)]
    )
    func shownDurations(seconds: Int64, text: String) {
        #expect(DurationText.describe(seconds) == text)
    }

    @Test(
        "a size is an integer with an optional unit of powers of 1000",
        arguments: [
            ("0", 0), ("1", 1), ("12B", 12), ("3k", 3000), ("3K", 3000), ("256M", 256_000_000),
            ("2G", 2_000_000_000), ("1T", 1_000_000_000_000),
        ]
    )
    func sizes(text: String, byteCount: Int) throws {
        #expect(try SizeText.parse(text) == byteCount)
    }

    @Test(
        "other sizes are refused",
        arguments: [
            ("", "'' is not a size"), ("M", "'M' is not a size"), ("1.5G", "'1.5G' is not a size"),
            ("-1", "'-1' is not a size"), ("1kB", "'1kB' is not a size"), ("1 M", "'1 M' is not a size"),
            ("9223372036855T", "'9223372036855T' is too large"),
        ]
    )
    func badSizes(text: String, reason: String) {
        #expect(throws: FormatError(reason)) { try SizeText.parse(text) }
    }

    @Test("booleans have five words each, in any case")
    func booleans() throws {
        for word in ["1", "on", "yes", "y", "true", "TRUE", "Yes"] {
            #expect(try KeywordText.parseBoolean(word))
        }
        for word in ["0", "off", "no", "n", "false", "False", "OFF"] {
            #expect(try !KeywordText.parseBoolean(word))
        }
        for word in ["", "2", "t", "f", "ja", "enabled"] {
            #expect(throws: FormatError("'\(word)' is neither yes nor no")) {
                try KeywordText.parseBoolean(word)
            }
        }
    }

    @Test("a secret shows itself to nobody")
    func secrets() {
        let secret = SecretText(Array("hunter2".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        #expect("\(secret)" == "(secret)")
        #expect(String(reflecting: secret) == "(secret)")
        #expect(!dumped.contains("104"))
    }
}
