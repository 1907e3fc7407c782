/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: scalars. Layer: conf.
 */
#include "conf/value.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/utf8.h"
#include "core/words.h"
#include "proto/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define MICRO INT64_C(1000000)

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400},
};

static const char *const wants[CONF_TYPE_COUNT] = {
	[CONF_TEXT] = "a text",
	[CONF_NAME] = "a name of letters, digits and . _ -",
	[CONF_PATH] = "an absolute path",
	[CONF_ENDPOINT] = "address:port, such as \"127.0.0.1:25\" or \"[::1]:25\"",
	[CONF_MAIL] = "a mail address",
	[CONF_URL] = "a URL that begins with https:// or http://",
	[CONF_BOOL] = "true or false",
	[CONF_UINT] = "a whole number",
	[CONF_DURATION] = "a duration such as 90s, 10m, 24h or 7d",
	[CONF_RATE] = "a rate such as 6/m, 1/s or 120/h",
	[CONF_PERCENT] = "a share such as 1% or 0.01",
	[CONF_MICRO] = "a number such as 16 or 6.5",
	[CONF_WORD] = "one of its words",
	[CONF_PREFIX] = "an address or prefix such as 192.0.2.0/24 or \"2001:db8::/32\"",
	[CONF_MAP] = "settings of its own",
};

const char *conf_type_wants(enum conf_type type)
{
	return wants[type];
}

bool conf_type_is_bare(enum conf_type type)
{
	return type == CONF_BOOL || type == CONF_UINT || type == CONF_MICRO;
}

static void put_uint(const struct conf_row *row, void *at, uint64_t v)
{
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	switch (row->width) {
	case sizeof(v8):
		memcpy(at, &v8, sizeof(v8));
		break;
	case sizeof(v16):
		memcpy(at, &v16, sizeof(v16));
		break;
	case sizeof(v32):
		memcpy(at, &v32, sizeof(v32));
		break;
	default:
		ASSERT(false);
	}
}

static uint64_t get_uint(const struct conf_row *row, const void *at)
{
	uint8_t v8 = 0;
	uint16_t v16 = 0;
	uint32_t v32 = 0;

	switch (row->width) {
	case sizeof(v8):
		memcpy(&v8, at, sizeof(v8));
		return v8;
	case sizeof(v16):
		memcpy(&v16, at, sizeof(v16));
		return v16;
	default:
		ASSERT(row->width == sizeof(v32));
		memcpy(&v32, at, sizeof(v32));
		return v32;
	}
}

static int put_text(struct str text, void *at, struct arena *arena, struct errmsg *reterr)
{
	char *copy = arena_alloc(arena, text.len + 1);

	if (copy == NULL) {
		return err_set(reterr, -ENOMEM, "is too much: the configuration is too large");
	}
	memcpy(copy, text.ptr, text.len);
	memcpy(at, &(const char *){copy}, sizeof(copy));
	return 0;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!char_is_alpha(c) && !char_is_digit(c) && c != '.' && c != '_' && c != '-') {
			return false;
		}
	}
	return s.len > 0 && s.len <= 64;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f) {
			return false;
		}
	}
	return utf8_is_valid(s);
}

static bool is_endpoint(struct str s)
{
	struct addr a;
	uint64_t port;
	size_t colon = s.len;

	while (colon > 0 && s.ptr[colon - 1] != ':') {
		colon--;
	}
	if (colon == 0 || num_parse_u64(str_skip(s, colon), 65535, &port) < 0 || port == 0) {
		return false;
	}
	struct str host = str_head(s, colon - 1);
	bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	if (bracketed) {
		host = (struct str){host.ptr + 1, host.len - 2};
	}
	return addr_parse(host, &a) == 0 && (a.family == 6) == bracketed;
}

static bool is_mail(struct str s)
{
	size_t at = str_find_char(s, '@');

	return is_printable(s) && at > 0 && at + 1 < s.len && s.len <= 254 &&
	       str_find_char(str_skip(s, at + 1), '@') == s.len - at - 1 &&
	       str_find_char(s, '<') == s.len && str_find_char(s, '>') == s.len &&
	       str_find_char(s, ',') == s.len && str_find_char(s, '"') == s.len;
}

static bool is_url(struct str s)
{
	size_t host = str_has_prefix(s, STR("https://"))  ? 8
		      : str_has_prefix(s, STR("http://")) ? 7
							  : 0;

	return host > 0 && s.len > host && is_printable(s) && str_find_char(s, '"') == s.len &&
	       str_find_char(s, '<') == s.len && s.ptr[host] != '/';
}

static int parse_text(const struct conf_row *row, struct str s, void *at, struct arena *arena,
		      struct errmsg *reterr)
{
	bool good = s.len > 0 && memchr(s.ptr, '\0', s.len) == NULL;

	if (good && row->type == CONF_NAME) {
		good = is_name(s);
	} else if (good && row->type == CONF_PATH) {
		good = s.ptr[0] == '/' && is_printable(s);
	} else if (good && row->type == CONF_ENDPOINT) {
		good = is_endpoint(s);
	} else if (good && row->type == CONF_MAIL) {
		good = is_mail(s);
	} else if (good && row->type == CONF_URL) {
		good = is_url(s);
	}
	if (!good) {
		return err_set(reterr, -EINVAL, "wants %s", wants[row->type]);
	}
	if (row->max != 0 && s.len > row->max) {
		return err_set(reterr, -EINVAL, "is longer than %llu octets",
			       (unsigned long long)row->max);
	}
	if (row->type == CONF_URL && s.ptr[s.len - 1] == '/') {
		s.len--;
	}
	return put_text(s, at, arena, reterr);
}

static int parse_duration(struct str s, uint64_t *ret)
{
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		uint64_t n;
		struct str unit = str_of(durations[i].name);
		if (!str_has_suffix(s, unit)) {
			continue;
		}
		if (num_parse_u64(str_head(s, s.len - unit.len), UINT32_MAX, &n) < 0) {
			return -EINVAL;
		}
		*ret = n * durations[i].factor;
		return 0;
	}
	return s.len == 1 && s.ptr[0] == '0' ? (*ret = 0, 0) : -EINVAL;
}

static int parse_rate(struct str s, uint64_t *ret)
{
	struct str number = str_take_until(&s, '/');
	uint64_t n;

	if (num_parse_u64(str_trim(number), 1000000, &n) < 0) {
		return -EINVAL;
	}
	s = str_trim(s);
	if (str_is_equal(s, STR("s"))) {
		*ret = n * 60;
	} else if (str_is_equal(s, STR("m"))) {
		*ret = n;
	} else if (str_is_equal(s, STR("h")) && n % 60 == 0) {
		*ret = n / 60;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse_percent(struct str s, uint64_t *ret)
{
	int64_t micro;
	bool percent = str_has_suffix(s, STR("%"));

	if (percent) {
		s.len--;
	}
	if (num_parse_micro(str_trim(s), &micro) < 0 || micro < 0 || (!percent && micro > MICRO)) {
		return -EINVAL;
	}
	*ret = (uint64_t)(percent ? micro / 100 : micro);
	return 0;
}

static void format_number(enum conf_type type, uint64_t v, struct buf *out)
{
	if (type == CONF_DURATION) {
		size_t i = 4; /* days are the largest unit that people compare with */
		while (i > 1 && (v == 0 || v % durations[i - 1].factor != 0)) {
			i--;
		}
		buf_printf(out, "%llu%s", (unsigned long long)(v / durations[i - 1].factor),
			   durations[i - 1].name);
	} else if (type == CONF_RATE) {
		buf_printf(out, "%llu/m", (unsigned long long)v);
	} else if (type == CONF_PERCENT || type == CONF_MICRO) {
		uint64_t micro = type == CONF_PERCENT ? v * 100 : v;
		buf_add_u64(out, micro / (uint64_t)MICRO);
		unsigned rest = (unsigned)(micro % (uint64_t)MICRO);
		if (rest != 0) {
			char digits[8];
			snprintf(digits, sizeof(digits), "%06u", rest);
			size_t len = 6;
			while (digits[len - 1] == '0') {
				len--;
			}
			buf_add_char(out, '.');
			buf_add(out, (struct str){digits, len});
		}
		if (type == CONF_PERCENT) {
			buf_add_char(out, '%');
		}
	} else {
		buf_add_u64(out, v);
	}
}

static int out_of_range(const struct conf_row *row, struct errmsg *reterr)
{
	struct buf text;

	buf_init(&text, 128);
	format_number(row->type, row->min, &text);
	buf_add_cstr(&text, " to ");
	format_number(row->type, row->max, &text);
	int r = err_set(reterr, -EINVAL, "is outside of %.*s", STR_ARG(buf_str(&text)));
	buf_done(&text);
	return r;
}

static int parse_number(const struct conf_row *row, const struct conf_scalar *in, void *at,
			struct errmsg *reterr)
{
	uint64_t v = 0;
	int64_t micro = 0;
	int r;

	if (row->type == CONF_DURATION) {
		r = parse_duration(in->text, &v);
	} else if (row->type == CONF_RATE) {
		r = parse_rate(in->text, &v);
	} else if (row->type == CONF_PERCENT) {
		r = parse_percent(in->text, &v);
	} else if (row->type == CONF_MICRO) {
		r = in->is_quoted ? -EINVAL : num_parse_micro(in->text, &micro);
		v = micro < 0 ? UINT64_MAX : (uint64_t)micro;
	} else {
		r = in->is_quoted ? -EINVAL : num_parse_u64(in->text, UINT32_MAX, &v);
	}
	if (r == -EINVAL) {
		return err_set(reterr, -EINVAL, "wants %s", wants[row->type]);
	}
	if (r < 0 || v < row->min || v > row->max) {
		return out_of_range(row, reterr);
	}
	put_uint(row, at, v);
	return 0;
}

static int parse_word(const struct conf_row *row, struct str s, void *at, struct errmsg *reterr)
{
	const struct conf_words *w = row->words;
	int found = w->find(s);

	if (found < 0) {
		struct buf list;
		buf_init(&list, 256);
		for (unsigned i = 0; i < w->count; i++) {
			buf_add_cstr(&list, i == 0 ? "" : i + 1 == w->count ? " or " : ", ");
			buf_add_cstr(&list, w->name(i));
		}
		int r = err_set(reterr, -EINVAL, "wants %.*s", STR_ARG(buf_str(&list)));
		buf_done(&list);
		return r;
	}
	switch (w->store) {
	case CONF_AS_ENUM:
		put_uint(row, at, (uint64_t)found);
		break;
	case CONF_AS_BOOL:
		memcpy(at, &(bool){found == 1}, sizeof(bool));
		break;
	case CONF_AS_TEXT:
		memcpy(at, &(const char *){w->name((unsigned)found)}, sizeof(const char *));
		break;
	}
	return 0;
}

static int parse_prefix(struct str s, void *at, struct errmsg *reterr)
{
	struct prefix p;
	char text[ADDR_TEXT_SIZE];
	int r = prefix_parse(s, &p);

	if (r == 0) {
		memcpy(at, &p, sizeof(p));
		return 0;
	}
	if (r == -EDOM) {
		struct str rest = s;
		struct addr a;
		uint64_t len;
		struct str host = str_take_until(&rest, '/');
		if (addr_parse(host, &a) == 0 && num_parse_u64(rest, addr_bits(&a), &len) == 0) {
			p = prefix_of(&a, (unsigned)len);
			return err_set(reterr, -EINVAL,
				       "has bits after its length; the prefix is %s",
				       prefix_format(&p, text));
		}
	}
	return err_set(reterr, -EINVAL, "wants %s", wants[CONF_PREFIX]);
}

static int parse_bool(const struct conf_scalar *in, void *at, struct errmsg *reterr)
{
	bool is_true = str_is_equal(in->text, STR("true"));

	if (in->is_quoted || (!is_true && !str_is_equal(in->text, STR("false")))) {
		return err_set(reterr, -EINVAL, "wants %s", wants[CONF_BOOL]);
	}
	memcpy(at, &is_true, sizeof(is_true));
	return 0;
}

int conf_value_parse(const struct conf_row *row, const struct conf_scalar *in, void *at,
		     struct arena *arena, struct errmsg *reterr)
{
	if (in->text.len > CONF_SCALAR_MAX) {
		return err_set(reterr, -EINVAL, "is longer than %d octets", CONF_SCALAR_MAX);
	}
	switch (row->type) {
	case CONF_TEXT:
	case CONF_NAME:
	case CONF_PATH:
	case CONF_ENDPOINT:
	case CONF_MAIL:
	case CONF_URL:
		return parse_text(row, in->text, at, arena, reterr);
	case CONF_BOOL:
		return parse_bool(in, at, reterr);
	case CONF_UINT:
	case CONF_DURATION:
	case CONF_RATE:
	case CONF_PERCENT:
	case CONF_MICRO:
		return parse_number(row, in, at, reterr);
	case CONF_WORD:
		return parse_word(row, in->text, at, reterr);
	case CONF_PREFIX:
		return parse_prefix(in->text, at, reterr);
	case CONF_MAP:
	case CONF_TYPE_COUNT:
		break;
	}
	ASSERT(false);
	return -EINVAL;
}

static const char *get_text(const void *at)
{
	const char *text;

	memcpy(&text, at, sizeof(text));
	return text;
}

bool conf_value_is_set(const struct conf_row *row, const void *at)
{
	switch (row->type) {
	case CONF_TEXT:
	case CONF_NAME:
	case CONF_PATH:
	case CONF_ENDPOINT:
	case CONF_MAIL:
	case CONF_URL:
		return get_text(at) != NULL;
	case CONF_BOOL:
	case CONF_UINT:
	case CONF_DURATION:
	case CONF_RATE:
	case CONF_PERCENT:
	case CONF_MICRO:
	case CONF_WORD:
	case CONF_PREFIX:
	case CONF_MAP:
	case CONF_TYPE_COUNT:
		break;
	}
	return true;
}

static void format_word(const struct conf_row *row, const void *at, struct buf *out)
{
	bool second;

	switch (row->words->store) {
	case CONF_AS_ENUM:
		buf_add_cstr(out, row->words->name((unsigned)get_uint(row, at)));
		break;
	case CONF_AS_BOOL:
		memcpy(&second, at, sizeof(second));
		buf_add_cstr(out, row->words->name(second ? 1 : 0));
		break;
	case CONF_AS_TEXT:
		buf_add_cstr(out, get_text(at));
		break;
	}
}

void conf_value_format(const struct conf_row *row, const void *at, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];
	struct prefix p;
	bool flag;

	switch (row->type) {
	case CONF_TEXT:
	case CONF_NAME:
	case CONF_PATH:
	case CONF_ENDPOINT:
	case CONF_MAIL:
	case CONF_URL:
		buf_add_cstr(out, get_text(at));
		break;
	case CONF_BOOL:
		memcpy(&flag, at, sizeof(flag));
		buf_add_cstr(out, flag ? "true" : "false");
		break;
	case CONF_UINT:
	case CONF_DURATION:
	case CONF_RATE:
	case CONF_PERCENT:
	case CONF_MICRO:
		format_number(row->type, get_uint(row, at), out);
		break;
	case CONF_WORD:
		format_word(row, at, out);
		break;
	case CONF_PREFIX:
		memcpy(&p, at, sizeof(p));
		buf_add_cstr(out, prefix_format(&p, text));
		break;
	case CONF_MAP:
	case CONF_TYPE_COUNT:
		ASSERT(false);
	}
}
