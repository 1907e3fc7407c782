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

bool log_event_take_id(struct str *text, struct str *ret_id)
{
	size_t n = 0;
	bool is_word = true; /* "warning", "statistics": programs' words, never ids */

	while (n < text->len && n <= QUEUE_ID_MAX && is_id_char(text->ptr[n])) {
		is_word = is_word && text->ptr[n] >= 'a';
		n++;
	}
	if (is_word || str_has_prefix(*text, STR("NOQUEUE:"))) {
		return false;
	}
	if (n < QUEUE_ID_MIN || n > QUEUE_ID_MAX || n + 1 >= text->len || text->ptr[n] != ':' ||
	    text->ptr[n + 1] != ' ') {
		return false;
	}
	*ret_id = str_head(*text, n);
	*text = str_skip(*text, n + 2);
	return true;
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

bool log_event_take_address(struct str *text, struct str *ret)
{
	bool quoted = false;

	if (text->len == 0 || text->ptr[0] != '<') {
		return false;
	}
	for (size_t i = 1; i < text->len; i++) {
		char c = text->ptr[i];
		if (c == '\\' && quoted) {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == '>' && !quoted) {
			*ret = (struct str){text->ptr + 1, i - 1};
			*text = str_skip(*text, i + 1);
			return true;
		}
	}
	return false;
}

bool log_event_is_unknown_user(struct str dsn, struct str reason)
{
	static const char *const texts[] = {
		"user unknown",        "unknown user",
		"no such user",        "does not exist",
		"unrouteable address", "no mailbox",
		"mailbox unavailable", "recipient address rejected: undeliverable",
		"invalid recipient",   "recipient not found",
		"unknown recipient",   "not a valid user"};

	if (str_is_equal(dsn, STR("5.1.1")) || str_is_equal(dsn, STR("5.1.6")) ||
	    str_is_equal(dsn, STR("5.1.10"))) {
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (str_find_nocase(reason, str_of(texts[i])) < reason.len) {
			return true;
		}
	}
	return false;
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

static bool is_one_of(struct str s, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is_equal(s, str_of(names[i]))) {
			return true;
		}
	}
	return false;
}

static void parse_syslog(const struct log_line *l, struct log_event *ret)
{
	static const char *const sendmails[] = {"sendmail", "sm-mta", "sm-msp-queue", "sm-mta-in",
						"sm-que"};
	static const char *const qmails[] = {"qmail", "qmail-send"};
	static const char *const exims[] = {"exim", "exim4"};
	static const char *const loggers[] = {"rsyslogd", "systemd-journald", "syslogd",
					      "syslog-ng", "kernel"};
	static const char *const logins[] = {
		"dovecot",          "imapd",         "pop3d",      "imapd-ssl",
		"pop3d-ssl",        "authdaemond",   "saslauthd",  "plesk_saslauthd",
		"smtp_auth",        "courieresmtpd", "imaplogin",  "pop3login",
		"psa-pc-remote",    "imap-login",    "pop3-login", "submission-login",
		"managesieve-login"};

	if (str_has_prefix(l->path, STR("postfix"))) {
		log_event_postfix(l, ret);
	} else if (is_one_of(l->program, exims, COUNT_OF(exims))) {
		log_event_exim(l, ret);
	} else if (is_one_of(l->program, qmails, COUNT_OF(qmails))) {
		log_event_qmail(l, ret);
	} else if (is_one_of(l->program, sendmails, COUNT_OF(sendmails))) {
		log_event_sendmail(l, ret);
	} else if (is_one_of(l->program, logins, COUNT_OF(logins))) {
		log_event_login(l, ret);
	} else if (str_has_prefix(l->program, STR("php"))) {
		log_event_php(l, ret);
	} else if (is_one_of(l->program, loggers, COUNT_OF(loggers)) || l->program.len == 0) {
		(void)parse_logger(l, ret);
	}
}

void log_event_parse(const struct log_line *l, struct log_event *ret)
{
	*ret = (struct log_event){.type = LOG_NOT_MAIL};
	switch (l->form) {
	case LOG_TIME_RFC3164:
	case LOG_TIME_RFC3339:
		parse_syslog(l, ret);
		break;
	case LOG_TIME_EXIM:
		log_event_exim(l, ret);
		break;
	case LOG_TIME_TAI64N:
		log_event_qmail(l, ret);
		break;
	case LOG_TIME_PHP:
		log_event_php(l, ret);
		break;
	case LOG_TIME_NONE:
		break;
	}
}
