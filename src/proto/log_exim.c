/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_exim: lines of Exim's main log, message ids of 16 and of 23 characters. Layer: proto (pure).
 *
 * The Subject stands in the line as its sender wrote it, so fields are taken from left to right
 * with their own endings; nothing is ever searched for behind a field that a stranger fills.
 * Source: the Exim specification, chapter "Log files".
 */
#include "proto/log_event.h"

#include "base/num.h"

#include "base/poison.h"

static bool is_base62(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!char_is_alpha(s.ptr[i]) && !char_is_digit(s.ptr[i])) {
			return false;
		}
	}
	return true;
}

static bool has_id_shape(struct str text, size_t middle, size_t last)
{
	size_t len = 6 + 1 + middle + 1 + last;

	return text.len > len && text.ptr[len] == ' ' && text.ptr[6] == '-' &&
	       text.ptr[7 + middle] == '-' && is_base62(str_head(text, 6)) &&
	       is_base62(str_head(str_skip(text, 7), middle)) &&
	       is_base62(str_head(str_skip(text, 8 + middle), last));
}

/* "1wTq4W-000099-69 ", as up to 4.96, all at once. */
static bool has_short_id_shape(struct str text)
{
#ifdef __SSE2__
	static const unsigned dashes = 1U << 6 | 1U << 13;

	if (text.len <= 16 || text.ptr[16] != ' ' || text.ptr[6] != '-' || text.ptr[13] != '-') {
		return false;
	}
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)text.ptr);
	__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20)); /* no other octet becomes a letter */
	__m128i letter = _mm_sub_epi8(lower, _mm_set1_epi8('a'));
	__m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	return ((unsigned)_mm_movemask_epi8(_mm_or_si128(is_letter, is_digit)) | dashes) == 0xFFFF;
#else
	return has_id_shape(text, 6, 2);
#endif
}

static bool take_id(struct str *text, struct str *ret_id)
{
	size_t len = 0;

	if (text->len > 16 && text->ptr[6] == '-') {
		len = has_short_id_shape(*text) ? 16 : (has_id_shape(*text, 11, 4) ? 23 : 0);
	}
	if (len == 0) {
		return false;
	}
	*ret_id = str_head(*text, len);
	*text = str_skip(*text, len + 1);
	return true;
}

/* With +pid: "[1234] " before the rest. */
static void skip_pid(struct str *text)
{
	uint64_t pid;

	if (text->len > 3 && text->ptr[0] == '[') {
		size_t close = str_find_char(str_head(*text, 16), ']');
		if (close < str_head(*text, 16).len &&
		    num_parse_u64((struct str){text->ptr + 1, close - 1}, UINT32_MAX, &pid) == 0) {
			*text = str_skip(*text, close + 2);
		}
	}
}

/* Offset of the quote that ends a text behind its first quote, or the length. \" and \\ are inside.
 */
static size_t quoted_len(struct str text)
{
	size_t n = str_find_either(text, '"', '\\');

	while (n < text.len && text.ptr[n] == '\\') {
		n += 2 < text.len - n ? 2 : text.len - n;
		n += str_find_either(str_skip(text, n), '"', '\\');
	}
	return n;
}

/* Where the word ends that the text begins with: at a space, or at the end. Quoted parts may hold
 * spaces. */
static size_t word_len(struct str text)
{
	size_t i = str_find_either(text, ' ', '"');

	while (i < text.len && text.ptr[i] == '"') {
		i++;
		i += quoted_len(str_skip(text, i)) + 1;
		i += str_find_either(str_skip(text, i), ' ', '"');
	}
	return i < text.len ? i : text.len;
}

/* Takes it off, and the space. Inline, so that the text stays in registers. */
static inline struct str take_word(struct str *text)
{
	size_t n = word_len(*text);
	struct str word = {text->ptr, n};

	*text = str_skip(*text, n + 1);
	return word;
}

/* T="…". The opening quote is at the start. */
static inline struct str take_quoted(struct str *text)
{
	struct str inner = str_skip(*text, 1);
	size_t n = quoted_len(inner);

	*text = str_skip(inner, n + 2);
	return str_head(inner, n);
}

/* "name (helo) [1.2.3.4]:25": words until the next field. The helo is a stranger's, but it has no
 * spaces, and the address is the last word of the host that is in brackets. */
static inline void take_host(struct str *text, struct log_event *ret)
{
	struct str word = take_word(text);

	for (;;) {
		if (word.len > 1 && word.ptr[0] == '[') {
			size_t close = str_find_char(word, ']');
			ret->client_addr = (struct str){
				word.ptr + 1, close < word.len ? close - 1 : word.len - 1};
		} else if (ret->client_name.len == 0 && word.len > 0 && word.ptr[0] != '(') {
			ret->client_name = word;
		}
		if (text->len == 0 || (text->ptr[0] != '[' && text->ptr[0] != '(')) {
			return;
		}
		word = take_word(text);
	}
}

static struct str strip_auth_driver(struct str auth)
{
	/* "driver[:id[:sender]]" */
	(void)str_take_until(&auth, ':');
	return str_take_until(&auth, ':');
}

/* The value of a field with a name of one letter. */
static inline struct str take_short_field(char name, struct str text, struct log_event *ret)
{
	if (name == 'H') {
		take_host(&text, ret);
		return text;
	}
	if (name == 'T' && text.len > 0 && text.ptr[0] == '"') {
		ret->subject = take_quoted(&text);
		return text;
	}
	struct str value = take_word(&text);
	switch (name) {
	case 'A':
		ret->account = strip_auth_driver(value);
		break;
	case 'U':
		ret->login = value;
		break;
	case 'R':
		ret->id2 = value;
		break;
	case 'P':
		ret->relay = value; /* the protocol: "local", "esmtpa" */
		break;
	default:
		break;
	}
	return text;
}

/* Behind the sender of "<=". */
static void parse_arrival_fields(struct str text, struct log_event *ret)
{
	while (text.len > 0) {
		if (text.len > 1 && text.ptr[1] == '=' && char_is_alpha(text.ptr[0])) {
			text = take_short_field(text.ptr[0], str_skip(text, 2), ret);
		} else if (str_has_prefix(text, STR("id=")) || str_has_prefix(text, STR("id*="))) {
			(void)str_take_until(&text, '=');
			ret->message_id = take_word(&text);
		} else if (str_has_prefix(text, STR("for "))) {
			ret->rcpt = str_skip(text, 4);
			return;
		} else {
			(void)take_word(&text);
		}
	}
}

static void parse_arrival(struct str text, struct log_event *ret)
{
	ret->type = LOG_ARRIVED;
	ret->has_sender = true;
	ret->sender = take_word(&text);
	if (str_is_equal(ret->sender, STR("<>"))) {
		ret->sender = STR_EMPTY;
	}
	parse_arrival_fields(text, ret);
	if (!str_is_equal(ret->relay, STR("local"))) {
		ret->login = STR_EMPTY; /* an ident answer, which the other side chose */
	}
	ret->relay = STR_EMPTY;
}

/* "R=… T=… H=host [ip] X=… C="…"" of a success. What the other side answered comes last: nothing is
 * read of it. */
static void take_route(struct str text, struct log_event *ret)
{
	struct str transport = STR_EMPTY;

	while (text.len > 0 && !str_has_prefix(text, STR("C=\""))) {
		if (str_has_prefix(text, STR("H="))) {
			ret->relay = text;
			return;
		}
		struct str word = take_word(&text);
		if (str_has_prefix(word, STR("T="))) {
			transport = str_skip(word, 2);
		}
	}
	ret->is_local_relay = transport.len > 0 && !str_has_prefix(transport, STR("remote_smtp"));
}

/* "addr <orig> R=… T=… H=host [ip] …", for all delivery lines. */
static void parse_delivery(struct str text, enum log_delivery delivery, struct log_event *ret)
{
	ret->type = LOG_DELIVERY;
	ret->delivery = delivery;
	ret->rcpt = take_word(&text);
	while (text.len > 0 && text.ptr[0] == '(') {
		(void)take_word(&text); /* "(parent)" of a generated address */
	}
	if (log_event_take_address(&text, &ret->orig_rcpt)) {
		text = str_skip(text, 1);
	}
	if (ret->rcpt.len > 0 && ret->rcpt.ptr[ret->rcpt.len - 1] == ':') {
		ret->rcpt.len--;
	}
	ret->reason = text;
	if (delivery == LOG_SENT) {
		take_route(text, ret);
	} else {
		ret->relay = str_skip(text, str_find(text, STR(" H=")));
	}
	if (delivery == LOG_BOUNCED) {
		ret->is_unknown_rcpt = log_event_is_unknown_user(STR_EMPTY, text);
		ret->is_refused = !ret->is_unknown_rcpt &&
				  (log_event_is_spam_refusal(STR_EMPTY, text) ||
				   str_find(text, STR(" 5.7.")) < text.len);
	}
}

static bool take_sign(struct str *text, struct str sign)
{
	if (!str_has_prefix(*text, sign) || text->len <= sign.len || text->ptr[sign.len] != ' ') {
		return false;
	}
	*text = str_skip(*text, sign.len + 1);
	return true;
}

static void parse_of_message(struct str text, struct log_event *ret)
{
	if (take_sign(&text, STR("<="))) {
		parse_arrival(text, ret);
	} else if (take_sign(&text, STR("=>")) || take_sign(&text, STR("->")) ||
		   take_sign(&text, STR(">>")) || take_sign(&text, STR("*>"))) {
		parse_delivery(text, LOG_SENT, ret);
	} else if (take_sign(&text, STR("**"))) {
		parse_delivery(text, LOG_BOUNCED, ret);
	} else if (take_sign(&text, STR("=="))) {
		parse_delivery(text, LOG_DEFERRED, ret);
	} else if ((str_has_prefix(text, STR("Completed")) &&
		    str_trim(str_skip(text, 9)).len == 0) ||
		   str_has_prefix(text, STR("Completed QT=")) ||
		   str_has_prefix(text, STR("removed by "))) {
		ret->type = LOG_ENDED;
	}
}

/* "dovecot_login authenticator failed for (helo) [1.2.3.4]:55: 535 … (set_id=u)" */
static void parse_auth_failed(struct str text, struct log_event *ret)
{
	size_t at = str_find(text, STR(" failed for "));
	struct str host = str_skip(text, at + 12);

	ret->type = LOG_AUTH_FAILED;
	take_host(&host, ret);
}

/* What a busy server says most, and what says nothing of a message. */
static bool is_of_no_message(struct str text)
{
	return str_has_prefix(text, STR("SMTP connection from ")) ||
	       str_has_prefix(text, STR("no host name found for IP address "));
}

static bool is_rejection(struct str text)
{
	size_t at;

	while ((at = str_find(text, STR(" rejected "))) < text.len) {
		text = str_skip(text, at + 10);
		if (str_has_prefix(text, STR("RCPT ")) || str_has_prefix(text, STR("MAIL "))) {
			return true;
		}
	}
	return false;
}

void log_event_exim(const struct log_line *l, struct log_event *ret)
{
	struct str text = {l->text.ptr, l->text.len};

	ret->mta = LOG_MTA_EXIM;
	ret->type = LOG_OTHER;
	if (l->form != LOG_TIME_EXIM) {
		/* Through syslog Exim may keep its own time in front, and splits long lines: "[1/3]
		 * ". */
		struct log_time inner_state = {.year = 1970};
		struct wall inner;
		(void)log_time_take(&inner_state, &text, &inner);
	}
	skip_pid(&text);
	if (take_id(&text, &ret->id)) {
		parse_of_message(text, ret);
		return;
	}
	if (is_of_no_message(text)) {
		return;
	}
	if (str_has_prefix(text, STR("cwd="))) {
		text = str_skip(text, 4);
		ret->type = LOG_CWD;
		ret->cwd = take_word(&text);
	} else if (str_find(str_head(text, 80), STR(" authenticator failed for ")) <
		   str_head(text, 80).len) {
		parse_auth_failed(text, ret);
	} else if (is_rejection(text)) {
		ret->type = LOG_REJECTED;
	}
}
