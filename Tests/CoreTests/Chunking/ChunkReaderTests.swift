import TestSupport
import Testing

@testable import Core

@Suite("Reading chunk by chunk")
struct ChunkReaderTests {
    /// A stream whose reads give as many bytes as it likes, and fail when asked to.
    private struct Stream {
        struct Failure: Error {}

        let bytes: ArraySlice<UInt8>
        var position: Int
        var failsNext = false
        var largestRoom = 0

        init(_ bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex
        }

        mutating func read(_ room: UnsafeMutableRawBufferPointer, atMost limit: Int) throws(Failure) -> Int {
            if failsNext {
                failsNext = false
                throw Failure()
            }
            largestRoom = max(largestRoom, room.count)
            let count = min(limit, room.count, bytes.endIndex - position)
            room.copyBytes(from: bytes[position..<position + count])
            position += count
            return count
        }
    }

    @Test("chunks are those of the whole file, however it is read", arguments: [1, 2, 3] as [UInt64])
    func readSizes(seed: UInt64) throws {
        var random = SeededRandom(seed)
        var reader = ChunkReader(SplitterTests.stable)
        var stream = Stream(CutPointData.bytes[..<(10 << 20)])
        var ends: [Int] = []
        var joined = true
        while let end = try reader.next(
            read: { room throws(Stream.Failure) in
                let limit =
                    Bool.random(using: &random) ? room.count : Int.random(in: 1...room.count, using: &random)
                return try stream.read(room, atMost: limit)
            },
            { chunk throws(Stream.Failure) in
                let start = ends.last ?? 0
                let expected = CutPointData.bytes[start..<start + chunk.count]
                joined = joined && expected.withUnsafeBytes { $0.elementsEqual(chunk) }
                return start + chunk.count
            }
        ) {
            ends.append(end)
            #expect(reader.offset == UInt64(end))
        }
        #expect(ends == SplitterTests.stableEnds.filter { $0 < 10 << 20 } + [10 << 20], "seed \(seed)")
        #expect(joined)
        #expect(stream.largestRoom <= ChunkReader.pieceByteCount)
    }

    @Test("the original's chunks are found as well, its position counted from the start of each stream")
    func rekkord() throws {
        var reader = ChunkReader(SplitterTests.rekkord)
        for limit in [ChunkReader.pieceByteCount, 77_777] {
            var stream = Stream(CutPointData.bytes[..<4_000_000])
            let ends = try chunkEnds(&reader, &stream, atMost: limit)
            #expect(ends == [2_763_084, 3_943_278, 4_000_000])
            reader.restart()
        }
    }

    @Test("an empty stream has no chunk, a short one has one, also after another stream")
    func short() throws {
        var reader = ChunkReader(SplitterTests.stable)
        for byteCount in [0, 1, 262_144, 262_145, 1 << 20, (1 << 20) + 1, 5, 0] {
            var stream = Stream(CutPointData.bytes[..<byteCount])
            let ends = try chunkEnds(&reader, &stream, atMost: .max)
            #expect(ends == (byteCount == 0 ? [] : [byteCount]))
            reader.restart()
        }
    }

    @Test("zero bytes fill the buffer up to the maximum")
    func zeros() throws {
        var reader = ChunkReader(SplitterTests.stable)
        var stream = Stream([UInt8](repeating: 0, count: (8 << 20) + 1)[...])
        #expect(try chunkEnds(&reader, &stream, atMost: .max) == [8 << 20, (8 << 20) + 1])
    }

    @Test("nothing is lost when a read fails and is made again")
    func failure() throws {
        var reader = ChunkReader(SplitterTests.stable)
        var stream = Stream(CutPointData.bytes[..<2_000_000])
        var failures = 0
        var reads = 0
        var result: Int?
        while result == nil {
            do throws(Stream.Failure) {
                result = try reader.next(
                    read: { room throws(Stream.Failure) in
                        reads += 1
                        stream.failsNext = reads % 3 == 0
                        return try stream.read(room, atMost: .max)
                    },
                    { chunk throws(Stream.Failure) in
                        CutPointData.bytes[..<2_000_000].withUnsafeBytes { $0.elementsEqual(chunk) }
                            ? chunk.count : 0
                    }
                )
            } catch {
                failures += 1
            }
        }
        #expect(result == 2_000_000)
        #expect(failures > 1)
    }

    private func chunkEnds(
        _ reader: inout ChunkReader,
        _ stream: inout Stream,
        atMost limit: Int
    ) throws -> [Int] {
        var ends: [Int] = []
        while let byteCount = try reader.next(
            read: { room throws(Stream.Failure) in try stream.read(room, atMost: limit) },
            { chunk throws(Stream.Failure) in chunk.count }
        ) {
            ends.append((ends.last ?? 0) + byteCount)
        }
        return ends
    }
}
