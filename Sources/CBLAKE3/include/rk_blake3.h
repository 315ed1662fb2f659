#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

#define RK_BLAKE3_KEY_BYTES 32
#define RK_BLAKE3_HASH_BYTES 32

/* How the hash is computed.  RK_BLAKE3_BEST is the fastest path that this machine can run. */
enum rk_blake3_path {
	RK_BLAKE3_BEST = 0,
	RK_BLAKE3_PORTABLE = 1,
	RK_BLAKE3_SSE41 = 2,
	RK_BLAKE3_AVX2 = 3,
	RK_BLAKE3_AVX512 = 4,
	RK_BLAKE3_NEON = 5,
};

/*
 * rk_blake3_available(path):
 * Return non-zero when processor and kernel of this machine can run ${path}.
 */
int rk_blake3_available(enum rk_blake3_path path);

/*
 * rk_blake3_best():
 * Return the path that RK_BLAKE3_BEST stands for on this machine.
 */
enum rk_blake3_path rk_blake3_best(void);

/*
 * rk_blake3_keyed(path, key, bytes, length, hash):
 * Write the keyed BLAKE3 hash of the ${length} bytes at ${bytes} to ${hash}.  ${path} must be available.
 * Has no state; may run on any number of threads.  ${bytes} may be NULL when ${length} is 0.
 */
void rk_blake3_keyed(enum rk_blake3_path path, const uint8_t key[_Nonnull RK_BLAKE3_KEY_BYTES],
    const void *_Nullable bytes, size_t length, uint8_t hash[_Nonnull RK_BLAKE3_HASH_BYTES]);

#pragma clang assume_nonnull end
