/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32: by tables, eight octets at once, or by folding. Layer: base.
 *
 * Source of the folding and its constants: Gopal and others, "Fast CRC computation for generic
 * polynomials using PCLMULQDQ instruction" (Intel, 2009). Folding leaves sixteen octets that have
 * the same remainder as all before them; the tables finish those, so no second reduction is needed.
 */
#include "base/crc32.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/poison.h"

#define POLYNOMIAL UINT32_C(0xEDB88320)
#define FOLD_MIN 64

void crc32_init(struct crc32 *c)
{
#ifdef __x86_64__
	c->has_clmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#else
	c->has_clmul = false;
#endif
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;
		for (int bit = 0; bit < 8; bit++) {
			v = v >> 1 ^ ((v & 1) != 0 ? POLYNOMIAL : 0);
		}
		c->tables[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int t = 1; t < 8; t++) {
			uint32_t v = c->tables[t - 1][i];
			c->tables[t][i] = v >> 8 ^ c->tables[0][v & 0xFF];
		}
	}
}

/* The raw remainder, without the inversions at both ends. */
static uint32_t by_tables(const struct crc32 *c, uint32_t crc, const unsigned char *p, size_t len)
{
	for (; len >= 8; len -= 8, p += 8) {
		uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
				      (uint32_t)p[3] << 24);
		crc = c->tables[7][low & 0xFF] ^ c->tables[6][low >> 8 & 0xFF] ^
		      c->tables[5][low >> 16 & 0xFF] ^ c->tables[4][low >> 24] ^
		      c->tables[3][p[4]] ^ c->tables[2][p[5]] ^ c->tables[1][p[6]] ^
		      c->tables[0][p[7]];
	}
	for (; len > 0; len--, p++) {
		crc = crc >> 8 ^ c->tables[0][(crc ^ *p) & 0xFF];
	}
	return crc;
}

#ifdef __x86_64__
#define WITH_CLMUL __attribute__((target("pclmul,sse4.1")))

WITH_CLMUL static __m128i fold(__m128i x, __m128i k, __m128i next)
{
	__m128i low = _mm_clmulepi64_si128(x, k, 0x00);
	__m128i high = _mm_clmulepi64_si128(x, k, 0x11);

	return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

WITH_CLMUL static __m128i load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

WITH_CLMUL static uint32_t by_folding(const struct crc32 *sums, uint32_t crc,
				      const unsigned char *p, size_t len)
{
	const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
	const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
	unsigned char left[16];
	/* Four by name: an array of them would live in memory. */
	__m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128((int)crc));
	__m128i b = load(p + 16);
	__m128i c = load(p + 32);
	__m128i d = load(p + 48);

	for (p += 64, len -= 64; len >= 64; p += 64, len -= 64) {
		a = fold(a, by_64, load(p));
		b = fold(b, by_64, load(p + 16));
		c = fold(c, by_64, load(p + 32));
		d = fold(d, by_64, load(p + 48));
	}
	d = fold(fold(fold(a, by_16, b), by_16, c), by_16, d);
	for (; len >= 16; p += 16, len -= 16) {
		d = fold(d, by_16, load(p));
	}
	_mm_storeu_si128((__m128i *)(void *)left, d);
	return by_tables(sums, by_tables(sums, 0, left, sizeof(left)), p, len);
}
#endif

uint32_t crc32_add(const struct crc32 *c, uint32_t crc, struct str octets)
{
	const unsigned char *p = (const unsigned char *)octets.ptr;

#ifdef __x86_64__
	if (c->has_clmul && octets.len >= FOLD_MIN) {
		return ~by_folding(c, ~crc, p, octets.len);
	}
#endif
	return ~by_tables(c, ~crc, p, octets.len);
}
