import CBLAKE3
import Glibc
import TestSupport
import Testing

@testable import Core

@Suite("Keyed BLAKE3")
struct BLAKE3Tests {
    @Test("the path taken by itself gives the published hashes")
    func best() {
        #expect(isAvailable(rk_blake3_best()))
        #expect(rk_blake3_best() != RK_BLAKE3_BEST)
        check(RK_BLAKE3_BEST)
    }

    @Test("the portable path gives the published hashes")
    func portable() {
        check(RK_BLAKE3_PORTABLE)
    }

    #if arch(x86_64)
        @Test(
            "the SSE4.1 path gives the published hashes and equals the portable one",
            .enabled(if: isAvailable(RK_BLAKE3_SSE41), "NOT TESTED: this machine lacks SSE4.1")
        )
        func sse41() {
            check(RK_BLAKE3_SSE41)
        }

        @Test(
            "the AVX2 path gives the published hashes and equals the portable one",
            .enabled(if: isAvailable(RK_BLAKE3_AVX2), "NOT TESTED: this machine lacks AVX2")
        )
        func avx2() {
            check(RK_BLAKE3_AVX2)
        }

        @Test(
            "the AVX-512 path gives the published hashes and equals the portable one",
            .enabled(if: isAvailable(RK_BLAKE3_AVX512), "NOT TESTED: this machine lacks AVX-512")
        )
        func avx512() {
            check(RK_BLAKE3_AVX512)
        }

        @Test("paths of other processors are not offered")
        func foreign() {
            #expect(!isAvailable(RK_BLAKE3_NEON))
        }
    #elseif arch(arm64)
        @Test("the NEON path gives the published hashes and equals the portable one")
        func neon() {
            check(RK_BLAKE3_NEON)
        }

        @Test("paths of other processors are not offered")
        func foreign() {
            #expect(![RK_BLAKE3_SSE41, RK_BLAKE3_AVX2, RK_BLAKE3_AVX512].contains(where: isAvailable))
        }
    #endif

    @Test("one bit of input or key changes the hash")
    func sensitivity() {
        let input = Self.pattern(3 * 1024 + 5)
        var hashes: Set<String> = [hash(RK_BLAKE3_BEST, input[...])]
        for index in stride(from: 0, to: input.count, by: 211) {
            var changed = input
            changed[index] ^= 0x10
            hashes.insert(hash(RK_BLAKE3_BEST, changed[...]))
        }
        for index in 0..<32 {
            var key = BLAKE3Vectors.key
            key[index] ^= 1
            hashes.insert(hash(RK_BLAKE3_BEST, key: key, input[...]))
        }
        #expect(hashes.count == 1 + (input.count + 210) / 211 + 32)
    }

    private func check(_ path: rk_blake3_path) {
        checkVectors(path)
        checkAgainstPortable(path, seed: 0xB1A_4E3)
        checkBounds(path)
    }

    private func checkVectors(_ path: rk_blake3_path) {
        let input = Self.pattern(BLAKE3Vectors.hashes.map(\.byteCount).max() ?? 0)
        for vector in BLAKE3Vectors.hashes {
            #expect(hash(path, input[..<vector.byteCount]) == vector.hash, "\(vector.byteCount) bytes")
        }
    }

    /// Random keys, lengths and alignments.
    private func checkAgainstPortable(_ path: rk_blake3_path, seed: UInt64) {
        var random = SeededRandom(seed)
        let data = random.bytes(600 << 10)
        for round in 0..<40 {
            let key = random.bytes(32)
            let start = Int.random(in: 0..<64, using: &random)
            let limit = round % 4 == 0 ? data.count - start : 20 << 10
            let input = data[start..<start + Int.random(in: 0...limit, using: &random)]
            let expected = hash(RK_BLAKE3_PORTABLE, key: key, input)
            #expect(
                hash(path, key: key, input) == expected,
                "seed \(seed), \(input.count) bytes from \(start)"
            )
        }
    }

    /// Input that ends where the readable memory ends: one byte too far is a crash.
    private func checkBounds(_ path: rk_blake3_path) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let capacity = 40 << 10
        guard
            let memory = mmap(
                nil,
                capacity + page,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS,
                -1,
                0
            ),
            memory != MAP_FAILED, mprotect(memory + capacity, page, PROT_NONE) == 0
        else {
            Issue.record("no guarded memory")
            return
        }
        defer { munmap(memory, capacity + page) }
        let pattern = Self.pattern(capacity)
        for byteCount in [1, 63, 64, 65, 1023, 1024, 1025, 3072, 5121, 9216, 16384, 17409, capacity] {
            let input = UnsafeMutableRawBufferPointer(start: memory + capacity - byteCount, count: byteCount)
            input.copyBytes(from: pattern[..<byteCount])
            #expect(
                hash(path, UnsafeRawBufferPointer(input)) == hash(RK_BLAKE3_PORTABLE, pattern[..<byteCount]),
                "\(byteCount) bytes"
            )
        }
    }

    private static func pattern(_ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8($0 % 251) }
    }

    private func hash(
        _ path: rk_blake3_path,
        key: [UInt8] = BLAKE3Vectors.key,
        _ input: ArraySlice<UInt8>
    ) -> String {
        input.withUnsafeBytes { hash(path, key: key, $0) }
    }

    private func hash(
        _ path: rk_blake3_path,
        key: [UInt8] = BLAKE3Vectors.key,
        _ input: UnsafeRawBufferPointer
    ) -> String {
        var result = [UInt8](repeating: 0, count: 32)
        rk_blake3_keyed(path, key, input.baseAddress, input.count, &result)
        return Hexadecimal.encode(result).lowercased()
    }
}

private func isAvailable(_ path: rk_blake3_path) -> Bool {
    rk_blake3_available(path) != 0
}
