/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: samples, notices, tokens and house-keeping.
 */
#include "base/buf.h"
#include "store/access.h"
#include "store/notices.h"
#include "store/samples.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_world.h"

#include "base/poison.h"

static struct sample a_sample(const char *head)
{
	struct sample s = {.head = str_of(head),
			   .helo = STR("b1.example"),
			   .mail_from = STR("info@b.example"),
			   .subject = STR("cheap pills"),
			   .rcpt_count = 1};

	s.obs.time = S(50);
	s.obs.source.prefix.addr = addr_v4((const uint8_t[4]){192, 0, 2, 20});
	s.obs.source.prefix.len = 32;
	s.obs.client = s.obs.source.prefix.addr;
	s.obs.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25});
	s.obs.score_micro = 990000;
	s.rcpts[0] = (struct sample_rcpt){.domain = STR("c.example"), .hash = 5, .code = 550};
	return s;
}

static void see_sample(const struct sample_row *row, void *ctx)
{
	struct seen *s = ctx;

	if (s->n < COUNT_OF(s->ids)) {
		s->ids[s->n] = row->id;
	}
	s->n++;
}

static void samples_are_sealed_and_few(void **state)
{
	struct fixture *f = *state;
	struct sample s = a_sample("Subject: cheap pills\r\n\r\nbuy\r\n");
	struct sample_row row = {.network = STR("customers"),
				 .source = STR("192.0.2.20"),
				 .holder = STR("b/b1"),
				 .at = S(50),
				 .score_micro = 990000};
	struct case_row c = a_case("192.0.2.20", "b/b1");
	struct seen seen = {.n = 0};
	struct sample got;
	uint64_t id = 0;

	row.sha256[0] = 1;
	assert_int_equal(cases_add(f->st, &c, &id, &f->err), 0);
	assert_int_equal(samples_add(f->st, &row, &s, &f->err), 1);
	assert_int_equal(samples_add(f->st, &row, &s, &f->err), 0);
	assert_int_equal(samples_set_case(f->st, row.network, row.holder, id, &f->err), 0);
	assert_int_equal(samples_list(f->st, id, see_sample, &seen, &f->err), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(samples_get(f->st, seen.ids[0], f->a, &row, &got, &f->err), 0);
	assert_true(str_is_equal(got.head, s.head));
	assert_true(str_is_equal(got.subject, s.subject));
	assert_int_equal(got.rcpts[0].code, 550);

	row.case_id = id;
	for (uint8_t i = 2; i < 200; i++) {
		row.sha256[0] = i;
		assert_int_equal(samples_add(f->st, &row, &s, &f->err), 1);
	}
	uint64_t first = seen.ids[0];
	seen.n = 0;
	assert_int_equal(samples_list(f->st, id, see_sample, &seen, &f->err), 0);
	assert_int_equal(seen.n, SAMPLES_OF_HOLDER_MAX);
	assert_int_equal(seen.ids[0], first); /* how it began stays */
}

static void see_notice(const struct notice_row *n, void *ctx)
{
	struct seen *s = ctx;

	s->ids[s->n++] = n->id;
}

static void see_notice_case(uint64_t id, void *ctx)
{
	struct seen *s = ctx;

	s->ids[s->n++] = id;
}

static void notices_wait_join_and_end(void **state)
{
	struct fixture *f = *state;
	struct notice_row n = {.tenant = STR("b"),
			       .contact = STR("owner@b.example"),
			       .kind = NOTICE_BLOCK,
			       .message_id = STR("<1@p>"),
			       .created_at = S(10),
			       .next_try = S(11)};
	struct case_row one = a_case("192.0.2.20", "b/b1");
	struct case_row two = a_case("192.0.2.21", "b/b2");
	struct notice_row got;
	struct seen s = {.n = 0};
	struct wall due;
	uint32_t count = 0;

	assert_int_equal(cases_add(f->st, &one, &one.id, &f->err), 0);
	assert_int_equal(cases_add(f->st, &two, &two.id, &f->err), 0);
	assert_int_equal(notices_add(f->st, &n, one.id, &f->err), 1);
	n.message_id = STR("<2@p>");
	assert_int_equal(notices_add(f->st, &n, two.id, &f->err), 0);
	assert_int_equal(notices_list_due(f->st, S(10), 10, see_notice, &s, &f->err), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(notices_next_due(f->st, &due, &f->err), 0);
	assert_int_equal(due.ns, S(11).ns);
	assert_int_equal(notices_list_due(f->st, S(11), 10, see_notice, &s, &f->err), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(notices_get(f->st, s.ids[0], f->a, &got, &f->err), 0);
	assert_true(str_is_equal(got.message_id, STR("<1@p>")));
	s.n = 0;
	assert_int_equal(notices_list_cases(f->st, got.id, see_notice_case, &s, &f->err), 0);
	assert_int_equal(s.n, 2);

	got.tries = 1;
	got.dots = 1;
	assert_int_equal(notices_put(f->st, &got, &f->err), 0);
	/* One that was tried is not joined any more. */
	assert_int_equal(notices_add(f->st, &n, two.id, &f->err), 1);
	assert_int_equal(notices_count_since(f->st, STR("b"), NOTICE_BLOCK, S(10), &count, &f->err),
			 0);
	assert_int_equal(count, 2);
	got.state = NOTICE_SENT;
	got.sent_at = S(12);
	assert_int_equal(notices_put(f->st, &got, &f->err), 0);
	s.n = 0;
	assert_int_equal(notices_list_due(f->st, S(99), 10, see_notice, &s, &f->err), 0);
	assert_int_equal(s.n, 1);
	s.n = 0;
	assert_int_equal(notices_list(f->st, two.id, see_notice, &s, &f->err), 0);
	assert_int_equal(s.n, 2);
}

static void tokens_open_until_they_end(void **state)
{
	struct fixture *f = *state;
	struct token_row t = {.kind = TOKEN_FIRST, .role = ROLE_STAFF, .name = STR("first")};
	struct token_row got;
	char text[TOKEN_TEXT_SIZE];
	char other[TOKEN_TEXT_SIZE];
	uint64_t id = 0;

	t.expires_at = S(1000);
	assert_int_equal(tokens_add(f->st, &t, text, &id, &f->err), 0);
	assert_int_equal(strlen(text), 46);
	assert_int_equal(tokens_find(f->st, str_of(text), S(999), f->a, &got, &f->err), 0);
	assert_int_equal(got.role, ROLE_STAFF);
	assert_int_equal(tokens_find(f->st, str_of(text), S(1000), f->a, &got, &f->err), -ENOENT);
	assert_int_equal(tokens_find(f->st, STR("pt_x"), S(1), f->a, &got, &f->err), -ENOENT);
	t.kind = TOKEN_API;
	assert_int_equal(tokens_add(f->st, &t, other, &id, &f->err), 0);
	assert_string_not_equal(text, other);
	assert_int_equal(tokens_revoke_kind(f->st, TOKEN_FIRST, &f->err), 0);
	assert_int_equal(tokens_find(f->st, str_of(text), S(1), f->a, &got, &f->err), -ENOENT);
	assert_int_equal(tokens_find(f->st, str_of(other), S(1), f->a, &got, &f->err), 0);
	assert_int_equal(tokens_revoke(f->st, id, &f->err), 0);
	assert_int_equal(tokens_find(f->st, str_of(other), S(1), f->a, &got, &f->err), -ENOENT);
}

static void links_and_hashes_are_keyed(void **state)
{
	struct fixture *f = *state;
	char one[STORE_LINK_SIZE];
	char two[STORE_LINK_SIZE];
	char hash[STORE_HASH_SIZE];

	store_case_link(f->st, 1, one);
	store_case_link(f->st, 2, two);
	assert_string_not_equal(one, two);
	assert_true(store_is_case_link(f->st, 1, str_of(one)));
	assert_false(store_is_case_link(f->st, 2, str_of(one)));
	assert_false(store_is_case_link(f->st, 1, STR_EMPTY));
	store_hash(f->st, STR("1"), hash);
	assert_string_not_equal(hash, one);
}

static void see_audit(const struct audit_row *a, void *ctx)
{
	struct buf *out = ctx;

	buf_printf(out, "[%.*s %.*s]", STR_ARG(a->action), STR_ARG(a->object));
}

static void house_keeping_keeps_what_it_should(void **state)
{
	struct fixture *f = *state;
	struct store_retention keep = {.samples_s = 86400, .events_s = 86400, .audit_s = 2 * 86400};
	struct sample s = a_sample("x");
	struct sample_row row = {
		.network = STR("n"), .source = STR("s"), .holder = STR("s"), .at = S(1000)};
	struct audit_row audit = {
		.at = S(1000), .who = STR("w"), .action = STR("a"), .object = STR("old")};
	struct page page = {0};
	struct page_end end;
	struct reply_row reply = {.who = STR("w"),
				  .key = STR("k"),
				  .request = STR("h"),
				  .status = 200,
				  .body = STR("{}"),
				  .at = S(1000)};
	struct sample got;
	struct buf out;

	buf_init(&out, 1024);
	assert_int_equal(samples_add(f->st, &row, &s, &f->err), 1);
	row.at = S(2 * 86400 + 1);
	row.sha256[0] = 9;
	assert_int_equal(samples_add(f->st, &row, &s, &f->err), 1);
	assert_int_equal(audit_add(f->st, &audit, &f->err), 0);
	audit.at = S(86400 + 2000);
	audit.object = STR("new");
	assert_int_equal(audit_add(f->st, &audit, &f->err), 0);
	assert_int_equal(replies_add(f->st, &reply, &f->err), 0);
	assert_int_equal(replies_find(f->st, STR("w"), STR("k"), f->a, &reply, &f->err), 0);

	assert_int_equal(store_keep_house(f->st, S(3 * 86400), &keep, &f->err), 0);
	assert_int_equal(samples_get(f->st, 1, f->a, &row, &got, &f->err), -ENOENT);
	assert_int_equal(samples_get(f->st, 2, f->a, &row, &got, &f->err), 0);
	assert_int_equal(audit_list(f->st, STR_EMPTY, &page, see_audit, &out, &end, &f->err), 0);
	assert_string_equal(buf_cstr(&out), "[a new]");
	assert_int_equal(replies_find(f->st, STR("w"), STR("k"), f->a, &reply, &f->err), -ENOENT);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(samples_are_sealed_and_few, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_wait_join_and_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tokens_open_until_they_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_and_hashes_are_keyed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(house_keeping_keeps_what_it_should, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
