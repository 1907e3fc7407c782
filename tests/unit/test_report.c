/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: whose address is told and whose is not; when a source may be called stopped.
 */
#include "doctor/report.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static const uint8_t salt[REPORT_SALT] = {1, 2, 3};

/* The text with each hash written as "#". */
static void hashed(const char *text, const char *own, char *ret, size_t size)
{
	struct buf out;
	size_t n = 0;

	buf_init(&out, 4096);
	report_hash_addresses(str_of(text), str_of(own), salt, &out);
	for (size_t i = 0; i < out.len && n + 1 < size; i++) {
		ret[n++] = out.ptr[i];
		bool is_hash = out.ptr[i] == '#' && i + 13 < out.len && out.ptr[i + 13] == '@';
		i += is_hash ? 12 : 0;
	}
	ret[n] = '\0';
	buf_done(&out);
}

static void third_parties_are_hashed(void **state)
{
	static const char *const cases[][3] = {
		{"to=<a@far.example>, x", "b.example", "to=<#@far.example>, x"},
		{"sasl_username=info@b.example", "b.example", "sasl_username=info@b.example"},
		{"sasl_username=info@B.Example", "b.example", "sasl_username=info@B.Example"},
		{"sasl_username=x@c.example", "b.example", "sasl_username=#@c.example"},
		{"to=<news-jo=home.example@c.example>", "", "to=<#@c.example>"},
		{"id@b.example.evil b@b.example", "b.example", "#@b.example.evil b@b.example"},
		{"=> o'neil+x@far.example <r@s.example>", "", "=> #@far.example <#@s.example>"},
		{"a@b@c.example", "", "#@#@c.example"},
		{"@ x@ @y A=login:me@far.example", "", "@ x@ @y A=login:#@far.example"},
		{"", "", ""},
		{"J\xc3\xb6rg@far.example", "", "#@far.example"},
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		hashed(cases[i][0], cases[i][1], got, sizeof(got));
		assert_string_equal(got, cases[i][2]);
	}
}

static void the_same_address_has_the_same_hash_within_a_report(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	report_hash_addresses(STR("a@x.example A@X.example b@x.example"), STR_EMPTY, salt, &out);
	struct str text = buf_str(&out);
	struct str first = str_take_until(&text, ' ');
	struct str second = str_take_until(&text, ' ');
	assert_memory_equal(first.ptr, second.ptr, 13);
	assert_memory_not_equal(first.ptr, text.ptr, 13);
	buf_done(&out);
}

static void a_source_has_stopped_only_when_all_was_looked_at(void **state)
{
	struct attribution_sender s = {.last = {1000 * NS_PER_S}};
	struct diagnosis d = {.accused_count = 1};
	struct live_socket socket = {.port = 587};
	struct live live = {.sockets = &socket, .count = 1};
	struct report_doubts doubts;
	struct report_facts f = {
		.diagnosis = &d,
		.live = &live,
		.queue = {.is_known = true, .left = 5},
		.is_here = true,
		.now = {1600 * NS_PER_S},
		.quiet_s = 600,
	};

	(void)state;
	d.accused[0].sender = &s;
	report_doubt(&f, &doubts);
	assert_int_equal(doubts.count, 0);

	f.quiet_s = 601;
	report_doubt(&f, &doubts);
	assert_int_equal(doubts.count, 1);
	f.quiet_s = 600;
	f.queue.of_source = 1;
	report_doubt(&f, &doubts);
	assert_int_equal(doubts.count, 1);
	f.queue = (struct report_queue){.is_known = false};
	report_doubt(&f, &doubts);
	assert_int_equal(doubts.count, 1);
	f.queue.is_known = true;
	socket.port = 25;
	report_doubt(&f, &doubts);
	assert_int_equal(doubts.count, 1);
	f.live = NULL;
	f.is_here = false;
	d.accused_count = 0;
	d.damaged = true;
	report_doubt(&f, &doubts);
	assert_int_equal(doubts.count, 4);
}

/* What a visitor asked for is told, who he is and what he typed is not. */
static void a_visitor_is_hashed(void **state)
{
	char name[] = "web";
	struct attribution_sender s = {.name = "u", .script = "", .evidence_count = 5};
	struct diagnose_web web = {
		.finding =
			{.kind = WEB_PAGE,
			 .method = "POST",
			 .path = "/contact/a@b.example",
			 .evidence_count = 2,
			 .evidence = {{.text = "192.0.2.77 - u [21/Nov/2026:16:49:28 +0000] "
					       "\"POST /contact/?mail=secret%40c HTTP/1.1\" 200 1"},
				      {.text = "cut"}}},
		.lines = {{.file = name, .line = 7}, {.file = name}},
	};
	struct log_set_file file = {.path = name};
	struct log_set set = {.files = &file, .count = 1};
	struct diagnosis d = {.accused_count = 1};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < s.evidence_count; i++) {
		s.evidence[i] = (struct attribution_evidence){.text = "line"};
	}
	d.attribution = attribution_new(&(struct attribution_opts){.key = {1, 2}});
	assert_non_null(d.attribution);
	d.accused[0] = (struct diagnose_accused){.sender = &s, .web = &web};
	buf_init(&out, REPORT_MAX);
	report_write(&(struct report_facts){.diagnosis = &d, .set = &set}, salt, &out);
	struct str text = buf_str(&out);
	assert_true(str_find(text, STR("192.0.2.77")) == text.len);
	assert_true(str_find(text, STR("secret")) == text.len);
	assert_true(str_find(text, STR("a@b.example")) == text.len);
	assert_true(str_find(text, STR("\"file\":\"web\",\"line\":7,\"text\":\""
				       "2026-11-21T16:49:28.000000Z #")) < text.len);
	assert_true(str_find(text, STR(" POST #")) < text.len);
	assert_true(str_find(text, STR("\"text\":\"POST #")) < text.len);
	size_t lines = 0;
	for (size_t at; (at = str_find(text, STR("\"line\":"))) < text.len;
	     text = str_skip(text, at + 1)) {
		lines++;
	}
	assert_int_equal(lines, 5);
	attribution_free(d.attribution);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(third_parties_are_hashed),
		cmocka_unit_test(the_same_address_has_the_same_hash_within_a_report),
		cmocka_unit_test(a_source_has_stopped_only_when_all_was_looked_at),
		cmocka_unit_test(a_visitor_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
