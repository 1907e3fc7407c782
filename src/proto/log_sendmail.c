/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_sendmail: lines of sendmail: "QID: name=value, name=value …". Layer: proto (pure).
 */
#include "proto/log_event.h"

#include "base/num.h"

#include "base/poison.h"

/* "name=value" up to ", " before the next name; a value may hold commas within <>. */
static bool take_pair(struct str *text, struct str *ret_name, struct str *ret_value)
{
	size_t eq = str_find_char(*text, '=');
	unsigned depth = 0;
	size_t i;

	if (eq == text->len) {
		return false;
	}
	*ret_name = str_head(*text, eq);
	for (i = eq + 1; i < text->len; i++) {
		char c = text->ptr[i];
		if (c == '<') {
			depth++;
		} else if (c == '>' && depth > 0) {
			depth--;
		} else if (c == ',' && depth == 0 && i + 1 < text->len && text->ptr[i + 1] == ' ') {
			break;
		}
	}
	*ret_value = (struct str){text->ptr + eq + 1, i - eq - 1};
	*text = str_skip(*text, i + 2);
	return true;
}

static struct str strip_angles(struct str s)
{
	if (s.len >= 2 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>') {
		return (struct str){s.ptr + 1, s.len - 2};
	}
	return s;
}

/* "name [1.2.3.4] (may be forged)" */
static void take_relay(struct str relay, struct log_event *ret)
{
	ret->relay = relay;
	if (!log_event_split_client(relay, &ret->client_name, &ret->client_addr)) {
		ret->client_name = relay;
	}
	ret->client_name = str_trim(ret->client_name);
}

static void parse_from(struct str text, struct log_event *ret)
{
	struct str name;
	struct str value;

	ret->type = LOG_ARRIVED;
	while (take_pair(&text, &name, &value)) {
		if (str_is_equal(name, STR("from"))) {
			ret->sender = strip_angles(value);
			ret->has_sender = true;
		} else if (str_is_equal(name, STR("msgid"))) {
			ret->message_id = strip_angles(value);
		} else if (str_is_equal(name, STR("relay"))) {
			take_relay(value, ret);
		}
	}
	/* A local submission's relay is "user@localhost". */
	size_t at = str_find(ret->relay, STR("@localhost"));
	if (at < ret->relay.len && ret->client_addr.len == 0) {
		ret->login = str_head(ret->relay, at);
	}
}

static bool parse_stat(struct str stat, struct log_event *ret)
{
	static const struct {
		const char *prefix;
		enum log_delivery delivery;
	} rows[] = {{"Sent", LOG_SENT},
		    {"Deferred", LOG_DEFERRED},
		    {"queued", LOG_DEFERRED},
		    {"User unknown", LOG_BOUNCED},
		    {"Service unavailable", LOG_BOUNCED},
		    {"Host unknown", LOG_BOUNCED},
		    {"Data format error", LOG_BOUNCED},
		    {"Returned", LOG_BOUNCED},
		    {"Can't create output", LOG_BOUNCED},
		    {"Local configuration error", LOG_BOUNCED}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (str_has_prefix(stat, str_of(rows[i].prefix))) {
			ret->delivery = rows[i].delivery;
			ret->reason = stat;
			return true;
		}
	}
	return false;
}

/* "Sent (Q2 Message accepted for delivery)": the entry that goes on. */
static struct str next_id(struct str stat)
{
	size_t open = str_find_char(stat, '(');
	struct str inner = str_skip(stat, open + 1);
	size_t space = str_find_char(inner, ' ');

	return str_find(inner, STR("Message accepted for delivery")) < inner.len
		       ? str_head(inner, space)
		       : STR_EMPTY;
}

/* Sendmail keeps of most refusals only its own words for them: what is for good, about no single
 * mailbox and not about size or a full one (x.2.2, x.3.4) is about the message or the sender. */
static bool is_refusal(struct str dsn, struct str reason)
{
	return log_event_is_spam_refusal(dsn, reason) ||
	       (str_has_prefix(reason, STR("Service unavailable")) &&
		!str_has_prefix(dsn, STR("5.2.")) && !str_has_prefix(dsn, STR("5.3.")) &&
		!str_has_prefix(dsn, STR("5.4.")));
}

static void parse_to(struct str text, struct log_event *ret)
{
	struct str name;
	struct str value;
	struct str dsn = STR_EMPTY;

	ret->type = LOG_UNKNOWN;
	/* `stat` is the last field, and strangers' text begins in it. */
	size_t stat = str_find(text, STR(", stat="));
	struct str fields = str_head(text, stat);
	while (take_pair(&fields, &name, &value)) {
		if (str_is_equal(name, STR("to"))) {
			ret->rcpt = value;
		} else if (str_is_equal(name, STR("ctladdr"))) {
			size_t space = str_find_char(value, ' ');
			ret->login = strip_angles(str_head(value, space));
		} else if (str_is_equal(name, STR("relay"))) {
			ret->relay = value;
		} else if (str_is_equal(name, STR("dsn"))) {
			dsn = value;
		}
	}
	if (stat == text.len || !parse_stat(str_skip(text, stat + 7), ret)) {
		return;
	}
	ret->type = LOG_DELIVERY;
	ret->id2 = next_id(ret->reason);
	ret->is_local_relay = ret->id2.len > 0 ||
			      str_find(ret->relay, STR("[127.0.0.1]")) < ret->relay.len;
	if (ret->delivery == LOG_BOUNCED) {
		ret->is_unknown_rcpt = log_event_is_unknown_user(dsn, ret->reason);
		ret->is_refused = !ret->is_unknown_rcpt && is_refusal(dsn, ret->reason);
	}
}

static void parse_auth(struct str text, struct log_event *ret)
{
	struct str name;
	struct str value;

	ret->type = LOG_AUTH;
	while (take_pair(&text, &name, &value)) {
		if (str_is_equal(name, STR("relay"))) {
			take_relay(value, ret);
		} else if (str_is_equal(name, STR("authid"))) {
			ret->account = value;
		}
	}
}

void log_event_sendmail(const struct log_line *l, struct log_event *ret)
{
	struct str text = l->text;

	ret->mta = LOG_MTA_SENDMAIL;
	ret->type = LOG_OTHER;
	if (str_has_prefix(text, STR("AUTH=server, "))) {
		parse_auth(str_skip(text, 13), ret);
		return;
	}
	if (!log_event_take_id(&text, &ret->id)) {
		return;
	}
	struct str notice = text;
	if (log_event_take_id(&notice, &ret->id2) &&
	    (str_has_prefix(notice, STR("DSN: ")) ||
	     str_has_prefix(notice, STR("return to sender: ")))) {
		ret->type = LOG_BOUNCE;
		return;
	}
	ret->id2 = STR_EMPTY;
	if (str_has_prefix(text, STR("from="))) {
		parse_from(text, ret);
	} else if (str_has_prefix(text, STR("to="))) {
		parse_to(text, ret);
	} else if (str_has_prefix(text, STR("AUTH=server, "))) {
		parse_auth(str_skip(text, 13), ret);
	} else if (str_has_prefix(text, STR("ruleset="))) {
		ret->type = LOG_REJECTED;
	}
}
