@testable import Core
import Testing

@Suite struct PaddingTests {
    @Test(
        "sizes are those of the specification",
        arguments: [
            (11, 12), (12, 12), (19, 20), (21, 22), (100, 104), (1000, 1024), (32768, 32768), (32769, 34816),
            (40000, 40960), (100_000, 100_352), (1_000_000, 1_015_808), (8_388_700, 8_650_752),
        ]
    )
    func published(byteCount: Int, padded: Int) {
        #expect(Padding.padded(byteCount) == padded)
    }

    @Test("padding only adds, little, and twice adds nothing")
    func properties() {
        for byteCount in 1...70000 {
            let padded = Padding.padded(byteCount)
            #expect(padded >= byteCount && padded <= byteCount + byteCount / 8 + 1)
            #expect(Padding.padded(padded) == padded)
        }
    }
}
