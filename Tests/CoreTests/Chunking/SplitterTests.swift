import TestSupport
import Testing

@testable import Core

@Suite("Cut points")
struct SplitterTests {
    static let stable = Splitter(.stable, salt: CutPointData.salt)
    static let rekkord = Splitter(.rekkord, salt: CutPointData.salt)

    static func splitter(_ chunking: Chunking) -> Splitter {
        switch chunking {
        case .stable: stable
        case .rekkord: rekkord
        }
    }

    static let stableEnds = [
        3042566, 4541217, 6805945, 9135878, 11242260, 13380717, 16206710, 19218939,
        21637203, 23791825, 25053373, 27203426, 28259215, 31927060, 33554432,
    ]
    static let rekkordEnds = [
        2763084, 3943278, 5458024, 9459444, 10627908, 12123411, 15244715, 16342319,
        18293406, 20464736, 21522419, 24521197, 26075886, 27392505, 29310599, 31814508,
        33554432,
    ]
    static let rekkordZeroSeedEnds = [
        1610633, 5101814, 6175144, 8230763, 10080305, 11572921, 13143134, 14940071,
        19586529, 21721015, 22832471, 23883083, 26111934, 27314526, 28671332, 31304744,
        32676827, 33554432,
    ]

    @Test("the test data and the tables are the ones of the format")
    func inputs() {
        #expect(
            CutPointData.sha256(CutPointData.bytes)
                == "e24eb74bb832c95b4c09e4770acf33ca6aba814297409ad4ea638028a77d2b6f"
        )
        #expect(
            CutPointData.sha256(CutPointData.salt.stableTableBytes)
                == "5a03a638272af156c487f603ff0c7ea12fa3a3df36dbd9ea47761bc292573e2b"
        )
        let gear = GearTable.constants.flatMap { constant in
            (0..<4).map { UInt8(constant >> ($0 * 8) & 0xff) }
        }
        #expect(
            CutPointData.sha256(gear)
                == "d499f6cdb238b999913ce6bc226452991b403b71cb0b144ca82ecf6e2ce2032a"
        )
        #expect(CutPointData.salt.seed == [0x8e, 0x5a, 0xce, 0xaf, 0xd3, 0x71, 0x89, 0x7b])
        #expect(GearTable.constants.allSatisfy { $0 >> 31 == 0 }, "the hash cannot overflow")
    }

    @Test("Stable cuts the test data where the format says")
    func stableGolden() {
        #expect(ends(Self.stable, CutPointData.bytes) == Self.stableEnds)
    }

    @Test("Rekkord cuts the test data where the format says")
    func rekkordGolden() {
        #expect(ends(Self.rekkord, CutPointData.bytes) == Self.rekkordEnds)
        let zeroSeed = Splitter(rekkordSeed: [UInt8](repeating: 0, count: 8))
        #expect(ends(zeroSeed, CutPointData.bytes) == Self.rekkordZeroSeedEnds)
    }

    @Test("zero bytes are cut at the maximum", arguments: Chunking.allCases)
    func zeros(chunking: Chunking) {
        let splitter = Self.splitter(chunking)
        #expect(
            ends(splitter, [UInt8](repeating: 0, count: 20 << 20)) == [8_388_608, 16_777_216, 20_971_520]
        )
    }

    @Test("files up to the minimum and one byte more are one chunk", arguments: Chunking.allCases)
    func short(chunking: Chunking) {
        let splitter = Self.splitter(chunking)
        for byteCount in [1, 63, 64, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
            #expect(ends(splitter, Array(CutPointData.bytes[..<byteCount])) == [byteCount])
        }
        #expect(ends(splitter, []) == [])
    }

    @Test("Stable cuts at the same content after an insertion of any length")
    func shiftResistance() {
        let original = Array(CutPointData.bytes[..<(12 << 20)])
        let position = 1 << 20 + 17
        let ends = Set(Self.stableEnds.filter { $0 < original.count })
        for byteCount in [1, 2, 7, 8, 13, 31, 64] {
            let inserted = [UInt8](repeating: 0xa5, count: byteCount)
            let changed = original[..<position] + inserted + original[position...]
            let moved = Set(self.ends(Self.stable, Array(changed)).map { $0 - byteCount })
            #expect(ends.subtracting(moved).count <= 1, "\(byteCount) bytes inserted")
        }
    }

    private func ends(_ splitter: Splitter, _ bytes: [UInt8]) -> [Int] {
        bytes.withUnsafeBytes { bytes in
            var ends: [Int] = []
            var start = 0
            while start < bytes.count {
                let window = bytes[start..<min(start + Splitter.maximumChunkByteCount, bytes.count)]
                start += splitter.chunkEnd(
                    UnsafeRawBufferPointer(rebasing: window),
                    fileOffset: UInt64(start),
                    isEnd: window.endIndex == bytes.count
                )
                ends.append(start)
            }
            return ends
        }
    }
}
