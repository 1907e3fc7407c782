/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charset: one decoder a kind of charset; runs of ASCII are copied eight at a time.
 * Layer: proto (pure).
 */
#include "proto/charset.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "proto/charset_tables.h"

#include <string.h>

#include "base/poison.h"

enum charset_kind {
	CHARSET_UTF8,
	CHARSET_SINGLE,
	CHARSET_DOUBLE,
	CHARSET_SJIS,
	CHARSET_EUC_JP,
	CHARSET_ISO2022_JP,
	CHARSET_UTF16,
	CHARSET_UTF16LE,
	CHARSET_UTF16BE,
	CHARSET_UTF7,
};

struct charset {
	struct str name;
	enum charset_kind kind;
	const uint16_t *table;
	uint8_t lead_first;
	uint8_t lead_last;
	uint8_t trail_first;
	uint8_t trail_last;
};

static const struct charset charsets[] = {CHARSETS};

/* Longest name without its signs. */
#define NAME_MAX_LEN 24

/* ISO-2022-JP's modes. */
enum {
	MODE_ASCII,
	MODE_KANJI,
	MODE_KANA,
};

/* UTF-16 without a mark is big-endian (RFC 2781, 4.3), UTF-7 is out of base64 at first. */
enum {
	MODE_UNSAID,
	MODE_BIG,
	MODE_LITTLE,
	MODE_BASE64,
};

const struct charset *charset_utf8(void)
{
	static const struct charset utf8 = {.name = {"utf8", 4}, .kind = CHARSET_UTF8};

	return &utf8;
}

const struct charset *charset_find(struct str name)
{
	char plain[NAME_MAX_LEN];
	struct str key = {plain, 0};

	for (size_t i = 0; i < name.len && key.len < NAME_MAX_LEN; i++) {
		char c = char_lower(name.ptr[i]);
		if (char_is_alpha(c) || char_is_digit(c)) {
			plain[key.len++] = c;
		}
	}
	if (str_is_equal(key, STR("utf8"))) {
		return charset_utf8();
	}
	for (size_t i = 0; i < COUNT_OF(charsets); i++) {
		if (str_is_equal(key, charsets[i].name)) {
			return &charsets[i];
		}
	}
	return NULL;
}

struct charset_decoder charset_start(const struct charset *charset)
{
	return (struct charset_decoder){.charset = charset};
}

static char *octet_escape(struct charset_decoder *d, uint8_t octet, char *out)
{
	static const char digits[] = "0123456789ABCDEF";

	d->is_broken = true;
	d->has_nul = d->has_nul || octet == 0;
	*out++ = '\\';
	*out++ = 'x';
	*out++ = digits[octet >> 4];
	*out++ = digits[octet & 15];
	return out;
}

/* A code point, or the octets that should have been one. */
static char *point_put(struct charset_decoder *d, uint32_t cp, const uint8_t *octets, size_t n,
		       char *out)
{
	if (cp == 0) {
		for (size_t i = 0; i < n; i++) {
			out = octet_escape(d, octets[i], out);
		}
		return out;
	}
	return out + utf8_write(cp, out);
}

/* Octets at the start that are ASCII and not NUL. */
static size_t ascii_run(const uint8_t *at, size_t n)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	const uint64_t ones = UINT64_C(0x0101010101010101);
	size_t i = 0;
	uint64_t v;

	for (; i + 8 <= n; i += 8) {
		memcpy(&v, at + i, 8);
		if (((v | (v - ones)) & high) != 0) {
			break;
		}
	}
	while (i < n && at[i] != 0 && at[i] < 0x80) {
		i++;
	}
	return i;
}

/* What the octets at the start are: a whole character, part of one, or nothing. */
struct piece {
	size_t len;  /* 0: more octets are needed */
	uint32_t cp; /* 0: to be escaped */
};

static struct piece piece_utf8(const uint8_t *at, size_t n)
{
	uint32_t cp = 0;
	size_t len = utf8_decode((struct str){(const char *)at, n}, &cp);
	if (len > 0) {
		return (struct piece){len, cp};
	}
	size_t want = at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 2;
	bool may_grow = at[0] >= 0xc2 && at[0] < 0xf5 && n < want;
	if (may_grow && n > 1) {
		/* Is it a beginning? The second octet tells all that can go wrong. */
		bool is_low = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
		bool is_high = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
		may_grow = at[1] >= 0x80 && at[1] < 0xc0 && !is_low && !is_high &&
			   (n < 3 || (at[2] >= 0x80 && at[2] < 0xc0));
	}
	return (struct piece){may_grow ? 0 : 1, 0};
}

static uint32_t table_get(const struct charset *c, uint8_t lead, uint8_t trail)
{
	if (lead < c->lead_first || lead > c->lead_last || trail < c->trail_first ||
	    trail > c->trail_last) {
		return 0;
	}
	size_t width = (size_t)(c->trail_last - c->trail_first + 1);
	return c->table[(size_t)(lead - c->lead_first) * width + trail - c->trail_first];
}

static struct piece piece_double(const struct charset *c, const uint8_t *at, size_t n)
{
	if (c->kind == CHARSET_SJIS && at[0] >= 0xa1 && at[0] <= 0xdf) {
		return (struct piece){1, 0xff61U + at[0] - 0xa1U}; /* half-width kana */
	}
	if (at[0] < c->lead_first || at[0] > c->lead_last) {
		return (struct piece){1, 0};
	}
	if (n < 2) {
		return (struct piece){0, 0};
	}
	uint32_t cp = table_get(c, at[0], at[1]);
	return (struct piece){cp == 0 ? 1 : 2, cp};
}

/* JIS X 0208, row and cell from 0x21, by way of the Shift_JIS table. */
static uint32_t kanji_get(const struct charset *c, uint8_t row, uint8_t cell)
{
	if (row < 0x21 || row > 0x7e || cell < 0x21 || cell > 0x7e) {
		return 0;
	}
	unsigned lead = (row - 0x21U) / 2 + 0x81;
	unsigned trail = row % 2 == 1 ? cell + (cell < 0x60 ? 0x1fU : 0x20U) : cell + 0x7eU;
	lead += lead > 0x9f ? 0x40 : 0;
	return table_get(c, (uint8_t)lead, (uint8_t)trail);
}

static struct piece piece_euc_jp(const struct charset *c, const uint8_t *at, size_t n)
{
	if (at[0] != 0x8e && at[0] != 0x8f && (at[0] < 0xa1 || at[0] == 0xff)) {
		return (struct piece){1, 0};
	}
	if (n < 2) {
		return (struct piece){0, 0};
	}
	if (at[0] == 0x8e && at[1] >= 0xa1 && at[1] <= 0xdf) {
		return (struct piece){2, 0xff61U + at[1] - 0xa1U};
	}
	if (at[0] == 0x8f && at[1] >= 0xa1) {
		return (struct piece){n < 3 ? 0 : 3, 0}; /* JIS X 0212: not known here */
	}
	uint32_t cp = 0;
	if (at[0] >= 0xa1 && at[1] >= 0xa1) {
		cp = kanji_get(c, (uint8_t)(at[0] - 0x80), (uint8_t)(at[1] - 0x80));
	}
	return (struct piece){cp == 0 ? 1 : 2, cp};
}

static struct piece piece_escape(struct charset_decoder *d, const uint8_t *at, size_t n)
{
	if (n < 3) {
		return (struct piece){0, 0};
	}
	if (at[1] == '(' && (at[2] == 'B' || at[2] == 'J')) {
		d->mode = MODE_ASCII;
	} else if (at[1] == '(' && at[2] == 'I') {
		d->mode = MODE_KANA;
	} else if (at[1] == '$' && (at[2] == '@' || at[2] == 'B')) {
		d->mode = MODE_KANJI;
	} else {
		return (struct piece){1, 0};
	}
	return (struct piece){3, UINT32_MAX}; /* a shift is no character */
}

static struct piece piece_iso2022(struct charset_decoder *d, const uint8_t *at, size_t n)
{
	if (at[0] == 0x1b) {
		return piece_escape(d, at, n);
	}
	if (at[0] == '\n' || at[0] == '\r') {
		d->mode = MODE_ASCII;
	}
	if (d->mode == MODE_ASCII || at[0] < 0x21 || at[0] > 0x7e) {
		return (struct piece){1, at[0] < 0x80 ? at[0] : 0};
	}
	if (d->mode == MODE_KANA) {
		return (struct piece){1, at[0] <= 0x5f ? 0xff61U + at[0] - 0x21U : 0};
	}
	if (n < 2) {
		return (struct piece){0, 0};
	}
	uint32_t cp = kanji_get(d->charset, at[0], at[1]);
	return (struct piece){cp == 0 ? 1 : 2, cp};
}

static uint16_t unit16(const struct charset_decoder *d, const uint8_t *at)
{
	bool is_little = d->charset->kind == CHARSET_UTF16LE || d->mode == MODE_LITTLE;

	return is_little ? (uint16_t)(at[1] << 8 | at[0]) : (uint16_t)(at[0] << 8 | at[1]);
}

static struct piece piece_utf16(struct charset_decoder *d, const uint8_t *at, size_t n)
{
	if (n < 2) {
		return (struct piece){0, 0};
	}
	uint16_t unit = unit16(d, at);
	if (d->charset->kind == CHARSET_UTF16 && d->mode == MODE_UNSAID) {
		d->mode = unit == 0xfffe ? MODE_LITTLE : MODE_BIG;
	}
	if (unit == 0xfeff || (unit == 0xfffe && d->mode == MODE_LITTLE)) {
		return (struct piece){2, UINT32_MAX};
	}
	if (unit < 0xd800 || unit > 0xdfff) {
		return (struct piece){2, unit};
	}
	if (unit >= 0xdc00) {
		return (struct piece){2, 0};
	}
	if (n < 4) {
		return (struct piece){0, 0};
	}
	uint16_t low = unit16(d, at + 2);
	if (low < 0xdc00 || low > 0xdfff) {
		return (struct piece){2, 0};
	}
	return (struct piece){4, 0x10000U + ((uint32_t)(unit & 0x3ff) << 10) + (low & 0x3ffU)};
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Sixteen bits of base64 are there: a character, or the first of a pair. */
static uint32_t utf7_unit(struct charset_decoder *d)
{
	uint16_t unit = (uint16_t)(d->bits >> (d->bit_count - 16));
	uint16_t high = d->high;

	d->bit_count = (uint8_t)(d->bit_count - 16);
	d->high = 0;
	if (unit >= 0xd800 && unit < 0xdc00) {
		d->high = unit;
		return UINT32_MAX;
	}
	if (unit >= 0xdc00 && unit <= 0xdfff && high != 0) {
		return 0x10000U + ((uint32_t)(high & 0x3ff) << 10) + (unit & 0x3ffU);
	}
	return unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff) ? 0xfffd : unit;
}

static struct piece piece_utf7(struct charset_decoder *d, const uint8_t *at, size_t n)
{
	if (d->mode != MODE_BASE64) {
		if (at[0] != '+') {
			return (struct piece){1, at[0] < 0x80 ? at[0] : 0};
		}
		if (n < 2) {
			return (struct piece){0, 0};
		}
		if (at[1] == '-') {
			return (struct piece){2, '+'};
		}
		d->mode = base64_digit(at[1]) < 0 ? MODE_UNSAID : MODE_BASE64;
		d->bit_count = 0;
		return (struct piece){1, d->mode == MODE_BASE64 ? UINT32_MAX : '+'};
	}
	int digit = base64_digit(at[0]);
	if (digit < 0) {
		d->mode = MODE_UNSAID;
		d->bit_count = 0;
		uint32_t cp = at[0] == '-' ? UINT32_MAX : at[0] < 0x80 ? at[0] : 0;
		return (struct piece){1, cp};
	}
	d->bits = d->bits << 6 | (unsigned)digit;
	d->bit_count = (uint8_t)(d->bit_count + 6);
	return (struct piece){1, d->bit_count >= 16 ? utf7_unit(d) : UINT32_MAX};
}

static struct piece piece_of(struct charset_decoder *d, const uint8_t *at, size_t n)
{
	switch (d->charset->kind) {
	case CHARSET_UTF8:
		return piece_utf8(at, n);
	case CHARSET_SINGLE:
		return (struct piece){1, at[0] < 0x80 ? at[0] : d->charset->table[at[0] - 0x80]};
	case CHARSET_DOUBLE:
	case CHARSET_SJIS:
		return piece_double(d->charset, at, n);
	case CHARSET_EUC_JP:
		return piece_euc_jp(d->charset, at, n);
	case CHARSET_ISO2022_JP:
		return piece_iso2022(d, at, n);
	case CHARSET_UTF16:
	case CHARSET_UTF16LE:
	case CHARSET_UTF16BE:
		return piece_utf16(d, at, n);
	case CHARSET_UTF7:
		return piece_utf7(d, at, n);
	}
	return (struct piece){1, 0};
}

static bool has_ascii_runs(const struct charset_decoder *d)
{
	switch (d->charset->kind) {
	case CHARSET_UTF8:
	case CHARSET_SINGLE:
	case CHARSET_DOUBLE:
	case CHARSET_SJIS:
	case CHARSET_EUC_JP:
		return true;
	case CHARSET_ISO2022_JP:
	case CHARSET_UTF16:
	case CHARSET_UTF16LE:
	case CHARSET_UTF16BE:
	case CHARSET_UTF7:
		break;
	}
	return false;
}

/* Decodes what is whole; the rest (less than a character) is left. */
static char *run(struct charset_decoder *d, const uint8_t *at, size_t n, size_t *ret_read,
		 char *out)
{
	bool is_ascii_fast = has_ascii_runs(d);
	size_t i = 0;

	while (i < n) {
		size_t ascii = is_ascii_fast ? ascii_run(at + i, n - i) : 0;
		if (ascii > 0) {
			memcpy(out, at + i, ascii);
			out += ascii;
			i += ascii;
			continue;
		}
		struct piece p = piece_of(d, at + i, n - i);
		if (p.len == 0) {
			break;
		}
		if (p.cp != UINT32_MAX) {
			out = point_put(d, p.cp, at + i, p.len, out);
		}
		i += p.len;
	}
	*ret_read = i;
	return out;
}

size_t charset_step(struct charset_decoder *d, struct str in, char *out)
{
	const uint8_t *at = (const uint8_t *)in.ptr;
	size_t n = in.len;
	char *end = out;
	size_t used;

	while (d->held_len > 0 && n > 0) {
		ASSERT(d->held_len < CHARSET_HELD_MAX);
		d->held[d->held_len++] = *at++;
		n--;
		end = run(d, d->held, d->held_len, &used, end);
		d->held_len = (uint8_t)(d->held_len - used);
		memmove(d->held, d->held + used, d->held_len);
	}
	if (n > 0) {
		end = run(d, at, n, &used, end);
		ASSERT(n - used < CHARSET_HELD_MAX);
		memcpy(d->held, at + used, n - used);
		d->held_len = (uint8_t)(n - used);
	}
	return (size_t)(end - out);
}

size_t charset_end(struct charset_decoder *d, char *out)
{
	char *end = out;

	for (size_t i = 0; i < d->held_len; i++) {
		bool is_plain = d->held[i] > 0 && d->held[i] < 0x80 && has_ascii_runs(d);
		end = point_put(d, is_plain ? d->held[i] : 0, d->held + i, 1, end);
	}
	*d = (struct charset_decoder){
		.charset = d->charset, .is_broken = d->is_broken, .has_nul = d->has_nul};
	return (size_t)(end - out);
}
