/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_decode: RFC 2045, 6.7 and 6.8. Layer: proto (pure).
 */
#include "proto/mail_decode.h"

#include "base/num.h"

#include <string.h>

#include "base/poison.h"

enum qp_at {
	QP_TEXT,
	QP_EQUALS, /* after "=" */
	QP_DIGIT,  /* after "=" and a digit */
	QP_BLANK,  /* after "=" and blanks: a soft break, if the line ends here */
	QP_CR,     /* after "=", perhaps blanks, and CR */
};

static char *qp_literal(struct mail_qp *d, char *out)
{
	d->is_broken = true;
	*out++ = '=';
	if (d->at == QP_DIGIT || d->at == QP_BLANK) {
		*out++ = d->first;
	} else if (d->at == QP_CR) {
		*out++ = '\r';
	}
	d->at = QP_TEXT;
	return out;
}

/* One octet after "=". @return false: it belongs to the text and is still to be read. */
static bool qp_escape(struct mail_qp *d, char c, char **out)
{
	bool is_blank = (c == ' ' || c == '\t') && !d->is_header;

	if (c == '\n' && d->at != QP_DIGIT) {
		d->at = QP_TEXT;
		return true;
	}
	if (c == '\r' && d->at != QP_DIGIT && d->at != QP_CR) {
		d->at = QP_CR;
		return true;
	}
	if (d->at == QP_EQUALS && (num_hex_digit(c) >= 0 || is_blank)) {
		d->at = is_blank ? QP_BLANK : QP_DIGIT;
		d->first = c;
		return true;
	}
	if (d->at == QP_BLANK && is_blank) {
		return true;
	}
	if (d->at == QP_DIGIT && num_hex_digit(c) >= 0) {
		*(*out)++ = (char)(num_hex_digit(d->first) << 4 | num_hex_digit(c));
		d->at = QP_TEXT;
		return true;
	}
	*out = qp_literal(d, *out);
	return false;
}

size_t mail_qp_step(struct mail_qp *d, struct str in, char *out)
{
	char *end = out;

	while (in.len > 0) {
		if (d->at != QP_TEXT) {
			if (qp_escape(d, in.ptr[0], &end)) {
				in = str_skip(in, 1);
			}
			continue;
		}
		size_t n = str_find_char(in, '=');
		memcpy(end, in.ptr, n);
		if (d->is_header) {
			for (size_t i = 0; i < n; i++) {
				end[i] = end[i] == '_' ? ' ' : end[i];
			}
		}
		end += n;
		if (n < in.len) {
			d->at = QP_EQUALS;
			n++;
		}
		in = str_skip(in, n);
	}
	return (size_t)(end - out);
}

size_t mail_qp_end(struct mail_qp *d, char *out)
{
	char *end = out;

	if (d->at == QP_EQUALS || d->at == QP_DIGIT) {
		end = qp_literal(d, out);
	}
	d->at = QP_TEXT;
	return (size_t)(end - out);
}

#define NO_DIGIT 64
#define PADDING 65
#define BLANK 66

static uint8_t digit_of(unsigned char c)
{
	/* clang-format off */
	static const uint8_t digits[256] = {
		['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7,
		['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
		['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
		['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
		['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
		['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
		['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
		['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
		['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
		['/'] = 64, ['='] = 66, [' '] = 67, ['\t'] = 67, ['\r'] = 67, ['\n'] = 67,
	};
	/* clang-format on */
	return digits[c] == 0 ? NO_DIGIT : (uint8_t)(digits[c] - 1);
}

/* Whole groups of four digits. @return Octets of input read. */
static size_t base64_fast(struct str in, char **out)
{
	const unsigned char *at = (const unsigned char *)in.ptr;
	size_t i = 0;

	while (i + 4 <= in.len) {
		unsigned a = digit_of(at[i]);
		unsigned b = digit_of(at[i + 1]);
		unsigned c = digit_of(at[i + 2]);
		unsigned e = digit_of(at[i + 3]);
		if ((a | b | c | e) >= NO_DIGIT) {
			break;
		}
		unsigned v = a << 18 | b << 12 | c << 6 | e;
		(*out)[0] = (char)(v >> 16);
		(*out)[1] = (char)(v >> 8);
		(*out)[2] = (char)v;
		*out += 3;
		i += 4;
	}
	return i;
}

size_t mail_base64_end(struct mail_base64 *d, char *out)
{
	size_t n = 0;

	if (d->count == 1) {
		d->is_broken = true;
	} else if (d->count == 2) {
		out[n++] = (char)(d->bits >> 4);
	} else if (d->count == 3) {
		out[n++] = (char)(d->bits >> 10);
		out[n++] = (char)(d->bits >> 2);
	}
	d->bits = 0;
	d->count = 0;
	return n;
}

size_t mail_base64_step(struct mail_base64 *d, struct str in, char *out)
{
	char *end = out;

	while (in.len > 0) {
		if (d->count == 0) {
			in = str_skip(in, base64_fast(in, &end));
			if (in.len == 0) {
				break;
			}
		}
		uint8_t digit = digit_of((unsigned char)in.ptr[0]);
		in = str_skip(in, 1);
		if (digit == PADDING) {
			end += d->count == 0 ? 0 : mail_base64_end(d, end);
		} else if (digit == NO_DIGIT) {
			d->is_broken = true;
		} else if (digit < NO_DIGIT) {
			d->bits = d->bits << 6 | digit;
			d->count++;
			if (d->count == 4) {
				*end++ = (char)(d->bits >> 16);
				*end++ = (char)(d->bits >> 8);
				*end++ = (char)d->bits;
				d->count = 0;
				d->bits = 0;
			}
		}
	}
	return (size_t)(end - out);
}

size_t mail_count_dark(struct str in)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t high = ones << 7;
	size_t i = 0;
	size_t n = 0;
	uint64_t v;

	for (; i + 8 <= in.len; i += 8) {
		memcpy(&v, in.ptr + i, 8);
		uint64_t over = ((v | high) - ones * 0x21) | v; /* high bit: over 0x20 */
		n += (size_t)((((over & high) >> 7) * ones) >> 56);
	}
	for (; i < in.len; i++) {
		n += (unsigned char)in.ptr[i] > 0x20;
	}
	return n;
}
