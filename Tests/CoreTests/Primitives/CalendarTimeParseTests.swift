@testable import Core
import Testing

@Suite struct CalendarTimeParseTests {
    @Test("times of headers and documents are read")
    func forms() {
        let expected = Timestamp(milliseconds: 1_767_619_231_000)
        #expect(CalendarTime.parseUTC("2026-01-05T13:20:31Z") == expected)
        #expect(CalendarTime.parseUTC("2026-01-05T13:20:31.000Z") == expected)
        #expect(CalendarTime.parseUTC("2026-01-05T13:20:31.5Z")?.milliseconds == 1_767_619_231_500)
        #expect(CalendarTime.parseUTC("2026-01-05T13:20:31.123456789Z")?.milliseconds == 1_767_619_231_123)
        #expect(CalendarTime.parseHTTP("Mon, 05 Jan 2026 13:20:31 GMT") == expected)
    }

    @Test("our own forms come back")
    func roundTrip() {
        for milliseconds: Int64 in [0, 951_782_400_000, 1_767_619_231_000, 4_102_444_800_000] {
            let time = Timestamp(milliseconds: milliseconds)
            #expect(CalendarTime.parseUTC(CalendarTime.utcSeconds(time)) == time)
            #expect(CalendarTime.parseUTC(CalendarTime.utc(time)) == time)
        }
        #expect(CalendarTime.utcBasic(Timestamp(milliseconds: 1_757_468_311_999)) == "20250910T013831Z")
    }

    @Test(
        "other texts are not times",
        arguments: [
            "", "T", "Z", "2026-01-05", "2026-01-05T13:20:31", "2026-01-05T13:20:31+01:00",
            "2026-1-5T13:20:31Z",
            "2026-13-05T13:20:31Z", "2026-01-05T24:20:31Z", "2026-01-05T13:20:31.Z", "+026-01-05T13:20:31Z",
            "2026-01-05T13:20:31.1.2Z", "Mon, 05 Foo 2026 13:20:31 GMT", "Mon, 05 Jan 2026 13:20:31 CET",
        ]
    )
    func refused(text: String) {
        #expect(CalendarTime.parseUTC(text) == nil)
        #expect(CalendarTime.parseHTTP(text) == nil)
    }
}
