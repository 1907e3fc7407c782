/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_qmail: lines of qmail-send. Layer: proto (pure).
 *
 * A message is its inode number, used again at once after "end msg". There is no Message-ID: the
 * process number of qmail-queue (`qp`) is in the mail's Received line and stands in id2.
 * A delivery's lines after its start carry only the delivery's number, so the event has it as
 * `count`, and the id is empty: who joins knows which message it was.
 * Source: qmail-log(5).
 */
#include "proto/log_event.h"

#include "base/num.h"

#include "base/poison.h"

static bool take_number(struct str *text, char end, uint32_t *ret)
{
	uint64_t n;
	struct str digits = str_take_until(text, end);

	if (num_parse_u64(digits, UINT32_MAX, &n) < 0) {
		return false;
	}
	*ret = (uint32_t)n;
	return true;
}

/* "info msg M: bytes B from <S> qp Q uid U" */
static void parse_info(struct str text, struct log_event *ret)
{
	uint32_t size_bytes;

	ret->type = LOG_UNKNOWN;
	ret->id = str_take_until(&text, ':');
	if (!str_has_prefix(text, STR(" bytes "))) {
		return;
	}
	text = str_skip(text, 7);
	if (!take_number(&text, ' ', &size_bytes) || !str_has_prefix(text, STR("from "))) {
		return;
	}
	text = str_skip(text, 5);
	if (!log_event_take_address(&text, &ret->sender) || !str_has_prefix(text, STR(" qp "))) {
		return;
	}
	ret->has_sender = true;
	text = str_skip(text, 4);
	ret->id2 = str_take_until(&text, ' ');
	if (!str_has_prefix(text, STR("uid ")) ||
	    (text = str_skip(text, 4), !take_number(&text, ' ', &ret->uid))) {
		return;
	}
	ret->has_uid = true;
	ret->type = LOG_ARRIVED;
}

/* "starting delivery D: msg M to remote R" */
static void parse_start(struct str text, struct log_event *ret)
{
	ret->type = LOG_UNKNOWN;
	if (!take_number(&text, ':', &ret->count) || !str_has_prefix(text, STR(" msg "))) {
		return;
	}
	text = str_skip(text, 5);
	ret->id = str_take_until(&text, ' ');
	if (!str_has_prefix(text, STR("to "))) {
		return;
	}
	text = str_skip(text, 3);
	ret->is_local_relay = str_is_equal(str_take_until(&text, ' '), STR("local"));
	ret->rcpt = text;
	ret->type = LOG_QUEUED;
}

/* "delivery D: success: …" */
static void parse_result(struct str text, struct log_event *ret)
{
	ret->type = LOG_UNKNOWN;
	if (!take_number(&text, ':', &ret->count)) {
		return;
	}
	text = str_trim(text);
	struct str word = str_take_until(&text, ':');
	if (str_is_equal(word, STR("success"))) {
		ret->delivery = LOG_SENT;
	} else if (str_is_equal(word, STR("failure"))) {
		ret->delivery = LOG_BOUNCED;
	} else if (str_is_equal(word, STR("deferral"))) {
		ret->delivery = LOG_DEFERRED;
	} else {
		return;
	}
	ret->type = LOG_DELIVERY;
	ret->reason = str_trim(text);
	if (ret->delivery == LOG_BOUNCED) {
		ret->is_unknown_rcpt = str_find(text, STR("_5.1.1_")) < text.len ||
				       log_event_is_unknown_user(STR_EMPTY, text);
		ret->is_refused = !ret->is_unknown_rcpt &&
				  log_event_is_spam_refusal(STR_EMPTY, text);
	}
}

void log_event_qmail(const struct log_line *l, struct log_event *ret)
{
	struct str text = l->text;

	ret->mta = LOG_MTA_QMAIL;
	ret->type = LOG_OTHER;
	/* Through splogger each line has its own "1157520813.485077 " in front. */
	struct str stamp = text;
	struct str first = str_take_until(&stamp, ' ');
	if (str_find_char(first, '.') == 10 && first.len == 17 && char_is_digit(first.ptr[0])) {
		text = stamp;
	}
	if (str_has_prefix(text, STR("info msg "))) {
		parse_info(str_skip(text, 9), ret);
	} else if (str_has_prefix(text, STR("starting delivery "))) {
		parse_start(str_skip(text, 18), ret);
	} else if (str_has_prefix(text, STR("delivery "))) {
		parse_result(str_skip(text, 9), ret);
	} else if (str_has_prefix(text, STR("end msg "))) {
		ret->type = LOG_ENDED;
		ret->id = str_skip(text, 8);
	} else if (str_has_prefix(text, STR("bounce msg "))) {
		text = str_skip(text, 11);
		ret->type = LOG_BOUNCE;
		ret->id = str_take_until(&text, ' ');
		ret->id2 = str_has_prefix(text, STR("qp ")) ? str_skip(text, 3) : STR_EMPTY;
	}
}
