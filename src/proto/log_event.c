/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_event: which grammar a line has, and what the grammars share. Layer: proto (pure).
 */
#include "proto/log_event.h"

#include "base/num.h"

#include "base/poison.h"

#define QUEUE_ID_MIN 6
#define QUEUE_ID_MAX 32

static bool is_id_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c);
}

/* How many letters and digits the text begins with, up to QUEUE_ID_MAX + 1. */
static size_t id_len(struct str text, bool *ret_is_word)
{
	size_t n = 0;
	bool is_word = true; /* "warning", "statistics": programs' words, never ids */

	while (n < text.len && n <= QUEUE_ID_MAX && is_id_char(text.ptr[n])) {
		is_word = is_word && text.ptr[n] >= 'a';
		n++;
	}
	*ret_is_word = is_word;
	return n;
}

#ifdef __SSE2__
/* Octets of `v` from `low` to `low + span`. */
static __m128i in_range(__m128i v, char low, char span)
{
	__m128i off = _mm_sub_epi8(v, _mm_set1_epi8(low));

	return _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8(span)), off);
}

/* The same for an id that ends within 16 octets, as nearly all do; 0: look closer. */
static size_t id_len_16(struct str text, bool *ret_is_word)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)text.ptr);
	__m128i lower = in_range(v, 'a', 25);
	__m128i other = _mm_or_si128(in_range(v, '0', 9), in_range(v, 'A', 25));
	unsigned stop = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(lower, other)) & 0xFFFF;

	if (stop == 0) {
		return 0;
	}
	unsigned n = (unsigned)__builtin_ctz(stop);
	*ret_is_word = ((unsigned)_mm_movemask_epi8(other) & ((1U << n) - 1)) == 0;
	return n;
}
#endif

size_t log_event_id_len(struct str text)
{
	bool is_word = false;
	size_t n = 0;

#ifdef __SSE2__
	if (text.len >= 16) {
		n = id_len_16(text, &is_word);
		if (n == 0 && !is_id_char(text.ptr[0])) {
			return 0;
		}
	}
#endif
	if (n == 0) {
		n = id_len(text, &is_word);
	}
	if (n < QUEUE_ID_MIN || n > QUEUE_ID_MAX || n + 1 >= text.len || text.ptr[n] != ':' ||
	    text.ptr[n + 1] != ' ' || is_word ||
	    (n == 7 && str_has_prefix(text, STR("NOQUEUE:")))) {
		return 0;
	}
	return n;
}

bool log_event_split_client(struct str text, struct str *ret_name, struct str *ret_addr)
{
	size_t open = str_find_char(text, '[');
	struct str inner = str_skip(text, open + 1);
	size_t close = str_find_char(inner, ']');

	if (open == text.len || close == inner.len) {
		return false;
	}
	*ret_name = str_head(text, open);
	*ret_addr = str_head(inner, close);
	if (str_has_prefix_nocase(*ret_addr, STR("IPv6:"))) {
		*ret_addr = str_skip(*ret_addr, 5);
	}
	return true;
}

size_t log_event_address_len(struct str text)
{
	bool quoted = false;

	if (text.len == 0 || text.ptr[0] != '<') {
		return 0;
	}
	/* Nearly all have no quotes: the first bracket ends them. */
	for (size_t i = str_find_either(text, '>', '"'); i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\\' && quoted) {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == '>' && !quoted) {
			return i + 1;
		}
	}
	return 0;
}

/* qmail writes _ for each space. */
static char plain(char c)
{
	return c == '_' ? ' ' : char_lower(c);
}

/* Does `at` begin with this text, which is in small letters? */
static bool begins_with(struct str at, struct str text)
{
	if (at.len < text.len) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (plain(at.ptr[i]) != text.ptr[i]) {
			return false;
		}
	}
	return true;
}

/* One of 64 bits for two octets: what two pairs share is told apart later. */
static uint64_t bit_of_pair(char first, char second)
{
	return UINT64_C(1) << (((unsigned char)first * 5U + (unsigned char)second) & 63);
}

/* Does a reason say one of these, each of two octets at least? It is read once. */
static bool says_any(struct str reason, const struct str *texts, size_t count)
{
	char first = reason.len > 0 ? plain(reason.ptr[0]) : '\0';
	uint64_t bits = 0;

	for (size_t i = 0; i < count; i++) {
		bits |= bit_of_pair(texts[i].ptr[0], texts[i].ptr[1]);
	}
	for (size_t at = 1; at < reason.len; at++) {
		char second = plain(reason.ptr[at]);
		bool may_begin = (bits & bit_of_pair(first, second)) != 0;
		for (size_t i = 0; may_begin && i < count; i++) {
			if (first == texts[i].ptr[0] && second == texts[i].ptr[1] &&
			    begins_with(str_skip(reason, at - 1), texts[i])) {
				return true;
			}
		}
		first = second;
	}
	return false;
}

/* What the large providers and the usual servers say of a mailbox that is not there. */
bool log_event_is_unknown_user(struct str dsn, struct str reason)
{
	static const struct str texts[] = {{"unknown user", 12},
					   {"unknown recipient", 17},
					   {"unknown address", 15},
					   {"unrouteable address", 19},
					   {"user unknown", 12},
					   {"user not found", 14},
					   {"user doesn't exist", 18},
					   {"no such user", 12},
					   {"no such mailbox", 15},
					   {"no such person", 14},
					   {"no such recipient", 17},
					   {"no such address", 15},
					   {"no mailbox", 10},
					   {"not a valid user", 16},
					   {"does not exist", 14},
					   {"user doesn't have a", 19},
					   {"mailbox unavailable", 19},
					   {"mailbox not found", 17},
					   {"invalid recipient", 17},
					   {"inactive or not found", 21},
					   {"reach is disabled", 17},
					   {"recipient not found", 19},
					   {"recipientnotfound", 17},
					   {"recipient address rejected: undeliverable", 41},
					   {"recipient address rejected: access denied", 41}};

	return str_is_equal(dsn, STR("5.1.1")) || str_is_equal(dsn, STR("5.1.6")) ||
	       str_is_equal(dsn, STR("5.1.10")) || says_any(reason, texts, COUNT_OF(texts));
}

bool log_event_is_spam_refusal(struct str dsn, struct str reason)
{
	static const struct str texts[] = {
		{"spam", 4},        {"unsolicited", 11},    {"junk mail", 9},   {"bulk mail", 9},
		{"blacklist", 9},   {"blocklist", 9},       {"block list", 10}, {"denylist", 8},
		{"blocked", 7},     {"reputation", 10},     {"dnsbl", 5},       {"rbl", 3},
		{"suspicious", 10}, {"phish", 5},           {"virus", 5},       {"5.7.1 ", 6},
		{"abuse", 5},       {"content reject", 14}, {"policy re", 9}};

	return str_has_prefix(dsn, STR("5.7.")) || says_any(reason, texts, COUNT_OF(texts));
}

/* What loggers say of themselves. */
static bool parse_logger(const struct log_line *l, struct log_event *ret)
{
	struct str text = l->text;
	struct str before;
	uint64_t n;

	if (str_has_prefix(text, STR("last message repeated "))) {
		text = str_skip(text, 22);
		before = str_take_until(&text, ' ');
		ret->type = LOG_REPEATED;
		ret->count = num_parse_u64(before, UINT32_MAX, &n) == 0 ? (uint32_t)n : 0;
		return true;
	}
	if (str_has_prefix(text, STR("message repeated "))) {
		text = str_skip(text, 17);
		before = str_take_until(&text, ' ');
		ret->type = LOG_REPEATED;
		ret->count = num_parse_u64(before, UINT32_MAX, &n) == 0 ? (uint32_t)n : 0;
		return true;
	}
	if (str_has_prefix(text, STR("Suppressed "))) {
		text = str_skip(text, 11);
		before = str_take_until(&text, ' ');
		ret->type = LOG_LOST_LINES;
		ret->count = num_parse_u64(before, UINT32_MAX, &n) == 0 ? (uint32_t)n : 0;
		return true;
	}
	if (str_find(text, STR("begin to drop messages due to rate-limiting")) < text.len) {
		ret->type = LOG_LOST_LINES;
		return true;
	}
	return false;
}

/* For so few octets the string instruction that compilers choose takes longer than its start. */
static void clear(struct log_event *e)
{
#ifdef __SSE2__
	char *p = (char *)e;
#pragma GCC unroll 32
	for (size_t i = 0; i + 16 <= sizeof(*e); i += 16) {
		_mm_storeu_si128((__m128i *)(void *)(p + i), _mm_setzero_si128());
		NO_MEMSET;
	}
	_mm_storeu_si128((__m128i *)(void *)(p + sizeof(*e) - 16), _mm_setzero_si128());
#else
	memset(e, 0, sizeof(*e));
#endif
}

void log_event_parse(const struct log_line *l, struct log_event *ret)
{
	clear(ret);
	static_assert(LOG_NOT_MAIL == 0, "nothing is no mail");
	switch (l->writer) {
	case LOG_WRITER_POSTFIX_SMTPD:
	case LOG_WRITER_POSTFIX_CLEANUP:
	case LOG_WRITER_POSTFIX_PICKUP:
	case LOG_WRITER_POSTFIX_QMGR:
	case LOG_WRITER_POSTFIX_BOUNCE:
	case LOG_WRITER_POSTFIX_POSTSUPER:
	case LOG_WRITER_POSTFIX_ABROAD:
	case LOG_WRITER_POSTFIX_AGENT:
		log_event_postfix(l, ret);
		break;
	case LOG_WRITER_EXIM:
		log_event_exim(l, ret);
		break;
	case LOG_WRITER_LOGIN:
		log_event_login(l, ret);
		break;
	case LOG_WRITER_QMAIL:
		log_event_qmail(l, ret);
		break;
	case LOG_WRITER_SENDMAIL:
		log_event_sendmail(l, ret);
		break;
	case LOG_WRITER_PHP:
		log_event_php(l, ret);
		break;
	case LOG_WRITER_LOGGER:
		(void)parse_logger(l, ret);
		break;
	case LOG_WRITER_OTHER:
	case LOG_WRITER_COUNT:
		break;
	}
}
