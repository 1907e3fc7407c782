/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonw: JSON as text, RFC 8259. Layer: base.
 */
#include "base/jsonw.h"

#include "base/assert.h"
#include "base/utf8.h"

#include "base/poison.h"

static const int64_t micro_unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

struct jsonw jsonw_of(struct buf *out)
{
	return (struct jsonw){.out = out};
}

static void add_escaped(struct buf *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	switch (c) {
	case '"':
		buf_add(out, STR("\\\""));
		return;
	case '\\':
		buf_add(out, STR("\\\\"));
		return;
	case '\n':
		buf_add(out, STR("\\n"));
		return;
	case '\r':
		buf_add(out, STR("\\r"));
		return;
	case '\t':
		buf_add(out, STR("\\t"));
		return;
	default:
		buf_add(out, STR("\\u00"));
		buf_add_char(out, hex[c >> 4]);
		buf_add_char(out, hex[c & 15]);
	}
}

/* Octets of ASCII that stand for themselves in a string. */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* Length of the start of `s` that needs no escape; 0 when its first octet does. */
static size_t plain_run(struct str s)
{
	size_t n = 0;
	uint32_t cp;

	for (;;) {
		while (n < s.len && is_plain((uint8_t)s.ptr[n])) {
			n++;
		}
		if (n == s.len || (uint8_t)s.ptr[n] < 0x80) {
			return n;
		}
		size_t step = utf8_decode(str_skip(s, n), &cp);
		if (step == 0) {
			return n;
		}
		n += step;
	}
}

static void add_text(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	while (s.len > 0) {
		size_t n = plain_run(s);
		if (n > 0) {
			buf_add(out, str_take(&s, n));
		} else {
			add_escaped(out, (uint8_t)str_take(&s, 1).ptr[0]);
		}
	}
	buf_add_char(out, '"');
}

static void begin(struct jsonw *w, const char *key)
{
	if (w->comma) {
		buf_add_char(w->out, ',');
	}
	if (key != NULL) {
		add_text(w->out, str_of(key));
		buf_add_char(w->out, ':');
	}
	w->comma = true;
}

void jsonw_object(struct jsonw *w, const char *key)
{
	begin(w, key);
	buf_add_char(w->out, '{');
	w->comma = false;
}

void jsonw_object_end(struct jsonw *w)
{
	buf_add_char(w->out, '}');
	w->comma = true;
}

void jsonw_array(struct jsonw *w, const char *key)
{
	begin(w, key);
	buf_add_char(w->out, '[');
	w->comma = false;
}

void jsonw_array_end(struct jsonw *w)
{
	buf_add_char(w->out, ']');
	w->comma = true;
}

void jsonw_null(struct jsonw *w, const char *key)
{
	begin(w, key);
	buf_add(w->out, STR("null"));
}

void jsonw_bool(struct jsonw *w, const char *key, bool v)
{
	begin(w, key);
	buf_add(w->out, v ? STR("true") : STR("false"));
}

void jsonw_u64(struct jsonw *w, const char *key, uint64_t v)
{
	begin(w, key);
	buf_add_u64(w->out, v);
}

static uint64_t add_sign(struct buf *out, int64_t v)
{
	if (v < 0) {
		buf_add_char(out, '-');
		return 0 - (uint64_t)v;
	}
	return (uint64_t)v;
}

void jsonw_i64(struct jsonw *w, const char *key, int64_t v)
{
	begin(w, key);
	buf_add_u64(w->out, add_sign(w->out, v));
}

void jsonw_micro(struct jsonw *w, const char *key, int64_t micro, unsigned decimals)
{
	ASSERT(decimals < COUNT_OF(micro_unit));
	uint64_t unit = (uint64_t)micro_unit[decimals];

	begin(w, key);
	uint64_t v = (add_sign(w->out, micro) + unit / 2) / unit;
	uint64_t scale = 1000000 / unit;
	buf_add_u64(w->out, v / scale);
	if (decimals > 0) {
		buf_add_char(w->out, '.');
		for (uint64_t left = scale / 10; left > 0; left /= 10) {
			buf_add_char(w->out, (char)('0' + v / left % 10));
		}
	}
}

void jsonw_str(struct jsonw *w, const char *key, struct str v)
{
	begin(w, key);
	add_text(w->out, v);
}

void jsonw_cstr(struct jsonw *w, const char *key, const char *v)
{
	if (v == NULL) {
		jsonw_null(w, key);
	} else {
		jsonw_str(w, key, str_of(v));
	}
}

void jsonw_str_or_null(struct jsonw *w, const char *key, struct str v)
{
	if (v.ptr == NULL) {
		jsonw_null(w, key);
	} else {
		jsonw_str(w, key, v);
	}
}

void jsonw_time(struct jsonw *w, const char *key, struct wall t)
{
	char text[WALL_TEXT_SIZE];

	jsonw_cstr(w, key, wall_format(t, text));
}

void jsonw_raw(struct jsonw *w, const char *key, struct str v)
{
	begin(w, key);
	buf_add(w->out, v);
}

void jsonw_line_end(struct jsonw *w)
{
	buf_add_char(w->out, '\n');
	w->comma = false;
}
