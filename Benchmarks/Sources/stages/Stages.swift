import CBLAKE3
import Glibc
import SystemPackage

@testable import Core

/// Prints how fast each stage of a save and of a read is on one core.
///
/// usage: stages FOLDER SAMPLE
///
/// FOLDER gets repositories; SAMPLE is a file of real data.
@main
struct Stages {
    let folder: FilePath
    let keys: KeySet
    let salt: SplitterSalt
    let sample: Sample

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { FilePath($0) }
        guard arguments.count == 2 else {
            print("usage: stages FOLDER SAMPLE")
            exit(64)
        }
        let keys = KeyFile.generateMaster().keys
        guard let salt = keys.splitterSalt else { fatalError("a master key has a splitter key") }
        let sample = try Sample(arguments[1], Splitter(.stable, salt: salt))
        let stages = Stages(folder: arguments[0], keys: keys, salt: salt, sample: sample)
        stages.measureChunking()
        stages.measureHash()
        stages.measureCompression()
        stages.measureSealing()
        try stages.measureRepository()
    }

    /// Reading chunk by chunk, the copy into the reader's buffer included.
    private func measureChunking() {
        for chunking in Chunking.allCases {
            let splitter = Splitter(chunking, salt: salt)
            measure("chunk \(chunking.rawValue)", sample.bytes.count) {
                _ = Sample.chunkByteCounts(sample.bytes, splitter)
            }
        }
    }

    private func measureHash() {
        let paths: [(rk_blake3_path, String)] = [
            (RK_BLAKE3_PORTABLE, "portable"), (RK_BLAKE3_SSE41, "SSE4.1"), (RK_BLAKE3_AVX2, "AVX2"),
            (RK_BLAKE3_AVX512, "AVX-512"), (RK_BLAKE3_NEON, "NEON"),
        ]
        for (path, name) in paths where rk_blake3_available(path) != 0 {
            let note = path == rk_blake3_best() ? "taken here" : ""
            measure("BLAKE3 \(name)", sample.bytes.count, note: note) {
                for chunk in sample.chunks { hash(path, chunk) }
            }
        }
        measure("BLAKE3 of 4 kB", sample.smalls.count * Sample.smallByteCount) {
            for small in sample.smalls { hash(RK_BLAKE3_BEST, small) }
        }
    }

    private func hash(_ path: rk_blake3_path, _ bytes: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { memory in
            guard let base = memory.baseAddress else { return }
            memory.initialize(repeating: 7)
            rk_blake3_keyed(path, base, bytes.baseAddress, bytes.count, base + 32)
        }
    }

    private func measureCompression() {
        let encoder = LZ4.Encoder()
        let decoder = LZ4.Decoder()
        let bound = LZ4.Encoder.bound(Splitter.maximumChunkByteCount)
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: bound, alignment: 64)
        let decoded = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Splitter.maximumChunkByteCount,
            alignment: 64
        )
        defer {
            target.deallocate()
            decoded.deallocate()
        }
        var frames: [ByteBuffer] = []
        for level in [1, 3, 6] {
            var byteCount = 0
            let speed = Measure.speed(byteCount: sample.bytes.count) {
                byteCount = 0
                for chunk in sample.chunks {
                    byteCount += encoder.encode(chunk, level: level, into: target)
                }
            }
            let ratio = Double(sample.bytes.count) / Double(byteCount)
            Measure.report("LZ4 encode, level \(level)", speed, note: "ratio \(ratio.fixed(2))")
        }
        for chunk in sample.chunks {
            let count = encoder.encode(chunk, level: 1, into: target)
            frames.append(ByteBuffer(UnsafeRawBufferPointer(rebasing: target[..<count])))
        }
        measure("LZ4 decode", sample.bytes.count) {
            for frame in frames {
                decoder.reset()
                frame.withBytes { frame in
                    guard let progress = try? decoder.decode(frame, into: decoded), progress.isAtEnd else {
                        fatalError("our own frame does not decode")
                    }
                }
            }
        }
    }

    /// The stream alone, as it is cut into messages, and the key of a blob alone.
    private func measureSealing() {
        let key = SecretKey.random()
        // Any bytes will do.
        let header = UnsafeRawBufferPointer(rebasing: sample.bytes[..<Sodium.Stream.headerByteCount])
        let piece = BlobLayout.pieceByteCount
        let message = piece + Sodium.Stream.overhead
        let count = sample.bytes.count / piece
        let sealed = UnsafeMutableRawBufferPointer.allocate(byteCount: count * message, alignment: 64)
        let opened = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
        defer {
            sealed.deallocate()
            opened.deallocate()
        }
        measure("seal", count * piece) {
            var stream = key.withBytes { Sodium.Stream(key: $0, header: header) }
            for index in 0..<count {
                let bytes = sample.bytes[index * piece..<(index + 1) * piece]
                let target = sealed.slice(index * message..<(index + 1) * message)
                stream.push(UnsafeRawBufferPointer(rebasing: bytes), isFinal: false, into: target)
            }
        }
        measure("open", count * piece) {
            var stream = key.withBytes { Sodium.Stream(key: $0, header: header) }
            for index in 0..<count {
                let bytes = UnsafeRawBufferPointer(sealed.slice(index * message..<(index + 1) * message))
                guard stream.pull(bytes, into: opened) != nil else {
                    fatalError("our own message does not open")
                }
            }
        }
    }

    /// What a save and a read pay in all, on a local repository whose objects are in the page cache.
    private func measureRepository() throws {
        for (name, blobs) in [("chunks", sample.chunks), ("4 kB blobs", sample.smalls)] {
            let byteCount = blobs.reduce(0) { $0 + $1.count }
            func report(_ stage: String, _ speed: Double) {
                let microseconds = Double(byteCount) / speed / Double(blobs.count) * 1e6
                Measure.report("\(stage), \(name)", speed, note: "\(microseconds.fixed(1)) µs each")
            }

            var last = try makeRepository("\(name)")
            report(
                "compress and seal",
                try Measure.speed(byteCount: byteCount) {
                    for blob in blobs { _ = try last.seal(.chunk, blob, level: 1) }
                }
            )
            let putting = try Measure.speed(
                byteCount: byteCount,
                prepare: { run in
                    last = try makeRepository("\(name) \(run)")
                    return last
                }
            ) { repository in
                let batch = try repository.storage.makeBatch()
                for blob in blobs {
                    let id = repository.identify(.chunk, blob)
                    try repository.seal(.chunk, blob, level: 1).withBytes { object in
                        batch.put(id.objectName, object) { _ in }
                    }
                }
                try batch.flush()
            }
            report("whole put, durable", putting)

            let ids = blobs.map { last.identify(.chunk, $0) }
            report(
                "whole get",
                try Measure.speed(byteCount: byteCount) {
                    for id in ids { _ = try last.get(id) }
                }
            )
        }
    }

    private func makeRepository(_ name: String) throws -> Repository {
        try Repository.create(LocalStorage(folder.appending(name)), keys: keys)
    }

    private func measure(_ stage: String, _ byteCount: Int, note: String = "", _ body: () -> Void) {
        Measure.report(stage, Measure.speed(byteCount: byteCount, body), note: note)
    }
}
