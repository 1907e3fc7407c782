/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: addresses and prefixes. Layer: proto (pure).
 */
#include "proto/addr.h"

#include "base/assert.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

struct addr addr_v4(const uint8_t octets[static 4])
{
	struct addr a = {.family = 4};

	memcpy(a.octets, octets, 4);
	return a;
}

struct addr addr_v6(const uint8_t octets[static 16])
{
	struct addr a = {.family = 6};

	memcpy(a.octets, octets, 16);
	return a;
}

#ifdef __SSE2__
#define V4_TEXT_MIN 7
#define V4_TEXT_MAX 15

/* The number of `n` digits in front of `end`, where three octets can be read. @return Over 255 for
 * what is none: too many digits, none at all, or zeros in front. */
static unsigned number_before(const char *end, unsigned n)
{
	unsigned ones = (unsigned)(end[-1] - '0');
	unsigned tens = (unsigned)(end[-2] - '0') * (n > 1);
	unsigned hundreds = (unsigned)(end[-3] - '0') * (n > 2);
	bool is_odd = n - 1 > 2 || (n == 2 && tens == 0) || (n == 3 && hundreds == 0);

	return is_odd ? 256 : hundreds * 100 + tens * 10 + ones;
}

/* "192.0.2.1", each number without leading zeros, as inet_pton wants it; by hand, because a log has
 * one in every few lines. How many digits a number has can't be foretold: no branch depends on it.
 */
static bool parse_v4(struct str text, uint8_t ret[static 4])
{
	char padded[3 + 16] = {0};
	char *p = padded + 3;
	unsigned len = (unsigned)text.len;
	unsigned at = 0;
	unsigned wrong = 0;

	if (text.len < V4_TEXT_MIN || text.len > V4_TEXT_MAX) {
		return false;
	}
	if (text.len < 8) {
		memcpy(p, text.ptr, 4);
		memcpy(p + len - 4, text.ptr + len - 4, 4);
	} else {
		memcpy(p, text.ptr, 8);
		memcpy(p + len - 8, text.ptr + len - 8, 8);
	}

	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i off = _mm_sub_epi8(v, _mm_set1_epi8('0'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8(9)), off);
	unsigned digits = (unsigned)_mm_movemask_epi8(is_digit);
	unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('.')));
	unsigned third = dots & (dots - 1);
	third &= third - 1;
	if ((digits | dots) != (1U << len) - 1 || third == 0 || (third & (third - 1)) != 0) {
		return false;
	}
	dots |= 1U << len; /* as if one more followed */
	for (int i = 0; i < 4; i++) {
		unsigned end = (unsigned)__builtin_ctz(dots);
		unsigned number = number_before(p + end, end - at);
		wrong |= number > 255;
		ret[i] = (uint8_t)number;
		dots &= dots - 1;
		at = end + 1;
	}
	return wrong == 0;
}
#else
/* "192.0.2.1", each number without leading zeros, as inet_pton wants it. */
static bool parse_v4(struct str text, uint8_t ret[static 4])
{
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		size_t begin = at;
		unsigned n = 0;
		while (at < text.len && at < begin + 3 && char_is_digit(text.ptr[at])) {
			n = n * 10 + (unsigned)(text.ptr[at++] - '0');
		}
		bool is_padded = at > begin + 1 && text.ptr[begin] == '0';
		bool ends = i < 3 ? at < text.len && text.ptr[at] == '.' : at == text.len;
		if (at == begin || is_padded || n > 255 || !ends) {
			return false;
		}
		ret[i] = (uint8_t)n;
		at++;
	}
	return true;
}
#endif

int addr_parse(struct str text, struct addr *ret)
{
	char cstr[INET6_ADDRSTRLEN];
	struct addr a = {0};

	if (text.len > 0 && char_is_digit(text.ptr[0]) && parse_v4(text, a.octets)) {
		a.family = 4;
		*ret = a;
		return 0;
	}
	if (!str_copy(cstr, sizeof(cstr), text) || str_find_char(text, '\0') < text.len) {
		return -EINVAL;
	}
	a = (struct addr){.family = 6};
	if (inet_pton(AF_INET6, cstr, a.octets) != 1) {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

char *addr_format(const struct addr *a, char ret_text[static ADDR_TEXT_SIZE])
{
	ret_text[0] = '\0';
	if (a->family != 0) {
		inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->octets, ret_text, ADDR_TEXT_SIZE);
	}
	return ret_text;
}

bool addr_is_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

size_t addr_len(const struct addr *a)
{
	return a->family == 6 ? 16 : (a->family == 4 ? 4 : 0);
}

unsigned addr_bits(const struct addr *a)
{
	return (unsigned)addr_len(a) * 8;
}

struct prefix prefix_of(const struct addr *a, unsigned len)
{
	ASSERT(len <= addr_bits(a));
	struct prefix p = {.addr = *a, .len = (uint8_t)len};

	for (unsigned i = 0; i < sizeof(p.addr.octets); i++) {
		unsigned first_bit = i * 8;
		if (first_bit >= len) {
			p.addr.octets[i] = 0;
		} else if (len - first_bit < 8) {
			p.addr.octets[i] &= (uint8_t)(0xFF00U >> (len - first_bit));
		}
	}
	return p;
}

int prefix_parse(struct str text, struct prefix *ret)
{
	size_t slash = str_find_char(text, '/');
	struct addr a;
	uint64_t len;

	int r = addr_parse(str_head(text, slash), &a);
	if (r < 0) {
		return r;
	}
	len = addr_bits(&a);
	if (slash < text.len && num_parse_u64(str_skip(text, slash + 1), len, &len) < 0) {
		return -EINVAL;
	}
	struct prefix p = prefix_of(&a, (unsigned)len);
	if (!addr_is_equal(&p.addr, &a)) {
		return -EDOM;
	}
	*ret = p;
	return 0;
}

char *prefix_format(const struct prefix *p, char ret_text[static ADDR_TEXT_SIZE])
{
	addr_format(&p->addr, ret_text);
	if (p->len < addr_bits(&p->addr)) {
		size_t n = strlen(ret_text);
		snprintf(ret_text + n, ADDR_TEXT_SIZE - n, "/%u", (unsigned)p->len);
	}
	return ret_text;
}

bool prefix_has_addr(const struct prefix *p, const struct addr *a)
{
	if (p->addr.family != a->family) {
		return false;
	}
	struct prefix other = prefix_of(a, p->len);
	return addr_is_equal(&other.addr, &p->addr);
}

bool prefix_has_prefix(const struct prefix *outer, const struct prefix *inner)
{
	return inner->len >= outer->len && prefix_has_addr(outer, &inner->addr);
}

bool prefix_is_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_is_equal(&a->addr, &b->addr);
}
