import Testing

@testable import Core

@Suite struct AnswerBodyTests {
    private static let limit = 64 << 20

    /// Each 60,000 of them are equal, and others than those around.
    private static func bytes(_ count: Int) -> [UInt8] {
        stride(from: 0, to: count, by: 60_000).flatMap { start in
            [UInt8](repeating: UInt8(start / 60_000 % 251), count: min(count - start, 60_000))
        }
    }

    @Test(
        "a body is the pieces that came, whatever was announced",
        arguments: [0, 1000, 200_000, 11_000_000],
        [nil, 0, 100, Int.max] as [Int?]
    )
    func pieces(byteCount: Int, announced: Int?) {
        let all = Self.bytes(byteCount)
        var body = AnswerBody(limit: Self.limit, isAgain: false)
        all.withUnsafeBytes { all in
            for start in stride(from: 0, to: byteCount, by: 60_000) {
                let piece = all[start..<min(byteCount, start + 60_000)]
                body.append(UnsafeRawBufferPointer(rebasing: piece), announced: announced ?? byteCount)
            }
        }
        #expect(body.count == byteCount)
        #expect(body.take().array == all)
    }

    @Test("what came before an answer was repeated is forgotten")
    func again() {
        var body = AnswerBody(limit: Self.limit, isAgain: false)
        Self.bytes(300_000).withUnsafeBytes { body.append($0, announced: 300_000) }
        body.clear()
        [UInt8]([1, 2, 3]).withUnsafeBytes { body.append($0, announced: 3) }
        #expect(body.take().array == [1, 2, 3])
    }
}
