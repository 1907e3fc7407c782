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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(third_parties_are_hashed),
		cmocka_unit_test(the_same_address_has_the_same_hash_within_a_report),
		cmocka_unit_test(a_source_has_stopped_only_when_all_was_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
