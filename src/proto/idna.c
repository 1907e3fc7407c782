/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idna: Punycode. Layer: proto (pure).
 */
#include "proto/idna.h"

#include "base/utf8.h"

#include "base/poison.h"

/* RFC 3492, 5 */
#define BASE 36
#define T_MIN 1
#define T_MAX 26
#define SKEW 38
#define DAMP 700
#define INITIAL_BIAS 72
#define INITIAL_N 0x80

#define PREFIX "xn--"
#define PREFIX_LEN 4

static uint32_t adapt(uint32_t delta, uint32_t points, bool is_first)
{
	uint32_t k = 0;

	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / points;
	while (delta > (BASE - T_MIN) * T_MAX / 2) {
		delta /= BASE - T_MIN;
		k += BASE;
	}
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static char digit_of(uint32_t d)
{
	return (char)(d < 26 ? 'a' + d : '0' + (d - 26));
}

/* What is being written; `is_full` once it does not fit a label. */
struct label_out {
	char *at;
	size_t len;
	bool is_full;
};

static void put(struct label_out *o, char c)
{
	if (o->len == IDNA_LABEL_MAX) {
		o->is_full = true;
		return;
	}
	o->at[o->len++] = c;
}

static void put_number(struct label_out *o, uint32_t q, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
		if (q < t) {
			put(o, digit_of(q));
			return;
		}
		put(o, digit_of(t + (q - t) % (BASE - t)));
		q = (q - t) / (BASE - t);
	}
}

static uint32_t next_point(const uint32_t *points, size_t n, uint32_t least)
{
	uint32_t best = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		if (points[i] >= least && points[i] < best) {
			best = points[i];
		}
	}
	return best;
}

/* RFC 3492, 6.3. With at most 63 code points nothing overflows. */
static void put_punycode(struct label_out *o, const uint32_t *points, size_t n)
{
	uint32_t bias = INITIAL_BIAS;
	uint32_t delta = 0;
	uint32_t m = INITIAL_N;
	uint32_t done = 0;

	for (size_t i = 0; i < PREFIX_LEN; i++) {
		put(o, PREFIX[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (points[i] < INITIAL_N) {
			put(o, (char)points[i]);
			done++;
		}
	}
	uint32_t basic = done;
	if (basic > 0) {
		put(o, '-');
	}
	for (; done < n && !o->is_full; delta++, m++) {
		uint32_t next = next_point(points, n, m);
		delta += (next - m) * (done + 1);
		m = next;
		for (size_t i = 0; i < n; i++) {
			delta += points[i] < m;
			if (points[i] == m) {
				put_number(o, delta, bias);
				bias = adapt(delta, done + 1, done == basic);
				delta = 0;
				done++;
			}
		}
	}
}

static bool is_name_octet(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static size_t put_label(struct str label, char *ret)
{
	uint32_t points[IDNA_LABEL_MAX];
	struct label_out o = {.at = ret};
	bool is_ascii = true;
	size_t n = 0;

	while (label.len > 0) {
		uint32_t c;
		size_t octets = utf8_decode(label, &c);
		if (octets == 0 || n == IDNA_LABEL_MAX) {
			return 0;
		}
		label = str_skip(label, octets);
		c = c < INITIAL_N ? (uint32_t)(unsigned char)char_lower((char)c) : c;
		if (c < INITIAL_N && !is_name_octet(c)) {
			return 0;
		}
		is_ascii = is_ascii && c < INITIAL_N;
		points[n++] = c;
	}
	if (is_ascii) {
		for (size_t i = 0; i < n; i++) {
			put(&o, (char)points[i]);
		}
	} else {
		put_punycode(&o, points, n);
	}
	return o.is_full ? 0 : o.len;
}

size_t idna_to_ascii(struct str name, char *ret)
{
	char label[IDNA_LABEL_MAX];
	size_t len = 0;

	ret[0] = '\0';
	if (name.len > 0 && name.ptr[name.len - 1] == '.') {
		name.len--;
	}
	if (name.len == 0 || name.ptr[name.len - 1] == '.') {
		return 0;
	}
	while (name.len > 0) {
		size_t n = put_label(str_take_until(&name, '.'), label);
		if (n == 0 || len + n + 1 > IDNA_NAME_MAX) {
			ret[0] = '\0';
			return 0;
		}
		if (len > 0) {
			ret[len++] = '.';
		}
		for (size_t i = 0; i < n; i++) {
			ret[len++] = label[i];
		}
	}
	ret[len] = '\0';
	return len;
}
