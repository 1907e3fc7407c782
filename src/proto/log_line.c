/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line: the envelope of a log line. Layer: proto (pure).
 */
#include "proto/log_line.h"

#include "base/poison.h"

/* A tag longer than this is text that happens to hold a colon. */
#define TAG_MAX 128
#define PID_MAX 20 /* digits and brackets */

/* "[2011]" off the start of `rest`. */
static bool take_pid(struct str *rest, uint32_t *ret_pid)
{
	uint64_t pid = 0;
	size_t i = 1;

	for (; i < rest->len && i < PID_MAX && char_is_digit(rest->ptr[i]); i++) {
		pid = pid * 10 + (uint64_t)(rest->ptr[i] - '0');
	}
	if (i == 1 || i >= rest->len || rest->ptr[i] != ']' || pid > UINT32_MAX) {
		return false;
	}
	*ret_pid = (uint32_t)pid;
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
	uint32_t pid = 0;

	if (end == head.len || head.ptr[end] == ' ' || end == 0) {
		return;
	}
	struct str rest = str_skip(l->text, end);
	if (rest.ptr[0] == '[' && !take_pid(&rest, &pid)) {
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
	l->pid = pid;
	l->text = rest;
}

/* "<22>" before the time, as it stands in what syslog sends; "<mail.info> " behind it, as BSD's
 * syslogd writes it when asked for more. */
static struct str skip_priority(struct str text)
{
	size_t close = text.len > 0 && text.ptr[0] == '<' ? str_find_char(str_head(text, 24), '>')
							  : 24;

	if (close >= 24 || close + 1 >= text.len) {
		return text;
	}
	text = str_skip(text, close + 1);
	return text.ptr[0] == ' ' ? str_skip(text, 1) : text;
}

bool log_line_parse(struct log_time *lt, struct str raw, struct log_line *ret)
{
	ret->text = skip_priority(raw);
	ret->host = STR_EMPTY;
	ret->program = STR_EMPTY;
	ret->path = STR_EMPTY;
	ret->pid = 0;
	ret->time = (struct wall){0};
	ret->form = log_time_take(lt, &ret->text, &ret->time);
	switch (ret->form) {
	case LOG_TIME_NONE:
		return false;
	case LOG_TIME_RFC3164:
	case LOG_TIME_RFC3339: {
		ret->text = skip_priority(ret->text);
		size_t space = str_find_char(ret->text, ' ');
		ret->host = str_head(ret->text, space);
		ret->text = str_skip(ret->text, space + 1);
		take_tag(ret);
		break;
	}
	case LOG_TIME_EXIM:
	case LOG_TIME_TAI64N:
	case LOG_TIME_PHP:
		break;
	}
	return true;
}
