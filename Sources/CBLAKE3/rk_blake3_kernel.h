/*
 * One kernel, included once per width with these defined:
 *
 * KERNEL       the name of the lanes function
 * NAMED(name)  a name of this inclusion's own
 * LANES        how many nodes are computed at once: 4, 8 or 16
 * TARGET       the attribute that allows the instructions
 *
 * Vector i of the state holds word i of every node, so all nodes go through the rounds together.  The input has the
 * other order, node by node, and is turned as it is loaded.
 */

#define WORDS NAMED(words)
#define INLINE static inline __attribute__((always_inline, TARGET))
#define SHUFFLE __builtin_shufflevector

typedef uint32_t WORDS __attribute__((vector_size(LANES * 4)));

/* Pairs of words of ${a} and ${b}, taken from the lower or upper half of each 16 bytes. */
#if LANES == 4
#define LOW_WORDS(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define HIGH_WORDS(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 4, 5)
#define HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 6, 7)
#elif LANES == 8
#define LOW_WORDS(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_WORDS(a, b) SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALVES(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#elif LANES == 16
#define LOW_WORDS(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH_WORDS(a, b) SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define EVEN_QUARTERS(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD_QUARTERS(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#endif

/* Turn the square of LANES vectors at ${m}: word j of vector i becomes word i of vector j. */
INLINE void
NAMED(turn)(WORDS m[LANES])
{
	WORDS t[LANES];

	/* Turn every square of 4 x 4 words in its place. */
	for (int i = 0; i < LANES; i += 4) {
		WORDS low01 = LOW_WORDS(m[i], m[i + 1]);
		WORDS high01 = HIGH_WORDS(m[i], m[i + 1]);
		WORDS low23 = LOW_WORDS(m[i + 2], m[i + 3]);
		WORDS high23 = HIGH_WORDS(m[i + 2], m[i + 3]);

		t[i] = LOW_PAIRS(low01, low23);
		t[i + 1] = HIGH_PAIRS(low01, low23);
		t[i + 2] = LOW_PAIRS(high01, high23);
		t[i + 3] = HIGH_PAIRS(high01, high23);
	}

	/* Turn the square of these squares. */
	for (int i = 0; i < 4; i++) {
#if LANES == 4
		m[i] = t[i];
#elif LANES == 8
		m[i] = LOW_HALVES(t[i], t[i + 4]);
		m[i + 4] = HIGH_HALVES(t[i], t[i + 4]);
#elif LANES == 16
		WORDS even01 = EVEN_QUARTERS(t[i], t[i + 4]);
		WORDS odd01 = ODD_QUARTERS(t[i], t[i + 4]);
		WORDS even23 = EVEN_QUARTERS(t[i + 8], t[i + 12]);
		WORDS odd23 = ODD_QUARTERS(t[i + 8], t[i + 12]);

		m[i] = EVEN_QUARTERS(even01, even23);
		m[i + 4] = EVEN_QUARTERS(odd01, odd23);
		m[i + 8] = ODD_QUARTERS(even01, even23);
		m[i + 12] = ODD_QUARTERS(odd01, odd23);
#endif
	}
}

#include "rk_blake3_rounds.h"

__attribute__((TARGET)) void
KERNEL(enum node node, const uint32_t key[CV_WORDS], const uint8_t *bytes, size_t count, uint64_t counter,
    uint32_t (*cvs)[CV_WORDS])
{
	const size_t blocks = (node == LEAF_NODE) ? CHUNK_BLOCKS : 1;
	const WORDS none = {0};
	const uint8_t *input[LANES];
	uint32_t words[CV_WORDS][LANES];
	WORDS h[CV_WORDS], counter_low = none, counter_high = none;

	/* Lanes beyond ${count} repeat the last node: they must read something that is there. */
	for (size_t lane = 0; lane < LANES; lane++) {
		const size_t i = (lane < count) ? lane : count - 1;
		const uint64_t number = (node == LEAF_NODE) ? counter + i : 0;

		input[lane] = bytes + i * blocks * BLOCK_BYTES;
		counter_low[lane] = (uint32_t)number;
		counter_high[lane] = (uint32_t)(number >> 32);
	}

	for (int i = 0; i < CV_WORDS; i++)
		h[i] = none + key[i];

	for (size_t block = 0; block < blocks; block++) {
		uint32_t flags = KEYED_HASH;
		WORDS m[16];

		if (node == PARENT_NODE)
			flags |= PARENT;
		else if (block == 0)
			flags |= CHUNK_START;
		else if (block == CHUNK_BLOCKS - 1)
			flags |= CHUNK_END;

		/* The lanes read far apart, where the processor does not look ahead by itself: fetch the next leaves. */
		for (int lane = 0; lane < LANES; lane++)
			__builtin_prefetch(input[lane] + block * BLOCK_BYTES + LANES * CHUNK_BYTES, 0, 2);

#pragma clang loop unroll(full)
		for (int first = 0; first < 16; first += LANES) {
#pragma clang loop unroll(full)
			for (int lane = 0; lane < LANES; lane++)
				__builtin_memcpy(&m[first + lane], input[lane] + block * BLOCK_BYTES + first * 4,
				    sizeof(m[0]));
			NAMED(turn)(&m[first]);
		}

		WORDS v[16] = {
			h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7],
			none + IV0, none + IV1, none + IV2, none + IV3,
			counter_low, counter_high, none + BLOCK_BYTES, none + flags,
		};

		NAMED(rounds)(v, m);
		for (int i = 0; i < CV_WORDS; i++)
			h[i] = v[i] ^ v[i + CV_WORDS];
	}

	__builtin_memcpy(words, h, sizeof(words));
	for (size_t lane = 0; lane < count; lane++)
		for (int i = 0; i < CV_WORDS; i++)
			cvs[lane][i] = words[i][lane];
}

#undef EVEN_QUARTERS
#undef ODD_QUARTERS
#undef LOW_HALVES
#undef HIGH_HALVES
#undef LOW_PAIRS
#undef HIGH_PAIRS
#undef LOW_WORDS
#undef HIGH_WORDS
#undef SHUFFLE
#undef INLINE
#undef WORDS
#undef TARGET
#undef LANES
#undef NAMED
#undef KERNEL
