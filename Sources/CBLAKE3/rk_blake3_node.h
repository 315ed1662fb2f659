#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What the files of this folder share: the nodes of the hash tree and the functions that compute them.
 *
 * Source of all numbers: "BLAKE3: one function, fast everywhere", section 2.
 */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they are stored");

#define CV_WORDS 8
#define CV_BYTES 32
#define BLOCK_BYTES 64
#define CHUNK_BYTES 1024
#define CHUNK_BLOCKS (CHUNK_BYTES / BLOCK_BYTES)
#define ROUNDS 7

enum flag {
	CHUNK_START = 1 << 0,
	CHUNK_END = 1 << 1,
	PARENT = 1 << 2,
	ROOT = 1 << 3,
	KEYED_HASH = 1 << 4,
};

/* The two sorts of nodes.  A leaf is 16 blocks of input; a parent is one block, the values of its children. */
enum node {
	LEAF_NODE,
	PARENT_NODE,
};

/* The first four initial values; a keyed hash has the key in place of the others. */
#define IV0 0x6a09e667u
#define IV1 0xbb67ae85u
#define IV2 0x3c6ef372u
#define IV3 0xa54ff53au

/* Which message words each round takes: the permutation of the specification, applied once per round. */
static const uint8_t schedule[ROUNDS][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
	{3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
	{10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
	{12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
	{9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
	{11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

/*
 * rk_blake3_compress(cv, block, length, counter, flags):
 * Replace the chaining value ${cv} by its compression with the 64 bytes at ${block}, of which ${length} are input.
 */
void rk_blake3_compress(uint32_t cv[CV_WORDS], const uint8_t block[BLOCK_BYTES], uint32_t length, uint64_t counter,
    uint32_t flags);

/*
 * A lanes function computes up to as many nodes as it has lanes, all at the cost of one:
 * ${count} nodes of the sort ${node} lie one behind the other at ${bytes}; the first leaf has the number ${counter};
 * their values go to ${cvs}, which may overlap ${bytes} when it starts there.
 */
typedef void rk_blake3_lanes(enum node node, const uint32_t key[CV_WORDS], const uint8_t *bytes, size_t count,
    uint64_t counter, uint32_t (*cvs)[CV_WORDS]);

#if defined(__x86_64__)
rk_blake3_lanes rk_blake3_lanes4_sse41;
rk_blake3_lanes rk_blake3_lanes8_avx2;
rk_blake3_lanes rk_blake3_lanes16_avx512;
#elif defined(__aarch64__)
rk_blake3_lanes rk_blake3_lanes4_neon;
#endif
