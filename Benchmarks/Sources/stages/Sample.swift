import SystemPackage

@testable import Core

/// Holds the data that the stages work on, whole and cut up.
struct Sample {
    static let smallByteCount = 4096

    let bytes: UnsafeRawBufferPointer
    /// The sample as a save would cut it.
    let chunks: [UnsafeRawBufferPointer]
    /// Pieces of 4 kB, as many small files.
    let smalls: [UnsafeRawBufferPointer]

    /// Reads a file, which is kept until the program ends.
    init(_ path: FilePath, _ splitter: Splitter) throws {
        let content = try WholeFile.read(path, limit: 1 << 30).bytes
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        memory.copyBytes(from: content)
        let bytes = UnsafeRawBufferPointer(memory)
        self.bytes = bytes

        var start = 0
        chunks = Self.chunkByteCounts(bytes, splitter).map { byteCount in
            defer { start += byteCount }
            return UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
        }
        let smallCount = min(bytes.count / Self.smallByteCount, 4096)
        smalls = (0..<smallCount).map { index in
            let start = index * (bytes.count / smallCount)
            return UnsafeRawBufferPointer(rebasing: bytes[start..<start + Self.smallByteCount])
        }
    }

    /// Cuts the sample the way a file is cut while it is read.
    static func chunkByteCounts(_ bytes: UnsafeRawBufferPointer, _ splitter: Splitter) -> [Int] {
        var reader = ChunkReader(splitter)
        var position = 0
        var result: [Int] = []
        while let byteCount = reader.next(
            read: { room in
                let count = min(room.count, bytes.count - position)
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
                position += count
                return count
            },
            { $0.count }
        ) {
            result.append(byteCount)
        }
        return result
    }
}
