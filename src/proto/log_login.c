/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_login: logins to mailboxes and to SMTP AUTH, as Dovecot, Courier, saslauthd and Plesk write
 * them. Layer: proto (pure).
 *
 * A user name in a failed login is a stranger's text: it is not taken at all.
 */
#include "proto/log_event.h"

#include "base/poison.h"

/* The value of `name` ("user=", "rip=") among fields that are divided by ", "; a value in <> ends
 * at its bracket. The fields of a *successful* login are the server's own text. */
static struct str field_of(struct str text, struct str name)
{
	while (text.len > 0) {
		if (str_has_prefix(text, name)) {
			struct str value = str_skip(text, name.len);
			struct str inner;
			if (log_event_take_address(&value, &inner)) {
				return inner;
			}
			return str_head(value, str_find_char(value, ','));
		}
		text = str_skip(text, log_event_pair_len(text) + 2);
	}
	return STR_EMPTY;
}

static struct str plain_address(struct str addr)
{
	if (addr.len >= 2 && addr.ptr[0] == '[') {
		addr = str_head(str_skip(addr, 1), str_find_char(addr, ']') - 1);
	}
	return str_has_prefix_nocase(addr, STR("::ffff:")) ? str_skip(addr, 7) : addr;
}

/* "imap-login: Login: user=<u>, method=…, rip=…", also "Logged in: ". */
static void parse_dovecot(struct str text, struct log_event *ret)
{
	static const struct str begins[] = {
		{"Login: ", 7}, {"Logged in: ", 11}, {"Info: Login: ", 13}};
	static const struct str failures[] = {{"(auth failed", 12},
					      {"Password mismatch", 17},
					      {"unknown user", 12},
					      {"Authentication failure", 22}};
	if (str_has_prefix(text, STR("imap(")) || str_has_prefix(text, STR("pop3(")) ||
	    str_has_prefix(text, STR("lmtp("))) {
		return; /* of a mailbox that is open */
	}
	size_t end = str_find_char(str_head(text, 24), '-');
	if (end < 16 && str_has_prefix(str_skip(text, end), STR("-login: "))) {
		text = str_skip(text, end + 8);
	}
	for (size_t i = 0; i < COUNT_OF(begins); i++) {
		if (str_has_prefix(text, begins[i])) {
			text = str_skip(text, begins[i].len);
			ret->type = LOG_AUTH;
			ret->account = field_of(text, STR("user="));
			ret->client_addr = plain_address(field_of(text, STR("rip=")));
			return;
		}
	}
	for (size_t i = 0; i < COUNT_OF(failures); i++) {
		if (str_find(text, failures[i]) < text.len) {
			ret->type = LOG_AUTH_FAILED;
			return;
		}
	}
}

/* "LOGIN, user=u, ip=[::ffff:1.2.3.4], …" */
static void parse_courier(struct str text, struct log_event *ret)
{
	if (str_has_prefix(text, STR("LOGIN, "))) {
		text = str_skip(text, 7);
		ret->type = LOG_AUTH;
		ret->account = field_of(text, STR("user="));
		ret->client_addr = plain_address(field_of(text, STR("ip=")));
	} else if (str_has_prefix(text, STR("LOGIN FAILED"))) {
		ret->type = LOG_AUTH_FAILED;
	}
}

/* Plesk's qmail: "SMTP user u : /var/qmail/mailnames/… logged in from (null)@(null) [1.2.3.4]" */
static bool parse_plesk_smtp(struct str text, struct log_event *ret)
{
	size_t in = str_find(text, STR(" logged in from "));

	if (!str_has_prefix(text, STR("SMTP user ")) || in == text.len) {
		return false;
	}
	struct str from = str_skip(text, in + 16);
	struct str name;
	text = str_skip(text, 10);
	ret->type = LOG_AUTH;
	ret->account = str_take_until(&text, ' ');
	(void)log_event_split_client(from, &name, &ret->client_addr);
	return true;
}

void log_event_login(const struct log_line *l, struct log_event *ret)
{
	ret->type = LOG_OTHER;
	if (str_is_equal(l->program, STR("dovecot")) || str_has_suffix(l->program, STR("-login"))) {
		parse_dovecot(l->text, ret);
	} else if (str_has_prefix(l->program, STR("imap")) ||
		   str_has_prefix(l->program, STR("pop3")) ||
		   str_has_prefix(l->program, STR("courierpop3")) ||
		   str_has_prefix(l->program, STR("courierimap"))) {
		parse_courier(l->text, ret);
	} else if (parse_plesk_smtp(l->text, ret)) {
		return;
	} else if (str_find(l->text, STR("authentication failure")) < l->text.len ||
		   str_find(l->text, STR("No such user")) < l->text.len ||
		   str_has_prefix(l->text, STR("failed mail authentication")) ||
		   str_find(l->text, STR("auth failure")) < l->text.len) {
		ret->type = LOG_AUTH_FAILED;
	}
}
