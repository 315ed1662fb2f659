#include "rk_blake3_node.h"

#define WORDS uint32_t
#define NAMED(name) name
#define INLINE static inline __attribute__((always_inline))
#include "rk_blake3_rounds.h"

void
rk_blake3_compress(uint32_t cv[CV_WORDS], const uint8_t block[BLOCK_BYTES], uint32_t length, uint64_t counter,
    uint32_t flags)
{
	uint32_t m[16];
	uint32_t v[16] = {
		cv[0], cv[1], cv[2], cv[3], cv[4], cv[5], cv[6], cv[7],
		IV0, IV1, IV2, IV3, (uint32_t)counter, (uint32_t)(counter >> 32), length, flags,
	};

	__builtin_memcpy(m, block, sizeof(m));
	rounds(v, m);
	for (int i = 0; i < CV_WORDS; i++)
		cv[i] = v[i] ^ v[i + CV_WORDS];
}
