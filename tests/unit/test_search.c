/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: its answers are the attribution's over all lines, however the log is cut; and where they
 * might not be, it says so.
 */
#include "core/search.h"

#include "base/buf.h"
#include "base/prng.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define LOG_MAX ((size_t)1 << 20)
#define IDS_MAX 64
#define ROUNDS 2

static const struct siphash_key key = {3, 4};
static const struct log_time begin = {.year = 2025};

/* All lines, one by one: what the answers must be. */
static struct attribution *read_all(struct str log, const char *const *ids, size_t count)
{
	struct attribution *a = attribution_new(
		&(struct attribution_opts){.key = key, .wanted_max = IDS_MAX});
	struct log_time time = begin;
	struct log_line l;
	struct log_event e;

	assert_non_null(a);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(attribution_want(a, ids[i]), 0);
	}
	while (log.len > 0) {
		if (log_line_parse(&time, str_take_until(&log, '\n'), &l)) {
			log_event_parse(&l, &e);
			attribution_step(a, &l, &e, (struct attribution_place){0});
		}
	}
	attribution_end(a);
	return a;
}

/* The same by a search, in steps of about so many octets, each to the end of a line. */
static struct search *search_in(struct str log, const char *const *ids, size_t count, size_t step)
{
	struct search *s = search_new(&key, IDS_MAX);

	assert_non_null(s);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(search_want(s, ids[i]), 0);
	}
	search_file(s, 0, &begin);
	while (log.len > 0) {
		size_t n = step < log.len ? step : log.len;
		n += str_find_char(str_skip(log, n), '\n') + 1;
		if (!search_step(s, str_head(log, n))) {
			break;
		}
		log = str_skip(log, n);
	}
	return s;
}

static void assert_same(const struct attribution *want, const struct attribution *got, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct attribution_id *w = attribution_id_get(want, i);
		const struct attribution_id *g = attribution_id_get(got, i);
		if (w->found != g->found || strcmp(w->source, g->source) != 0) {
			print_message("%s: %s, not %s\n", w->wanted, g->source, w->source);
		}
		assert_int_equal(g->found, w->found);
		assert_string_equal(g->queue_id, w->queue_id);
		assert_string_equal(g->source, w->source);
		assert_int_equal(g->kind, w->kind);
		assert_int_equal(g->time.ns, w->time.ns);
	}
}

/* @return Was it settled, whatever the cut? */
static bool check(struct str log, const char *const *ids, size_t count)
{
	static const size_t steps[] = {1, 1000, LOG_MAX};
	struct attribution *want = read_all(log, ids, count);
	bool is_settled = true;

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct search *s = search_in(log, ids, count, steps[i]);
		if (search_is_settled(s)) {
			assert_same(want, search_end(s), count);
		} else {
			is_settled = false;
		}
		search_free(s);
	}
	attribution_free(want);
	return is_settled;
}

static bool check_one(const char *log, const char *id)
{
	return check(str_of(log), &id, 1);
}

#define T "Jun 12 04:05:06 s postfix/"

static const char account[] = T
	"submission/smtpd[2]: AAAAAAAA01: client=x[203.0.113.7], sasl_method=PLAIN, "
	"sasl_username=a@b\n" T "cleanup[1]: AAAAAAAA01: message-id=<m@x>\n" T
	"qmgr[1]: AAAAAAAA01: from=<a@b>, size=9, nrcpt=1 (queue active)\n" T
	"qmgr[1]: AAAAAAAA01: removed\n";

static void an_arrival_tells_the_account(void **state)
{
	(void)state;
	assert_true(check_one(account, "m@x"));
	assert_true(check_one(account, " <m@x> "));
	assert_true(check_one(account, "AAAAAAAA01"));
	assert_true(check_one(account, "n@x"));
	assert_true(check_one(account, "AAAAAAAA02"));
}

/* One message, asked for by its queue id and by its Message-ID: both are answered, in any order. */
static void both_ids_of_a_message(void **state)
{
	(void)state;
	static const char *const ids[] = {"AAAAAAAA01", "m@x", "AAAAAAAA01", "n@x"};
	static const char *const turned[] = {"m@x", "AAAAAAAA01"};
	struct attribution *a = read_all(str_of(account), ids, COUNT_OF(ids));

	for (size_t i = 0; i < 3; i++) {
		const struct attribution_id *id = attribution_id_get(a, i);
		assert_true(id->found);
		assert_string_equal(id->wanted, ids[i]);
		assert_string_equal(id->queue_id, "AAAAAAAA01");
		assert_string_equal(id->source, "a@b");
		assert_int_equal(id->kind, SOURCE_ACCOUNT);
	}
	attribution_free(a);
	assert_true(check(str_of(account), ids, COUNT_OF(ids)));
	assert_true(check(str_of(account), turned, COUNT_OF(turned)));
}

static void a_user_and_a_script(void **state)
{
	(void)state;
	static const char log[] = T "pickup[2]: AAAAAAAA01: uid=33 from=<www>\n" T
				    "cleanup[1]: AAAAAAAA01: message-id=<m@x>\n";

	assert_true(check_one(log, "m@x"));
	assert_true(check_one(log, "AAAAAAAA01"));
}

/* A stranger's mail that an address of ours forwards is the address's. */
static void a_forward_is_followed(void **state)
{
	(void)state;
	static const char log[] = T
		"smtpd[2]: AAAAAAAA01: client=x[203.0.113.7]\n" T
		"cleanup[1]: AAAAAAAA01: message-id=<m@x>\n" T
		"smtp[1]: AAAAAAAA01: to=<q@far>, orig_to=<we@here>, relay=mx[192.0.2.1]:25, "
		"delay=1, dsn=2.0.0, status=sent (ok)\n" T "qmgr[1]: AAAAAAAA01: removed\n" T
		"smtpd[2]: AAAAAAAA01: client=x[203.0.113.8]\n" T
		"cleanup[1]: AAAAAAAA01: message-id=<n@x>\n" T
		"lmtp[1]: AAAAAAAA01: to=<we@here>, relay=dovecot, delay=1, dsn=2.0.0, "
		"status=sent (ok)\n" T "qmgr[1]: AAAAAAAA01: removed\n";
	static const char exim[] =
		"2026-06-12 04:05:06 1abcde-000001-AA <= q@far H=far [203.0.113.7] P=esmtp S=1 "
		"id=m@x T=\"id=no@x <= \" for we@here\n"
		"2026-06-12 04:05:06 1abcde-000001-AA => q@far <we@here> R=dnslookup "
		"T=remote_smtp H=mx [192.0.2.1]\n"
		"2026-06-12 04:05:06 1abcde-000001-AA Completed\n";

	assert_true(check_one(log, "m@x"));
	assert_true(check_one(log, "n@x"));
	assert_true(check_one(log, "AAAAAAAA01"));
	assert_true(check_one(exim, "m@x"));
	assert_true(check_one(exim, "no@x"));
	assert_true(check_one(exim, "1abcde-000001-AA"));
}

static void what_is_not_told_near_by_is_not_settled(void **state)
{
	(void)state;
	/* A filter put it back: an earlier line with the same Message-ID says who sent it. */
	static const char filter[] = T "pickup[2]: AAAAAAAA01: uid=33 from=<www>\n" T
				       "cleanup[1]: AAAAAAAA01: message-id=<m@x>\n" T
				       "smtpd[2]: BBBBBBBB02: client=localhost[127.0.0.1]\n" T
				       "cleanup[1]: BBBBBBBB02: message-id=<m@x>\n";
	/* The server's own notice; and one whose id another message had before. */
	static const char notice[] = T "cleanup[1]: AAAAAAAA01: message-id=<m@x>\n";
	static const char again[] = T "pickup[2]: AAAAAAAA01: uid=33 from=<www>\n" T
				      "cleanup[1]: AAAAAAAA01: message-id=<m@x>\n" T
				      "qmgr[1]: AAAAAAAA01: removed\n" T
				      "cleanup[1]: AAAAAAAA01: message-id=<n@x>\n";
	static const char sendmail[] =
		"Jun 12 04:05:06 s sendmail[2]: n8C4561a002: from=<a@b>, size=1, class=0, "
		"nrcpts=1, msgid=<m@x>, relay=a@localhost\n";

	assert_true(check_one(filter, "m@x"));
	assert_true(check_one(filter, "AAAAAAAA01"));
	assert_false(check_one(filter, "BBBBBBBB02"));
	assert_false(check_one(notice, "m@x"));
	assert_true(check_one(again, "m@x"));
	assert_false(check_one(again, "n@x"));
	assert_false(check_one(sendmail, "m@x"));
	assert_false(check_one(sendmail, "n8C4561a002"));
	assert_false(check_one(account, "1234567")); /* may be qmail's */
}

static void odd_ids_are_read_as_the_parsers_do(void **state)
{
	(void)state;
	static const char log[] = T "pickup[2]: AAAAAAAA01: uid=33 from=<www>\n" T
				    "cleanup[1]: AAAAAAAA01: message-id=m @x\r\n" T
				    "pickup[2]: AAAAAAAA02: uid=34 from=<www>\n" T
				    "cleanup[1]: AAAAAAAA02: message-id= <a>b> \n" T
				    "pickup[2]: AAAAAAAA03: uid=35 from=<www>\n" T
				    "cleanup[1]: AAAAAAAA03: message-id=<>\n" T
				    "pickup[2]: AAAAAAAA04: uid=35 from=<www>\n" T
				    "cleanup[1]: AAAAAAAA04: message-id=<x@y>\r\n" T
				    "smtpd[2]: NOQUEUE: client=x[192.0.2.1] message-id=<no@y>\n" T
				    "pickup[2]: AAAAAAAA05: uid=35 from=<www>\n" T
				    "cleanup[1]: AAAAAAAA05: message-id=";
	static const char exim[] =
		"2026-06-12 04:05:06 1abcde-000001-AA <= a@b U=u P=local S=1 id=\"q r\"@x\n"
		"2026-06-12 04:05:06 1abcde-000002-AA <= a@b U=v P=local S=1 id*=n@x for z@z\n";

	assert_true(check_one(log, "m @x"));
	assert_true(check_one(log, "a>b"));
	assert_true(check_one(log, "x@y"));
	assert_true(check_one(log, "no@y"));
	assert_true(check_one(exim, "\"q r\"@x"));
	assert_true(check_one(exim, "n@x"));
}

/* Dates without a year: the new one begins between two messages, and an arrival may be of the old.
 */
static void the_year_turns(void **state)
{
	(void)state;
	static const char log[] =
		"Dec 31 23:59:58 s postfix/pickup[2]: AAAAAAAA01: uid=33 from=<www>\n"
		"Dec 31 23:59:59 s postfix/pickup[2]: AAAAAAAA02: uid=34 from=<www>\n"
		"Jan  1 00:00:00 s postfix/pickup[2]: AAAAAAAA03: uid=35 from=<www>\n"
		"Jan  1 00:00:00 s postfix/cleanup[1]: AAAAAAAA02: message-id=<b@x>\n"
		"Jan  1 00:00:00 s postfix/cleanup[1]: AAAAAAAA03: message-id=<c@x>\n";

	assert_true(check_one(log, "b@x"));
	assert_true(check_one(log, "c@x"));
	assert_true(check_one(log, "AAAAAAAA01"));
	assert_true(check_one(log, "AAAAAAAA03"));
}

static void many_that_wait_are_not_settled(void **state)
{
	(void)state;
	static char ids[IDS_MAX][16];
	const char *wanted[IDS_MAX];
	struct buf log;

	buf_init(&log, LOG_MAX);
	for (unsigned i = 0; i < IDS_MAX; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "%u@x", i);
		wanted[i] = ids[i];
		buf_printf(&log,
			   T "smtpd[2]: AAAAAAAA%02X: client=x[203.0.113.7]\n" T
			     "cleanup[1]: AAAAAAAA%02X: message-id=<%u@x>\n",
			   i, i, i);
	}
	assert_true(check(buf_str(&log), wanted, 3));
	assert_false(check(buf_str(&log), wanted, IDS_MAX));
	buf_done(&log);
}

/* ---- generated logs ---- */

struct maker {
	struct prng rnd;
	struct buf out;
	unsigned second;
};

static void line(struct maker *m, const char *program, unsigned id, const char *text)
{
	m->second += prng_below(&m->rnd, 3) == 0 ? 1 : 0;
	buf_printf(&m->out, "Jun 12 %02u:%02u:%02u s postfix/%s[2]: %08X77: %s\n",
		   m->second / 3600 % 24, m->second / 60 % 60, m->second % 60, program, id, text);
}

static void arrive(struct maker *m, unsigned id)
{
	char text[128];
	unsigned who = (unsigned)prng_below(&m->rnd, 5);

	(void)snprintf(text, sizeof(text), "client=x[203.0.113.%u]%s", who,
		       prng_below(&m->rnd, 2) == 0
			       ? ""
			       : ", sasl_method=LOGIN, sasl_username=anna@shop.example");
	switch (prng_below(&m->rnd, 8)) {
	case 0:
		(void)snprintf(text, sizeof(text), "uid=%u from=<www>", who);
		line(m, "pickup", id, text);
		break;
	case 1:
		line(m, "smtpd", id, "client=localhost[127.0.0.1]");
		break;
	case 2:
		line(m, "smtpd", id, "client=localhost[127.0.0.2], orig_queue_id=0000000177");
		break;
	case 3:
		break; /* a notice, or its line was lost */
	default:
		line(m, "smtpd", id, text);
		break;
	}
}

/* Living messages advance in no order; ids of queues and of messages are used again. */
static void generate(struct maker *m, unsigned lines)
{
	unsigned state[8] = {0};
	char text[200];

	for (unsigned i = 0; i < lines; i++) {
		unsigned id = (unsigned)prng_below(&m->rnd, COUNT_OF(state));
		switch (state[id]++) {
		case 0:
			arrive(m, id);
			break;
		case 1:
			(void)snprintf(text, sizeof(text), "message-id=<%u@x>",
				       (unsigned)prng_below(&m->rnd, 40));
			line(m, "cleanup", id, text);
			break;
		case 2:
			line(m, "qmgr", id, "from=<a@b>, size=9, nrcpt=1 (queue active)");
			break;
		case 3:
			(void)snprintf(text, sizeof(text),
				       "to=<q%u@far>, %srelay=mx[192.0.2.1]:25, delay=1, "
				       "dsn=2.0.0, status=sent (ok)",
				       i, i % 3 == 0 ? "orig_to=<we@here>, " : "");
			line(m, "smtp", id, text);
			break;
		default:
			state[id] = 0;
			line(m, "qmgr", id, "removed");
			break;
		}
	}
}

static void generated_logs(void **state)
{
	(void)state;
	unsigned settled = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct maker m = {.rnd = {.state = 100 + round}};
		char id[16];
		const char *wanted = id;
		buf_init(&m.out, LOG_MAX);
		generate(&m, 150);
		for (unsigned i = 0; i < 10; i++) {
			(void)snprintf(id, sizeof(id), "%u@x", (round + i) % 40);
			settled += check(buf_str(&m.out), &wanted, 1) ? 1 : 0;
		}
		for (unsigned i = 0; i < 8; i++) {
			(void)snprintf(id, sizeof(id), "%08X77", i);
			settled += check(buf_str(&m.out), &wanted, 1) ? 1 : 0;
		}
		buf_done(&m.out);
	}
	assert_true(settled > ROUNDS * 18 / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arrival_tells_the_account),
		cmocka_unit_test(both_ids_of_a_message),
		cmocka_unit_test(a_user_and_a_script),
		cmocka_unit_test(a_forward_is_followed),
		cmocka_unit_test(what_is_not_told_near_by_is_not_settled),
		cmocka_unit_test(odd_ids_are_read_as_the_parsers_do),
		cmocka_unit_test(the_year_turns),
		cmocka_unit_test(many_that_wait_are_not_settled),
		cmocka_unit_test(generated_logs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
