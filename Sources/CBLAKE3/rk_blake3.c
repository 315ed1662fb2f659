#include "rk_blake3.h"

#include <stdatomic.h>

#include "rk_blake3_node.h"

/*
 * The tree is computed in tiles, full subtrees that fit the first cache: all leaves of a tile, then its parents level
 * by level, so that every level but the last few keeps all lanes busy.  The values of finished tiles wait on a stack
 * for their neighbours, one for each size of subtree.
 */
#define TILE_CHUNKS 256
#define TILE_BYTES ((size_t)TILE_CHUNKS * CHUNK_BYTES)
#define STACK_DEPTH 64

int
rk_blake3_available(enum rk_blake3_path path)
{

	switch (path) {
	case RK_BLAKE3_BEST:
	case RK_BLAKE3_PORTABLE:
		return (1);
#if defined(__x86_64__)
	/* These ask for the registers' state being saved by the kernel as well. */
	case RK_BLAKE3_SSE41:
		return (__builtin_cpu_supports("sse4.1") != 0);
	case RK_BLAKE3_AVX2:
		return (__builtin_cpu_supports("avx2") != 0);
	case RK_BLAKE3_AVX512:
		return (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx2") != 0);
#elif defined(__aarch64__)
	case RK_BLAKE3_NEON:
		return (1);
#endif
	default:
		return (0);
	}
}

enum rk_blake3_path
rk_blake3_best(void)
{
	static const enum rk_blake3_path fastest_first[] = {
		RK_BLAKE3_AVX512, RK_BLAKE3_AVX2, RK_BLAKE3_SSE41, RK_BLAKE3_NEON, RK_BLAKE3_PORTABLE,
	};
	/* Every thread that finds 0 finds the same answer, so it does not matter whose store comes last. */
	static atomic_int known;
	int best = atomic_load_explicit(&known, memory_order_relaxed);

	for (size_t i = 0; best == RK_BLAKE3_BEST; i++)
		if (rk_blake3_available(fastest_first[i]))
			best = fastest_first[i];
	atomic_store_explicit(&known, best, memory_order_relaxed);
	return ((enum rk_blake3_path)best);
}

/* Compute one leaf of 0 to 1024 bytes; ${root} is ROOT when it is the whole input. */
static void
leaf(const uint32_t key[CV_WORDS], const uint8_t *bytes, size_t length, uint64_t counter, uint32_t root,
    uint32_t cv[CV_WORDS])
{
	uint8_t last[BLOCK_BYTES] = {0};
	uint32_t flags = KEYED_HASH | CHUNK_START;

	__builtin_memcpy(cv, key, CV_BYTES);
	for (; length > BLOCK_BYTES; bytes += BLOCK_BYTES, length -= BLOCK_BYTES) {
		rk_blake3_compress(cv, bytes, BLOCK_BYTES, counter, flags);
		flags = KEYED_HASH;
	}
	if (length > 0)
		__builtin_memcpy(last, bytes, length);
	rk_blake3_compress(cv, last, (uint32_t)length, counter, flags | CHUNK_END | root);
}

/* Compute the parent of the two values at ${children}; ${root} is ROOT for the top of the tree. */
static void
parent(const uint32_t key[CV_WORDS], const uint32_t children[2][CV_WORDS], uint32_t root, uint32_t cv[CV_WORDS])
{
	uint8_t block[BLOCK_BYTES];

	__builtin_memcpy(block, children, sizeof(block));
	__builtin_memcpy(cv, key, CV_BYTES);
	rk_blake3_compress(cv, block, BLOCK_BYTES, 0, KEYED_HASH | PARENT | root);
}

/* Return the kernel of ${path} that suits ${count} nodes best, and its number of lanes; NULL for one by one. */
static rk_blake3_lanes *
kernel(enum rk_blake3_path path, size_t count, size_t *lanes)
{

	(void)path;
	(void)count;
#if defined(__x86_64__)
	if (path >= RK_BLAKE3_AVX512 && count > 8) {
		*lanes = 16;
		return (rk_blake3_lanes16_avx512);
	}
	if (path >= RK_BLAKE3_AVX2 && count > 4) {
		*lanes = 8;
		return (rk_blake3_lanes8_avx2);
	}
	if (path >= RK_BLAKE3_SSE41 && count > 1) {
		*lanes = 4;
		return (rk_blake3_lanes4_sse41);
	}
#elif defined(__aarch64__)
	if (path == RK_BLAKE3_NEON && count > 1) {
		*lanes = 4;
		return (rk_blake3_lanes4_neon);
	}
#endif
	*lanes = 1;
	return (NULL);
}

/* Compute ${count} whole nodes, which lie one behind the other at ${bytes}; ${cvs} may start there. */
static void
nodes(enum rk_blake3_path path, enum node node, const uint32_t key[CV_WORDS], const uint8_t *bytes, size_t count,
    uint64_t counter, uint32_t (*cvs)[CV_WORDS])
{
	const size_t node_bytes = (node == LEAF_NODE) ? CHUNK_BYTES : BLOCK_BYTES;

	while (count > 0) {
		size_t lanes;
		rk_blake3_lanes *const compute = kernel(path, count, &lanes);
		const size_t n = (count < lanes) ? count : lanes;

		if (compute != NULL)
			compute(node, key, bytes, n, counter, cvs);
		else if (node == LEAF_NODE)
			leaf(key, bytes, CHUNK_BYTES, counter, 0, *cvs);
		else
			parent(key, (const uint32_t (*)[CV_WORDS])bytes, 0, *cvs);

		bytes += n * node_bytes;
		counter += n;
		cvs += n;
		count -= n;
	}
}

/*
 * Compute the subtree over up to TILE_BYTES at ${bytes}, upwards until at most ${limit} values are left, 1 or 2.
 * Pairing neighbours on each level, and lifting the odd one, gives the tree of the specification.
 */
static void
tile(enum rk_blake3_path path, const uint32_t key[CV_WORDS], const uint8_t *bytes, size_t length, uint64_t counter,
    size_t limit, uint32_t (*top)[CV_WORDS])
{
	uint32_t cvs[TILE_CHUNKS][CV_WORDS];
	const size_t full = length / CHUNK_BYTES;
	size_t count = full;

	nodes(path, LEAF_NODE, key, bytes, full, counter, cvs);
	if (length % CHUNK_BYTES != 0) {
		leaf(key, bytes + full * CHUNK_BYTES, length % CHUNK_BYTES, counter + full, 0, cvs[full]);
		count++;
	}

	while (count > limit) {
		const size_t pairs = count / 2;

		nodes(path, PARENT_NODE, key, (const uint8_t *)cvs, pairs, 0, cvs);
		if (count % 2 != 0)
			__builtin_memmove(cvs[pairs], cvs[count - 1], CV_BYTES);
		count = pairs + count % 2;
	}
	__builtin_memcpy(top, cvs, count * CV_BYTES);
}

void
rk_blake3_keyed(enum rk_blake3_path path, const uint8_t key[RK_BLAKE3_KEY_BYTES], const void *data, size_t length,
    uint8_t hash[RK_BLAKE3_HASH_BYTES])
{
	const uint8_t *bytes = data;
	uint32_t words[CV_WORDS], cv[CV_WORDS], stack[STACK_DEPTH][CV_WORDS];
	size_t depth = 0;
	uint64_t tiles = 0;

	__builtin_memcpy(words, key, sizeof(words));
	if (path == RK_BLAKE3_BEST)
		path = rk_blake3_best();

	/* Something follows each of these tiles, so neither they nor their parents are the root. */
	for (; length > TILE_BYTES; bytes += TILE_BYTES, length -= TILE_BYTES) {
		tile(path, words, bytes, TILE_BYTES, tiles * TILE_CHUNKS, 1, &stack[depth++]);
		tiles++;
		for (uint64_t half = tiles; half % 2 == 0; half /= 2) {
			depth--;
			parent(words, (const uint32_t (*)[CV_WORDS])&stack[depth - 1], 0, stack[depth - 1]);
		}
	}

	if (depth > 0) {
		tile(path, words, bytes, length, tiles * TILE_CHUNKS, 1, &stack[depth]);
		for (; depth > 0; depth--)
			parent(words, (const uint32_t (*)[CV_WORDS])&stack[depth - 1], (depth == 1) ? ROOT : 0,
			    stack[depth - 1]);
		__builtin_memcpy(cv, stack[0], CV_BYTES);
	} else if (length > CHUNK_BYTES) {
		tile(path, words, bytes, length, 0, 2, stack);
		parent(words, (const uint32_t (*)[CV_WORDS])stack, ROOT, cv);
	} else {
		leaf(words, bytes, length, 0, ROOT, cv);
	}

	__builtin_memcpy(hash, cv, sizeof(cv));
}
