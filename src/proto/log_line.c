/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line: the envelope of a log line. Layer: proto (pure).
 */
#include "proto/log_line.h"

#include "proto/log_5424.h"

#include <string.h>

#include "base/poison.h"

/* A tag longer than this is text that happens to hold a colon. */
#define TAG_MAX 128
#define PID_MAX 20 /* digits and brackets */

/* "[2011]" off the start of `rest`. */
static bool take_pid(struct str *rest)
{
	uint64_t pid = 0;
	size_t i = 1;

	for (; i < rest->len && i < PID_MAX && char_is_digit(rest->ptr[i]); i++) {
		pid = pid * 10 + (uint64_t)(rest->ptr[i] - '0');
	}
	if (i == 1 || i >= rest->len || rest->ptr[i] != ']' || pid > UINT32_MAX) {
		return false;
	}
	*rest = str_skip(*rest, i + 1);
	return true;
}

#ifdef __SSE2__
/* Which of 32 octets are `c`, the first one lowest. */
static uint32_t octets_32(const char *p, char c)
{
	const __m128i *v = (const __m128i *)(const void *)p;
	const __m128i wanted = _mm_set1_epi8(c);
	uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v), wanted));
	uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 1), wanted));

	return low | high << 16;
}
#endif

/* Where the name in a tag ends: at ':', '[' or ' '; and the last '/' before it, SIZE_MAX: none. */
static size_t find_tag_end(struct str head, size_t *ret_slash)
{
	size_t end = 0;

	*ret_slash = SIZE_MAX;
#ifdef __SSE2__
	if (head.len >= 32) {
		uint32_t stop = octets_32(head.ptr, ':') | octets_32(head.ptr, '[') |
				octets_32(head.ptr, ' ');
		if (stop != 0) {
			end = (size_t)__builtin_ctz(stop);
			uint32_t slashes = octets_32(head.ptr, '/') & ((1U << end) - 1);
			*ret_slash = slashes == 0 ? SIZE_MAX : 31 - (size_t)__builtin_clz(slashes);
			return end;
		}
	}
#endif
	while (end < head.len && head.ptr[end] != ':' && head.ptr[end] != '[' &&
	       head.ptr[end] != ' ') {
		if (head.ptr[end] == '/') {
			*ret_slash = end;
		}
		end++;
	}
	return end;
}

/* "postfix/submission/smtpd[2011]: " off the start of `text`. Without a tag nothing is taken. */
static void take_tag(struct log_line *l)
{
	struct str head = str_head(l->text, TAG_MAX);
	size_t slash;
	size_t end = find_tag_end(head, &slash);

	if (end == head.len || head.ptr[end] == ' ' || end == 0) {
		return;
	}
	struct str rest = str_skip(l->text, end);
	if (rest.ptr[0] == '[' && !take_pid(&rest)) {
		return;
	}
	if (rest.len == 0 || rest.ptr[0] != ':') {
		return;
	}
	rest = str_skip(rest, 1);
	if (rest.len > 0 && rest.ptr[0] == ' ') {
		rest = str_skip(rest, 1);
	}
	size_t begin = slash == SIZE_MAX ? 0 : slash + 1;
	l->program = (struct str){l->text.ptr + begin, end - begin};
	l->path = (struct str){l->text.ptr, slash == SIZE_MAX ? 0 : slash};
	l->writer = log_writer_of(l->path, l->program);
	l->text = rest;
}

/* "<22>" before the time, as it stands in what syslog sends; "<mail.info> " behind it, as BSD's
 * syslogd writes it when asked for more. */
static inline struct str skip_priority(struct str text)
{
	if (text.len == 0 || text.ptr[0] != '<') {
		return text;
	}
	size_t close = str_find_char(str_head(text, 24), '>');
	if (close >= 24 || close + 1 >= text.len) {
		return text;
	}
	text = str_skip(text, close + 1);
	return text.ptr[0] == ' ' ? str_skip(text, 1) : text;
}

#ifdef __SSE2__
/* Are the first `n` octets of both the same? Sixteen can be read of each. */
static bool same_16(const char *a, const char *b, size_t n)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
	__m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
	unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));

	return (~same & ((1U << n) - 1)) == 0;
}

/* Octets of a host seen before and its space that the text begins with; 0: another one. */
static size_t known_host(const struct log_line_memory *m, struct str text)
{
	bool is_known = m->host_len > 0 && text.len >= sizeof(m->host) &&
			same_16(text.ptr, m->host, m->host_len);

	return is_known ? m->host_len : 0;
}

/* One that looks like a priority is not kept: that would be taken off first. */
static void know_host(struct log_line_memory *m, struct str host)
{
	if (host.len > 0 && host.len < sizeof(m->host) && host.ptr[0] != '<') {
		memset(m->host, 0, sizeof(m->host));
		memcpy(m->host, host.ptr, host.len);
		m->host[host.len] = ' ';
		m->host_len = host.len + 1;
	}
}

/* How many digits the text begins with, up to 16. */
static size_t digits_16(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i off = _mm_sub_epi8(v, _mm_set1_epi8('0'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8(9)), off);

	return (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(is_digit));
}

/* A tag below 32 octets with ": " behind it, or "[", up to nine digits and "]: ".
 * @return Where its name ends, and the rest begins; 0: look closer. */
static size_t find_plain_tag(struct str text, size_t *ret_rest)
{
	if (text.len < 32) {
		return 0;
	}
	uint32_t open = octets_32(text.ptr, '[');
	uint32_t colon = octets_32(text.ptr, ':');
	uint32_t stop = open | colon | octets_32(text.ptr, ' ');
	if (stop == 0) {
		return 0;
	}
	size_t end = (size_t)__builtin_ctz(stop);
	size_t close = end;
	if (end + 17 > text.len) {
		return 0;
	}
	if ((open >> end & 1) != 0) {
		size_t digits = digits_16(text.ptr + end + 1);
		close += 2 + digits;
		if (digits == 0 || digits > 9 || text.ptr[close - 1] != ']') {
			return 0;
		}
	}
	*ret_rest = close + 2;
	return text.ptr[close] == ':' && text.ptr[close + 1] == ' ' ? end : 0;
}

/* Is it this tag? 32 octets can be read, and it has less. */
static bool is_tag(const struct log_line_tag *t, const char *p, size_t len)
{
	const __m128i *a = (const __m128i *)(const void *)p;
	const __m128i *b = (const __m128i *)(const void *)t->text;
	__m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b));
	__m128i high = _mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1));
	uint32_t same = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;

	return t->len == len && (~same & ((1U << len) - 1)) == 0;
}

/* The pair of slots where a tag is kept if it is: the first was put in last. */
static struct log_line_tag *tag_pair(struct log_line_memory *m, const char *text, size_t len)
{
	uint64_t last;

	memcpy(&last, text + (len < sizeof(last) ? 0 : len - sizeof(last)), sizeof(last));
	return m->tags[(last * UINT64_C(0x9E3779B97F4A7C15) >> 32) % LOG_LINE_TAGS];
}

/* Keeps what take_tag made of a text that begins with a plain tag, which ends at `end`. */
static void know_tag(struct log_line_memory *m, const char *p, size_t end, const struct log_line *l)
{
	struct log_line_tag *t = tag_pair(m, p, end);

	if (is_tag(t, p, end) || is_tag(t + 1, p, end)) {
		return;
	}
	t[1] = t[0];
	memset(t, 0, sizeof(*t));
	memcpy(t->text, p, end);
	t->len = (uint8_t)end;
	t->path_len = (uint8_t)l->path.len;
	t->program_at = (uint8_t)(l->program.ptr - p);
	t->writer = (uint8_t)l->writer;
}

static void know_line(struct log_line_memory *m, struct str text, const struct log_line *l)
{
	size_t rest;

	know_host(m, l->host);
	text = str_skip(text, l->host.len + 1);
	size_t end = find_plain_tag(text, &rest);
	if (end > 0) {
		know_tag(m, text.ptr, end, l);
	}
}

/* A line of the minute of the line before, with a host and a tag seen before: nothing is left to be
 * read. What it says is written once, for what is written in halves and read as a whole must wait,
 * and field by field, for to clear the rest would take a string instruction, which starts slowly.
 * @return false: it is to be read the plain way. */
static bool parse_known(const struct log_time *lt, struct log_line_memory *m, struct str raw,
			struct log_line *ret)
{
	struct wall time = {0};
	size_t rest;
	size_t at = log_time_known(lt, raw, &time);
	struct str text = {raw.ptr + at, raw.len - at};

	ret->time = time;
	if (at != LOG_TIME_KNOWN_3164) {
		ret->form = LOG_TIME_EXIM;
		ret->host = STR_EMPTY;
		ret->program = STR_EMPTY;
		ret->path = STR_EMPTY;
		ret->writer = LOG_WRITER_EXIM;
		ret->text = text;
		return at != 0;
	}
	size_t host = known_host(m, text);
	struct str tagged = {text.ptr + host, text.len - host};
	size_t end = host == 0 ? 0 : find_plain_tag(tagged, &rest);
	if (end == 0) {
		return false;
	}
	const struct log_line_tag *t = tag_pair(m, tagged.ptr, end);
	if (!is_tag(t, tagged.ptr, end) && !is_tag(++t, tagged.ptr, end)) {
		return false;
	}
	ret->form = LOG_TIME_RFC3164;
	ret->host = (struct str){text.ptr, host - 1};
	ret->program = (struct str){tagged.ptr + t->program_at, end - t->program_at};
	ret->path = (struct str){tagged.ptr, t->path_len};
	ret->writer = (enum log_writer)t->writer;
	ret->text = (struct str){tagged.ptr + rest, tagged.len - rest};
	return true;
}
#else
static void know_line(struct log_line_memory *m, struct str text, const struct log_line *l)
{
	(void)m;
	(void)text;
	(void)l;
}

static bool parse_known(const struct log_time *lt, struct log_line_memory *m, struct str raw,
			struct log_line *ret)
{
	(void)lt;
	(void)m;
	(void)raw;
	(void)ret;
	return false;
}
#endif

static void take_host_and_tag(struct log_line *l, struct log_line_memory *m)
{
	struct str text = l->text;
	size_t space = str_find_char(text, ' ');

	l->host = str_head(text, space);
	l->text = str_skip(text, space + 1);
	l->writer = LOG_WRITER_LOGGER;
	take_tag(l);
	if (m != NULL) {
		know_line(m, text, l);
	}
}

/* Host and program of a line of RFC 5424; of one that only begins like that, of the older form. */
static void take_5424(struct log_line *l, struct log_line_memory *m)
{
	struct log_5424 header;

	if (!log_5424_take(l->text, &header)) {
		take_host_and_tag(l, m);
		return;
	}
	l->host = header.host;
	l->text = header.text;
	l->writer = LOG_WRITER_LOGGER;
	if (header.app.len == 0) {
		take_tag(l);
		return;
	}
	size_t end = header.app.len;
	while (end > 0 && header.app.ptr[end - 1] != '/') {
		end--;
	}
	l->program = str_skip(header.app, end);
	l->path = str_head(header.app, end > 0 ? end - 1 : 0);
	l->writer = log_writer_of(l->path, l->program);
}

bool log_line_parse_next(struct log_time *lt, struct log_line_memory *memory, struct str raw,
			 struct log_line *ret)
{
	if (memory != NULL && parse_known(lt, memory, raw, ret)) {
		return true;
	}
	ret->text = raw.len > 0 && char_is_digit(raw.ptr[0]) ? log_5424_skip_count(raw) : raw;
	ret->text = skip_priority(ret->text);
	bool is_5424 = log_5424_is(ret->text);
	if (is_5424) {
		ret->text = str_skip(ret->text, 2);
	}
	ret->host = STR_EMPTY;
	ret->program = STR_EMPTY;
	ret->path = STR_EMPTY;
	ret->time = (struct wall){0};
	ret->writer = LOG_WRITER_OTHER;
	ret->form = log_time_take(lt, &ret->text, &ret->time);
	switch (ret->form) {
	case LOG_TIME_NONE:
		return false;
	case LOG_TIME_RFC3164:
	case LOG_TIME_RFC3339:
		if (is_5424) {
			take_5424(ret, memory);
			break;
		}
		ret->text = skip_priority(ret->text);
		take_host_and_tag(ret, memory);
		break;
	case LOG_TIME_EXIM:
		ret->writer = LOG_WRITER_EXIM;
		break;
	case LOG_TIME_TAI64N:
		ret->writer = LOG_WRITER_QMAIL;
		break;
	case LOG_TIME_PHP:
		ret->writer = LOG_WRITER_PHP;
		break;
	}
	return true;
}

bool log_line_parse(struct log_time *lt, struct str raw, struct log_line *ret)
{
	return log_line_parse_next(lt, NULL, raw, ret);
}
