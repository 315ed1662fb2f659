/*
 * The seven rounds, included once per type with these defined:
 *
 * WORDS        the type of a state word: uint32_t, or a vector with the same word of several nodes
 * NAMED(name)  a name of this inclusion's own
 * INLINE       how to declare a function that is always inlined
 */

INLINE WORDS
NAMED(rotate)(WORDS words, int bits)
{

	return ((words >> bits) | (words << (32 - bits)));
}

/*
 * Mix the four columns of the state, or with ${turn} = 1 its four diagonals, with the message words ${order} names.
 * The four go step by step side by side: a step does not wait for the one before it.
 */
INLINE void
NAMED(mix)(WORDS v[16], const WORDS m[16], const uint8_t order[8], int turn)
{
	WORDS *const a = v, *const b = v + 4, *const c = v + 8, *const d = v + 12;

#pragma clang loop unroll(full)
	for (int half = 0; half < 2; half++) {
		for (int i = 0; i < 4; i++)
			a[i] += m[order[2 * i + half]];
		for (int i = 0; i < 4; i++)
			a[i] += b[(i + turn) % 4];
		for (int i = 0; i < 4; i++)
			d[(i + 3 * turn) % 4] ^= a[i];
		for (int i = 0; i < 4; i++)
			d[i] = NAMED(rotate)(d[i], half ? 8 : 16);
		for (int i = 0; i < 4; i++)
			c[(i + 2 * turn) % 4] += d[(i + 3 * turn) % 4];
		for (int i = 0; i < 4; i++)
			b[(i + turn) % 4] ^= c[(i + 2 * turn) % 4];
		for (int i = 0; i < 4; i++)
			b[i] = NAMED(rotate)(b[i], half ? 7 : 12);
	}
}

/* Take the state ${v} through all rounds with the message ${m}. */
INLINE void
NAMED(rounds)(WORDS v[16], const WORDS m[16])
{

#pragma clang loop unroll(full)
	for (int round = 0; round < ROUNDS; round++) {
		NAMED(mix)(v, m, schedule[round], 0);
		NAMED(mix)(v, m, schedule[round] + 8, 1);
	}
}
