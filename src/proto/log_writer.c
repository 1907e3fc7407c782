/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_writer: programs by their tags. Layer: proto (pure).
 */
#include "proto/log_writer.h"

#include "base/poison.h"

static bool is_one_of(struct str s, const struct str *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is_equal(s, names[i])) {
			return true;
		}
	}
	return false;
}

static bool is_login(struct str program)
{
	static const struct str logins[] = {{"dovecot", 7},
					    {"imapd", 5},
					    {"pop3d", 5},
					    {"imapd-ssl", 9},
					    {"pop3d-ssl", 9},
					    {"authdaemond", 11},
					    {"saslauthd", 9},
					    {"plesk_saslauthd", 15},
					    {"smtp_auth", 9},
					    {"courieresmtpd", 13},
					    {"imaplogin", 9},
					    {"pop3login", 9},
					    {"psa-pc-remote", 13},
					    {"courierpop3login", 16},
					    {"courierimaplogin", 16},
					    {"imap-login", 10},
					    {"pop3-login", 10},
					    {"submission-login", 16},
					    {"managesieve-login", 17}};

	return is_one_of(program, logins, COUNT_OF(logins));
}

static bool is_sendmail(struct str program)
{
	static const struct str names[] = {{"sendmail", 8},      {"sm-mta", 6},
					   {"sm-msp-queue", 12}, {"sm-mta-in", 9},
					   {"sm-que", 6},        {"sm-acceptingconnections", 23}};

	return is_one_of(program, names, COUNT_OF(names));
}

static bool is_logger(struct str program)
{
	static const struct str names[] = {{"rsyslogd", 8},
					   {"systemd-journald", 16},
					   {"syslogd", 7},
					   {"syslog-ng", 9},
					   {"kernel", 6}};

	return program.len == 0 || is_one_of(program, names, COUNT_OF(names));
}

/* With its own syslog_name ("mx-out/smtp") Postfix is known by its daemons' names. */
static bool is_postfix(struct str path, struct str program)
{
	static const struct str daemons[] = {
		{"smtp", 4},      {"smtpd", 5},       {"cleanup", 7},
		{"qmgr", 4},      {"pickup", 6},      {"bounce", 6},
		{"lmtp", 4},      {"local", 5},       {"virtual", 7},
		{"pipe", 4},      {"error", 5},       {"anvil", 5},
		{"scache", 6},    {"master", 6},      {"tlsmgr", 6},
		{"postsuper", 9}, {"postscreen", 10}, {"trivial-rewrite", 15}};

	return str_has_prefix(path, STR("postfix")) ||
	       (path.len > 0 && path.ptr[0] != '/' &&
		is_one_of(program, daemons, COUNT_OF(daemons)));
}

static enum log_writer postfix_writer(struct str program)
{
	static const struct {
		struct str name;
		enum log_writer writer;
	} writers[] = {{{"qmqpd", 5}, LOG_WRITER_POSTFIX_SMTPD},
		       {{"cleanup", 7}, LOG_WRITER_POSTFIX_CLEANUP},
		       {{"pickup", 6}, LOG_WRITER_POSTFIX_PICKUP},
		       {{"qmgr", 4}, LOG_WRITER_POSTFIX_QMGR},
		       {{"nqmgr", 5}, LOG_WRITER_POSTFIX_QMGR},
		       {{"bounce", 6}, LOG_WRITER_POSTFIX_BOUNCE},
		       {{"postsuper", 9}, LOG_WRITER_POSTFIX_POSTSUPER},
		       {{"smtp", 4}, LOG_WRITER_POSTFIX_ABROAD},
		       {{"error", 5}, LOG_WRITER_POSTFIX_ABROAD},
		       {{"retry", 5}, LOG_WRITER_POSTFIX_ABROAD}};

	for (size_t i = 0; i < COUNT_OF(writers); i++) {
		if (str_is_equal(program, writers[i].name)) {
			return writers[i].writer;
		}
	}
	return str_has_suffix(program, STR("smtpd")) ? LOG_WRITER_POSTFIX_SMTPD
						     : LOG_WRITER_POSTFIX_AGENT;
}

enum log_writer log_writer_of(struct str path, struct str program)
{
	if (is_postfix(path, program)) {
		return postfix_writer(program);
	}
	if (str_is_equal(program, STR("exim")) || str_is_equal(program, STR("exim4"))) {
		return LOG_WRITER_EXIM;
	}
	if (is_login(program)) {
		return LOG_WRITER_LOGIN;
	}
	if (str_is_equal(program, STR("qmail")) || str_is_equal(program, STR("qmail-send"))) {
		return LOG_WRITER_QMAIL;
	}
	if (is_sendmail(program)) {
		return LOG_WRITER_SENDMAIL;
	}
	if (str_has_prefix(program, STR("php"))) {
		return LOG_WRITER_PHP;
	}
	return is_logger(program) ? LOG_WRITER_LOGGER : LOG_WRITER_OTHER;
}
