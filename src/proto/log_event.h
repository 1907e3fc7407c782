/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_event: what one line of a mail log says, the same for every mail server.
 *
 * Parsed by position with the grammar of the program that wrote the line, never by searching:
 * Subject, HELO, Message-ID, addresses and failed logins are text that strangers chose, and may
 * look like any field. Layer: proto (pure).
 */
#ifndef PROTO_LOG_EVENT_H
#define PROTO_LOG_EVENT_H

#include "base/attr.h"
#include "proto/log_line.h"

enum log_event_type {
	LOG_NOT_MAIL,   /* no mail server's line */
	LOG_OTHER,      /* a mail server's line that says nothing about a message: known, ignored */
	LOG_UNKNOWN,    /* a mail server's line of a form we do not know: counted */
	LOG_ARRIVED,    /* a message came in: client, account, login or uid */
	LOG_MESSAGE_ID, /* its Message-ID */
	LOG_QUEUED,     /* sender (again at each retry) */
	LOG_DELIVERY,   /* one recipient: what became of it */
	LOG_BOUNCE,     /* id2 is the notice about id */
	LOG_ENDED,      /* left the queue: its id may be used again */
	LOG_REJECTED,   /* refused before it became a message */
	LOG_AUTH,       /* a login that succeeded, with or without a message */
	LOG_AUTH_FAILED,
	LOG_CWD,        /* Exim: the folder from which the next local message comes */
	LOG_SCRIPT,     /* PHP: which file called mail() */
	LOG_LOST_LINES, /* the logger says that it dropped lines: `count` of them, 0: unknown */
	LOG_REPEATED,   /* the line before came `count` times more */
	LOG_EVENT_COUNT,
};

enum log_delivery {
	LOG_SENT,
	LOG_BOUNCED,
	LOG_DEFERRED,
	LOG_EXPIRED,
	LOG_DELIVERY_COUNT,
};

enum log_mta {
	LOG_MTA_NONE,
	LOG_MTA_POSTFIX,
	LOG_MTA_EXIM,
	LOG_MTA_QMAIL,
	LOG_MTA_SENDMAIL,
	LOG_MTA_COUNT,
};

/* All views borrow from the line; an absent one is empty. */
struct log_event {
	enum log_event_type type;
	enum log_mta mta;
	struct str id;  /* queue id */
	struct str id2; /* of the bounce; of the message before a requeue or filter */
	struct str sender;
	bool has_sender; /* an empty sender is a bounce's */
	struct str rcpt;
	struct str orig_rcpt; /* an alias or forward stood before it */
	struct str client_name;
	struct str client_addr; /* without brackets and port */
	struct str account;     /* SASL login */
	struct str login;       /* local user's name */
	uint32_t uid;
	bool has_uid;
	struct str message_id; /* without <> */
	struct str subject;
	struct str cwd;
	struct str script; /* path of the file */
	uint32_t script_line;
	uint32_t count;
	enum log_delivery delivery;
	bool is_unknown_rcpt; /* refused for good, because there is no such user */
	bool is_refused;      /* refused, because it looks like spam or its sender is blocked */
	bool is_local_relay;  /* handed to a filter, a mailbox or another local service */
	struct str relay;
	struct str reason;
};

/** Postfix, all versions from 2.x: `l` has the program ("smtpd", "qmgr" …) and the text. */
void log_event_postfix(const struct log_line *l, struct log_event *ret);
/** Exim's own main log, or its lines through syslog (the inner time, if any, is skipped). */
void log_event_exim(const struct log_line *l, struct log_event *ret);
/** qmail-send through multilog or syslog ("qmail:"). */
void log_event_qmail(const struct log_line *l, struct log_event *ret);
/** sendmail. */
void log_event_sendmail(const struct log_line *l, struct log_event *ret);
/** Dovecot, Courier, saslauthd, Plesk: logins and their failures. */
void log_event_login(const struct log_line *l, struct log_event *ret);
/** PHP's mail.log, its own file or through syslog. */
void log_event_php(const struct log_line *l, struct log_event *ret);

/** Whichever of these the line belongs to. */
void log_event_parse(const struct log_line *l, struct log_event *ret);

/* For the parsers. */

/** Octets of the queue id that the text begins with and that ": " follows; 0: it does not. */
size_t log_event_id_len(struct str text);
/** Does the text begin with a queue id and ": "? Takes both off. Inline, so that a text that is cut
 * again and again stays in registers. */
static inline bool log_event_take_id(struct str *text, struct str *ret_id)
{
	size_t n = log_event_id_len(*text);

	if (n == 0) {
		return false;
	}
	*ret_id = (struct str){text->ptr, n};
	*text = (struct str){text->ptr + n + 2, text->len - n - 2};
	return true;
}
/** Octets of the "name=value" that the text begins with: up to the first ", ", or all.
 * Inline, because how long a value is can be foretold from where it stands. */
static inline size_t log_event_pair_len(struct str s)
{
	size_t at = 0;

#ifdef __SSE2__
	for (; at + 17 <= s.len; at += 16) {
		const __m128i *p = (const __m128i *)(const void *)(s.ptr + at);
		const __m128i *next = (const __m128i *)(const void *)(s.ptr + at + 1);
		__m128i comma = _mm_cmpeq_epi8(_mm_loadu_si128(p), _mm_set1_epi8(','));
		__m128i space = _mm_cmpeq_epi8(_mm_loadu_si128(next), _mm_set1_epi8(' '));
		int hits = _mm_movemask_epi8(_mm_and_si128(comma, space));
		if (hits != 0) {
			return at + (size_t)__builtin_ctz((unsigned)hits);
		}
	}
#endif
	while (at + 1 < s.len && (s.ptr[at] != ',' || s.ptr[at + 1] != ' ')) {
		at++;
	}
	return at + 1 < s.len ? at : s.len;
}
/** "name[address]" or "name[address]:port": split. @return false when it is not of this form. */
bool log_event_split_client(struct str text, struct str *ret_name, struct str *ret_addr);
/** Octets of the "<address>" that the text begins with, where quoted strings may hold brackets and
 * commas; 0: it does not. */
size_t log_event_address_len(struct str text);
/** Take it off, without the brackets. */
static inline bool log_event_take_address(struct str *text, struct str *ret)
{
	size_t n = log_event_address_len(*text);

	if (n == 0) {
		return false;
	}
	*ret = (struct str){text->ptr + 1, n - 2};
	*text = (struct str){text->ptr + n, text->len - n};
	return true;
}
/** Does the reason of a refusal say that the mail or its sender is taken for spam? */
bool log_event_is_spam_refusal(struct str dsn, struct str reason);
/** Does the reason of a refusal say that there is no such user? */
bool log_event_is_unknown_user(struct str dsn, struct str reason);

#endif
