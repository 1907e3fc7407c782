/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_marks: names that end in "=", many at once. Layer: proto (pure).
 */
#include "proto/log_marks.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/poison.h"

/* Marks that one step may find: a step looks at no more than 64 octets. */
#define STEP_MAX 64

/* Does a name that matters end before this offset? */
static bool is_mark(struct str text, size_t at, enum log_marks_set set)
{
	char last = at > 0 ? text.ptr[at - 1] : '\0';
	char before = at > 1 ? text.ptr[at - 2] : '\0';

	return last == '<' || last == '*' || (last == 'd' && before == 'i') ||
	       (last == 't' && before == 'n') ||
	       (last == 'm' && before == 'o' && set == LOG_MARKS_WITH_FROM);
}

static size_t marks_from(struct str text, size_t at, enum log_marks_set set, uint32_t *marks,
			 size_t max)
{
	size_t count = 0;

	while (at < text.len && count < max) {
		const char *eq = memchr(text.ptr + at, '=', text.len - at);
		if (eq == NULL) {
			break;
		}
		at = (size_t)(eq - text.ptr);
		if (is_mark(text, at, set)) {
			marks[count++] = (uint32_t)at;
		}
		at++;
	}
	return count;
}

static size_t marks_plain(struct str text, size_t from, enum log_marks_set set, uint32_t *marks,
			  size_t max)
{
	return marks_from(text, from, set, marks, max);
}

#ifdef __x86_64__
static size_t put(uint64_t mask, size_t at, uint32_t *marks)
{
	size_t count = 0;

	while (mask != 0) {
		marks[count++] = (uint32_t)(at + (size_t)__builtin_ctzll(mask));
		mask &= mask - 1;
	}
	return count;
}

static unsigned marks_16(const char *p, __m128i m)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i last = _mm_loadu_si128((const __m128i *)(const void *)(p - 1));
	__m128i before = _mm_loadu_si128((const __m128i *)(const void *)(p - 2));
	__m128i id = _mm_and_si128(_mm_cmpeq_epi8(last, _mm_set1_epi8('d')),
				   _mm_cmpeq_epi8(before, _mm_set1_epi8('i')));
	__m128i nt = _mm_and_si128(_mm_cmpeq_epi8(last, _mm_set1_epi8('t')),
				   _mm_cmpeq_epi8(before, _mm_set1_epi8('n')));
	__m128i om = _mm_and_si128(_mm_cmpeq_epi8(last, m),
				   _mm_cmpeq_epi8(before, _mm_set1_epi8('o')));
	__m128i sign = _mm_or_si128(_mm_cmpeq_epi8(last, _mm_set1_epi8('<')),
				    _mm_cmpeq_epi8(last, _mm_set1_epi8('*')));
	__m128i any = _mm_or_si128(_mm_or_si128(id, nt), _mm_or_si128(om, sign));

	return (unsigned)_mm_movemask_epi8(
		_mm_and_si128(any, _mm_cmpeq_epi8(v, _mm_set1_epi8('='))));
}

/* Steps over whole vectors; what is left is less than one, or there is no room for another. */
static size_t marks_sse2(struct str text, size_t from, enum log_marks_set set, uint32_t *marks,
			 size_t max)
{
	const __m128i m = _mm_set1_epi8(set == LOG_MARKS_WITH_FROM ? 'm' : '<');
	size_t at = from > 2 ? from : 2; /* two octets stand before */
	size_t count = from > 2 ? 0 : marks_from(str_head(text, 2), from, set, marks, max);

	for (; at + 16 <= text.len && count + STEP_MAX <= max; at += 16) {
		count += put(marks_16(text.ptr + at, m), at, marks + count);
	}
	return count + STEP_MAX <= max
		       ? count + marks_from(text, at, set, marks + count, max - count)
		       : count;
}

__attribute__((target("avx2"))) static uint32_t marks_32(const char *p, __m256i m)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i last = _mm256_loadu_si256((const __m256i *)(const void *)(p - 1));
	__m256i before = _mm256_loadu_si256((const __m256i *)(const void *)(p - 2));
	__m256i id = _mm256_and_si256(_mm256_cmpeq_epi8(last, _mm256_set1_epi8('d')),
				      _mm256_cmpeq_epi8(before, _mm256_set1_epi8('i')));
	__m256i nt = _mm256_and_si256(_mm256_cmpeq_epi8(last, _mm256_set1_epi8('t')),
				      _mm256_cmpeq_epi8(before, _mm256_set1_epi8('n')));
	__m256i om = _mm256_and_si256(_mm256_cmpeq_epi8(last, m),
				      _mm256_cmpeq_epi8(before, _mm256_set1_epi8('o')));
	__m256i sign = _mm256_or_si256(_mm256_cmpeq_epi8(last, _mm256_set1_epi8('<')),
				       _mm256_cmpeq_epi8(last, _mm256_set1_epi8('*')));
	__m256i any = _mm256_or_si256(_mm256_or_si256(id, nt), _mm256_or_si256(om, sign));

	return (uint32_t)_mm256_movemask_epi8(
		_mm256_and_si256(any, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('='))));
}

__attribute__((target("avx2"))) static size_t
marks_avx2(struct str text, size_t from, enum log_marks_set set, uint32_t *marks, size_t max)
{
	const __m256i m = _mm256_set1_epi8(set == LOG_MARKS_WITH_FROM ? 'm' : '<');
	size_t at = from > 2 ? from : 2;
	size_t count = from > 2 ? 0 : marks_from(str_head(text, 2), from, set, marks, max);

	for (; at + 64 <= text.len && count + STEP_MAX <= max; at += 64) {
		uint64_t low = marks_32(text.ptr + at, m);
		uint64_t high = marks_32(text.ptr + at + 32, m);
		count += put(low | high << 32, at, marks + count);
	}
	return count + STEP_MAX <= max
		       ? count + marks_from(text, at, set, marks + count, max - count)
		       : count;
}
#endif

log_marks_fn *log_marks_of(enum log_marks_way way)
{
	switch (way) {
	case LOG_MARKS_PLAIN:
		return marks_plain;
#ifdef __x86_64__
	case LOG_MARKS_SSE2:
		return marks_sse2;
	case LOG_MARKS_AVX2:
		return __builtin_cpu_supports("avx2") ? marks_avx2 : NULL;
#else
	case LOG_MARKS_SSE2:
	case LOG_MARKS_AVX2:
		break;
#endif
	case LOG_MARKS_COUNT:
		break;
	}
	return NULL;
}

log_marks_fn *log_marks_best(void)
{
	for (unsigned way = LOG_MARKS_COUNT; way > 0; way--) {
		log_marks_fn *fn = log_marks_of((enum log_marks_way)(way - 1));
		if (fn != NULL) {
			return fn;
		}
	}
	return marks_plain;
}
