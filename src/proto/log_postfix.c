/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_postfix: lines of Postfix, 2.x to 3.11. Layer: proto (pure).
 *
 * Source: the msg_info calls of smtpd, pickup, cleanup, qmgr, the delivery agents, bounce and
 * postsuper. Every field is where its writer puts it; the first text that a stranger chose ends
 * what is read of a line.
 */
#include "proto/log_event.h"

#include "base/num.h"

#include "base/poison.h"

/* "client=name[ip]:port, sasl_method=LOGIN, sasl_username=u, orig_queue_id=…" */
static void parse_client(struct str text, struct log_event *ret)
{
	size_t end;

	ret->type = LOG_ARRIVED;
	for (; text.len > 0; text = str_skip(text, end + 2)) {
		end = log_event_pair_len(text);
		struct str pair = {text.ptr, end};
		if (str_has_prefix(pair, STR("client="))) {
			(void)log_event_split_client(str_skip(pair, 7), &ret->client_name,
						     &ret->client_addr);
		} else if (str_has_prefix(pair, STR("sasl_username="))) {
			ret->account = str_skip(pair, 14);
		} else if (str_has_prefix(pair, STR("orig_queue_id="))) {
			ret->id2 = str_skip(pair, 14);
		}
	}
}

static void parse_smtpd(struct str text, bool has_id, struct log_event *ret)
{
	if (has_id && str_has_prefix(text, STR("client="))) {
		parse_client(text, ret);
	} else if (str_has_prefix(text, STR("NOQUEUE: reject")) ||
		   (has_id && str_has_prefix(text, STR("reject: ")))) {
		ret->type = LOG_REJECTED;
	} else if (str_has_prefix(text, STR("warning: ")) &&
		   str_find(text, STR(" authentication failed")) < text.len) {
		struct str client = str_skip(text, 9);
		ret->type = LOG_AUTH_FAILED;
		(void)log_event_split_client(client, &ret->client_name, &ret->client_addr);
	} else {
		ret->type = LOG_OTHER;
	}
}

/* "uid=33 from=<www-data> orig_id=…" */
static void parse_pickup(struct str text, struct log_event *ret)
{
	uint64_t uid;

	ret->type = LOG_OTHER;
	if (!str_has_prefix(text, STR("uid="))) {
		return;
	}
	text = str_skip(text, 4);
	struct str number = str_take_until(&text, ' ');
	if (num_parse_u64(number, UINT32_MAX, &uid) < 0 || !str_has_prefix(text, STR("from="))) {
		ret->type = LOG_UNKNOWN;
		return;
	}
	ret->type = LOG_ARRIVED;
	ret->uid = (uint32_t)uid;
	ret->has_uid = true;
	text = str_skip(text, 5);
	ret->has_sender = log_event_take_address(&text, &ret->sender);
	if (str_has_prefix(text, STR(" orig_id="))) {
		ret->id2 = str_skip(text, 9);
	}
}

static struct str strip_angles(struct str s)
{
	s = str_trim(s);
	if (s.len >= 2 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>') {
		return (struct str){s.ptr + 1, s.len - 2};
	}
	return s;
}

static void parse_cleanup(struct str text, struct log_event *ret)
{
	if (str_has_prefix(text, STR("message-id="))) {
		ret->type = LOG_MESSAGE_ID;
		ret->message_id = strip_angles(str_skip(text, 11));
	} else if (str_has_prefix(text, STR("milter-reject:")) ||
		   str_has_prefix(text, STR("reject:"))) {
		ret->type = LOG_REJECTED;
	} else if (str_is_equal(text, STR("canceled"))) {
		ret->type = LOG_ENDED;
	}
}

/* "from=<a>, size=1, nrcpt=2 (queue active)" | "from=<a>, status=expired, …" | "removed" */
static void parse_qmgr(struct str text, struct log_event *ret)
{
	ret->type = LOG_OTHER;
	if (str_is_equal(text, STR("removed"))) {
		ret->type = LOG_ENDED;
		return;
	}
	if (!str_has_prefix(text, STR("from="))) {
		return;
	}
	text = str_skip(text, 5);
	ret->has_sender = log_event_take_address(&text, &ret->sender);
	if (!ret->has_sender) {
		ret->type = LOG_UNKNOWN;
		return;
	}
	if (str_has_prefix(text, STR(", size="))) {
		ret->type = LOG_QUEUED;
	} else if (str_has_prefix(text, STR(", status=expired")) ||
		   str_has_prefix(text, STR(", status=force-expired"))) {
		ret->type = LOG_DELIVERY;
		ret->delivery = LOG_EXPIRED;
	}
}

static bool is_local_relay(struct str relay)
{
	static const struct str local[] = {
		{"local", 5}, {"virtual", 7}, {"dovecot", 7}, {"lmtp", 4},     {"maildrop", 8},
		{"cyrus", 5}, {"none", 4},    {"avcheck", 7}, {"procmail", 8}, {"pipe", 4}};
	size_t bracket = str_find_char(relay, '[');

	if (bracket < relay.len) {
		struct str from = str_skip(relay, bracket);
		return str_has_prefix(from, STR("[127.0.0.1]")) ||
		       str_has_prefix(from, STR("[::1]")) || str_has_prefix(relay, STR("plesk"));
	}
	for (size_t i = 0; i < COUNT_OF(local); i++) {
		if (relay.len > 0 && relay.ptr[0] == local[i].ptr[0] &&
		    str_has_prefix(relay, local[i])) {
			return true;
		}
	}
	return str_has_prefix(relay, STR("plesk"));
}

static bool parse_status(struct str status, struct log_event *ret)
{
	static const struct {
		struct str word;
		enum log_delivery delivery;
	} words[] = {{{"sent", 4}, LOG_SENT},
		     {{"bounced", 7}, LOG_BOUNCED},
		     {{"deferred", 8}, LOG_DEFERRED},
		     {{"expired", 7}, LOG_EXPIRED},
		     {{"deliverable", 11}, LOG_SENT},
		     {{"undeliverable", 13}, LOG_BOUNCED},
		     {{"deliverable-but-not-cached", 26}, LOG_SENT},
		     {{"undeliverable-but-not-cached", 28}, LOG_BOUNCED},
		     {{"SOFTBOUNCE", 10}, LOG_DEFERRED}};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_is_equal(status, words[i].word)) {
			ret->delivery = words[i].delivery;
			return true;
		}
	}
	return false;
}

/* "to=<r>, orig_to=<o>, relay=h[ip]:25, …, dsn=5.1.1, status=bounced (reason)" */
static void parse_agent(struct str text, struct log_event *ret)
{
	struct str dsn = STR_EMPTY;

	ret->type = LOG_OTHER;
	if (!str_has_prefix(text, STR("to="))) {
		return;
	}
	ret->type = LOG_UNKNOWN;
	text = str_skip(text, 3);
	if (text.len > 0 && text.ptr[0] != '<') {
		/* An address that Postfix could not make one of: without brackets and spaces. */
		ret->rcpt = str_take(&text, log_event_pair_len(text));
	} else if (!log_event_take_address(&text, &ret->rcpt)) {
		return;
	}
	if (str_has_prefix(text, STR(", orig_to="))) {
		text = str_skip(text, 10);
		if (text.len > 0 && text.ptr[0] != '<') {
			ret->orig_rcpt = str_take(&text, log_event_pair_len(text));
		} else if (!log_event_take_address(&text, &ret->orig_rcpt)) {
			return;
		}
	}
	text = str_skip(text, 2);
	while (!str_has_prefix(text, STR("status="))) {
		size_t end = log_event_pair_len(text);
		if (end == text.len) {
			return;
		}
		if (str_has_prefix(text, STR("relay="))) {
			ret->relay = (struct str){text.ptr + 6, end - 6};
		} else if (str_has_prefix(text, STR("dsn="))) {
			dsn = (struct str){text.ptr + 4, end - 4};
		}
		text = (struct str){text.ptr + end + 2, text.len - end - 2};
	}
	text = str_skip(text, 7);
	if (!parse_status(str_take_until(&text, ' '), ret)) {
		return;
	}
	ret->type = LOG_DELIVERY;
	ret->reason = text;
	ret->is_local_relay = is_local_relay(ret->relay);
	if (ret->delivery == LOG_BOUNCED) {
		ret->is_unknown_rcpt = log_event_is_unknown_user(dsn, text);
		ret->is_refused = !ret->is_unknown_rcpt && log_event_is_spam_refusal(dsn, text);
	}
}

static void parse_bounce(struct str text, struct log_event *ret)
{
	static const struct str words[] = {{"sender non-delivery notification: ", 34},
					   {"postmaster non-delivery notification: ", 38},
					   {"sender delivery status notification: ", 37},
					   {"sender delay notification: ", 27},
					   {"postmaster delay notification: ", 31}};

	ret->type = LOG_OTHER;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_has_prefix(text, words[i])) {
			ret->type = LOG_BOUNCE;
			ret->id2 = str_skip(text, words[i].len);
			return;
		}
	}
}

void log_event_postfix(const struct log_line *l, struct log_event *ret)
{
	struct str text = {l->text.ptr, l->text.len};
	bool has_id = log_event_take_id(&text, &ret->id);

	ret->mta = LOG_MTA_POSTFIX;
	ret->type = LOG_OTHER;
	if (l->writer == LOG_WRITER_POSTFIX_SMTPD) {
		parse_smtpd(text, has_id, ret);
		return;
	}
	if (!has_id) {
		return;
	}
	switch ((int)l->writer) {
	case LOG_WRITER_POSTFIX_CLEANUP:
		parse_cleanup(text, ret);
		break;
	case LOG_WRITER_POSTFIX_PICKUP:
		parse_pickup(text, ret);
		break;
	case LOG_WRITER_POSTFIX_QMGR:
		parse_qmgr(text, ret);
		break;
	case LOG_WRITER_POSTFIX_BOUNCE:
		parse_bounce(text, ret);
		break;
	case LOG_WRITER_POSTFIX_POSTSUPER:
		ret->type = str_is_equal(text, STR("removed")) ? LOG_ENDED : LOG_OTHER;
		break;
	default:
		parse_agent(text, ret);
		/* These never deliver here: "none" is a host that could not be reached. */
		if (l->writer == LOG_WRITER_POSTFIX_ABROAD) {
			ret->is_local_relay = ret->is_local_relay &&
					      !str_is_equal(ret->relay, STR("none"));
		}
		break;
	}
}
