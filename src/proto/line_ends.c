/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_ends: newlines of a block. Layer: proto (pure).
 */
#include "proto/line_ends.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/poison.h"

/* Newlines that one step may find: a step looks at no more than 64 octets. */
#define STEP_MAX 64

static size_t ends_from(struct str text, size_t at, uint32_t *ends, size_t count, size_t max)
{
	while (at < text.len && count < max) {
		const char *lf = memchr(text.ptr + at, '\n', text.len - at);
		if (lf == NULL) {
			break;
		}
		at = (size_t)(lf - text.ptr);
		ends[count++] = (uint32_t)at++;
	}
	return count;
}

static size_t ends_plain(struct str text, uint32_t *ends, size_t max)
{
	return ends_from(text, 0, ends, 0, max);
}

#ifdef __x86_64__
static size_t put(uint64_t mask, size_t at, uint32_t *ends, size_t count)
{
	while (mask != 0) {
		ends[count++] = (uint32_t)(at + (size_t)__builtin_ctzll(mask));
		mask &= mask - 1;
	}
	return count;
}

static size_t ends_sse2(struct str text, uint32_t *ends, size_t max)
{
	const __m128i lf = _mm_set1_epi8('\n');
	size_t count = 0;
	size_t at = 0;

	for (; at + 16 <= text.len && count + STEP_MAX <= max; at += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text.ptr + at));
		count = put((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, lf)), at, ends, count);
	}
	return count + STEP_MAX <= max ? ends_from(text, at, ends, count, max) : count;
}

/* The same without a branch for up to two, as nearly every 64 octets have: what is written beyond
 * the count is written over. */
__attribute__((target("avx2,bmi,popcnt"))) static inline size_t
put_few(uint64_t mask, size_t at, uint32_t *ends, size_t count)
{
	size_t n = (size_t)__builtin_popcountll(mask);
	uint64_t more = mask & (mask - 1);

	ends[count] = (uint32_t)(at + _tzcnt_u64(mask));
	ends[count + 1] = (uint32_t)(at + _tzcnt_u64(more));
	if (n > 2) {
		(void)put(more & (more - 1), at, ends, count + 2);
	}
	return count + n;
}

__attribute__((target("avx2,bmi,popcnt"))) static size_t ends_avx2(struct str text, uint32_t *ends,
								   size_t max)
{
	const __m256i lf = _mm256_set1_epi8('\n');
	size_t count = 0;
	size_t at = 0;

	for (; at + 64 <= text.len && count + STEP_MAX <= max; at += 64) {
		const __m256i *p = (const __m256i *)(const void *)(text.ptr + at);
		__m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256(p), lf);
		__m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256(p + 1), lf);
		uint64_t low = (uint32_t)_mm256_movemask_epi8(a);
		uint64_t high = (uint32_t)_mm256_movemask_epi8(b);
		count = put_few(low | high << 32, at, ends, count);
	}
	return count + STEP_MAX <= max ? ends_from(text, at, ends, count, max) : count;
}
#endif

line_ends_fn *line_ends_of(enum line_ends_way way)
{
	switch (way) {
	case LINE_ENDS_PLAIN:
		return ends_plain;
#ifdef __x86_64__
	case LINE_ENDS_SSE2:
		return ends_sse2;
	case LINE_ENDS_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
				       __builtin_cpu_supports("popcnt")
			       ? ends_avx2
			       : NULL;
#else
	case LINE_ENDS_SSE2:
	case LINE_ENDS_AVX2:
		break;
#endif
	case LINE_ENDS_COUNT:
		break;
	}
	return NULL;
}

line_ends_fn *line_ends_best(void)
{
	for (unsigned way = LINE_ENDS_COUNT; way > 0; way--) {
		line_ends_fn *fn = line_ends_of((enum line_ends_way)(way - 1));
		if (fn != NULL) {
			return fn;
		}
	}
	return ends_plain;
}
