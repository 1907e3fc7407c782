/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_join: a URL that came with the mail is found among a site's visitors, and none where the two
 * have nothing in common, however busy the site is.
 */
#include "core/web_join.h"

#include "base/prng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define BEGIN 1781568000
#define ROOM ((size_t)1 << 20)

struct world {
	struct moments moments;
	size_t room;
	struct web_join *join;
	struct prng rnd;
	uint64_t lines;
	uint64_t key;
};

static void world_begin(struct world *w)
{
	*w = (struct world){.room = ROOM, .rnd = {.state = 7}};
}

static void mail(struct world *w, int64_t second)
{
	moments_add(&w->moments, (struct wall){second * NS_PER_S}, &w->room);
}

static void join_begin(struct world *w, const char *script)
{
	w->join = web_join_new(&(struct web_join_opts){
		.moments = &w->moments, .script = script, .key = {w->key, 2}});
	assert_non_null(w->join);
}

static void world_end(struct world *w)
{
	web_join_free(w->join);
	moments_done(&w->moments, &w->room);
	assert_int_equal(w->room, ROOM);
}

static void hit_with(struct world *w, int64_t second, const char *method, const char *path,
		     unsigned client, const char *referer)
{
	char address[32];
	char line[256];

	(void)snprintf(address, sizeof(address), "198.51.100.%u", client);
	(void)snprintf(line, sizeof(line), "%s %s %s", address, method, path);
	const struct web_hit h = {.time = {second * NS_PER_S},
				  .client = str_of(address),
				  .method = str_of(method),
				  .target = str_of(path),
				  .status = 200,
				  .referer = str_of(referer),
				  .agent = STR("bot/1")};
	web_join_step(w->join, &h, STR("s.example"), str_of(line),
		      &(struct web_place){.file = 3, .line = ++w->lines});
}

static void hit(struct world *w, int64_t second, const char *method, const char *path,
		unsigned client)
{
	hit_with(w, second, method, path, client, NULL);
}

static void cover(struct world *w, int64_t begin, int64_t end)
{
	web_join_cover(w->join, (struct web_range){begin, end});
}

/* What visitors do all day: some page every second or so, now and then something is sent. */
static void visitors(struct world *w, int64_t begin, int64_t end)
{
	static const char *const pages[] = {"/", "/shop", "/a.css", "/contact/"};

	for (int64_t s = begin; s < end; s++) {
		hit(w, s, "GET", pages[prng_below(&w->rnd, 3)], 200);
		if (prng_below(&w->rnd, 20) == 0) {
			hit(w, s, "POST", "/cart", 201);
			hit(w, s, "POST", "/wp-cron.php?doing_wp_cron=1", 202);
		}
		if (prng_below(&w->rnd, 500) == 0) {
			hit(w, s, "GET", pages[3], 203);
		}
	}
	cover(w, begin, end);
}

static void a_form_among_visitors(void **state)
{
	struct web_finding f;
	struct world w;

	(void)state;
	world_begin(&w);
	for (int64_t i = 0; i < 60; i++) {
		mail(&w, BEGIN + i * 120);
	}
	join_begin(&w, "/home/u/public_html/wp-includes/pluggable.php");
	visitors(&w, BEGIN - 7200, BEGIN + 12000);
	for (int64_t i = 0; i < 60; i++) {
		hit(&w, BEGIN + i * 120 - i % 2, "POST", "/contact/?x=1", (unsigned)(i % 20));
	}
	hit(&w, BEGIN + 30, "POST", "/contact/", 100);
	assert_true(web_join_find(w.join, &f));
	assert_int_equal(f.kind, WEB_PAGE);
	assert_int_equal(web_finding_cause(&f), CAUSE_WEB_PAGE);
	assert_string_equal(f.path, "/contact/");
	assert_string_equal(f.site, "s.example");
	assert_string_equal(f.method, "POST");
	assert_string_equal(f.agent, "bot/1");
	assert_int_equal(f.mails, 60);
	assert_int_equal(f.mails_with, 60);
	assert_int_equal(f.requests_with, 60);
	assert_int_equal(f.requests, 61);
	assert_int_equal(f.clients, 20);
	assert_int_equal(f.top_count, 3);
	assert_true(f.by_chance < 6);
	assert_int_equal(f.evidence_count, 2);
	assert_string_equal(f.evidence[0].text, "198.51.100.0 POST /contact/?x=1");
	assert_int_equal(f.evidence[1].place.line, f.evidence[0].place.line + 1);
	assert_int_equal(f.evidence[0].place.file, 3);
	world_end(&w);
}

/* A page's count shares its two places with some of very many others: always with the same ones. */
static void the_same_logs_give_the_same_finding(void **state)
{
	uint64_t requests = 0;

	(void)state;
	for (uint64_t k = 1; k <= 8; k++) {
		struct web_finding f;
		struct world w;
		world_begin(&w);
		w.key = k;
		for (int64_t i = 0; i < 60; i++) {
			mail(&w, BEGIN + i * 120);
		}
		join_begin(&w, NULL);
		for (int64_t i = 0; i < 60; i++) {
			hit(&w, BEGIN + i * 120, "POST", "/contact/", (unsigned)(i % 20));
		}
		for (unsigned i = 0; i < 200000; i++) {
			char path[32];
			(void)snprintf(path, sizeof(path), "/page/%u", i);
			hit(&w, BEGIN + 60 + i / 2000 * 120, "GET", path, 1);
		}
		cover(&w, BEGIN - 7200, BEGIN + 14000);
		assert_true(web_join_find(w.join, &f));
		assert_in_range(f.requests, 60, 70);
		assert_true(k == 1 || f.requests == requests);
		requests = f.requests;
		world_end(&w);
	}
}

/* Nothing is found, whatever is drawn. */
static void visitors_alone_are_no_sign(void **state)
{
	struct web_finding f;
	struct world w;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		world_begin(&w);
		w.rnd.state = seed;
		for (int i = 0; i < 40; i++) {
			mail(&w, BEGIN + (int64_t)prng_below(&w.rnd, 3000));
		}
		join_begin(&w, seed % 2 == 0 ? "/home/u/public_html/contact.php" : NULL);
		visitors(&w, BEGIN - 1000, BEGIN + 4000);
		for (int i = 0; i < 60; i++) {
			hit(&w, BEGIN + (int64_t)prng_below(&w.rnd, 3000), "POST", "/contact.php",
			    1);
		}
		assert_false(web_join_find(w.join, &f));
		world_end(&w);
	}
}

/* Two bursts at the same time, short ones and long ones, with pauses and without. */
static void what_only_goes_on_at_the_same_time(void **state)
{
	static const struct {
		int64_t span_s;
		int mails;
		int hits;
	} rows[] = {{300, 20, 300}, {300, 95, 420}, {3600, 60, 900}, {3600, 3000, 3000}};
	struct web_finding f;
	struct world w;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			world_begin(&w);
			w.rnd.state = seed;
			uint32_t span = (uint32_t)rows[i].span_s;
			for (int k = 0; k < rows[i].mails; k++) {
				mail(&w, BEGIN + (int64_t)prng_below(&w.rnd, span));
			}
			join_begin(&w, NULL);
			cover(&w, BEGIN - 900, BEGIN + span + 900);
			/* It goes on for a while after the mail ended. */
			for (int k = 0; k < rows[i].hits; k++) {
				int64_t s = (int64_t)prng_below(&w.rnd, span * 3 / 2);
				hit(&w, BEGIN + s, "POST", "/vote", (unsigned)k % 250);
			}
			assert_false(web_join_find(w.join, &f));
			world_end(&w);
		}
	}
}

/* A mail each second: only what stops with it is a sign. */
static void a_run_without_a_pause(void **state)
{
	struct web_finding f;
	struct world w;

	(void)state;
	world_begin(&w);
	for (int64_t i = 0; i < 3600; i++) {
		mail(&w, BEGIN + i);
	}
	join_begin(&w, NULL);
	visitors(&w, BEGIN - 900, BEGIN + 4500);
	assert_false(web_join_find(w.join, &f));
	for (int64_t i = 0; i < 1800; i++) {
		hit(&w, BEGIN + i * 2, "POST", "/contact.php", (unsigned)(i % 250));
	}
	assert_true(web_join_find(w.join, &f));
	assert_string_equal(f.path, "/contact.php");
	assert_int_equal(f.kind, WEB_PAGE);
	assert_int_equal(f.clients, WEB_CLIENTS_MAX);
	world_end(&w);
}

/* A request that sends for a while: each run of mail has one. */
static void requests_that_send_many(void **state)
{
	struct web_finding f;
	struct world w;

	(void)state;
	world_begin(&w);
	for (int64_t run = 0; run < 8; run++) {
		for (int64_t i = 0; i < 40; i++) {
			mail(&w, BEGIN + run * 600 + i);
		}
	}
	join_begin(&w, NULL);
	visitors(&w, BEGIN - 1000, BEGIN + 6000);
	for (int64_t run = 0; run < 8; run++) {
		hit(&w, BEGIN + run * 600, "POST", "/wp-content/uploads//2024/x%31.php/a?b", 5);
	}
	assert_true(web_join_find(w.join, &f));
	assert_string_equal(f.path, "/wp-content/uploads/2024/x1.php/a");
	assert_int_equal(f.kind, WEB_SCRIPT);
	assert_int_equal(web_finding_cause(&f), CAUSE_WEB_SCRIPT);
	assert_int_equal(f.requests_with, 8);
	assert_true(f.mails_with < f.mails / 4);
	world_end(&w);
}

/* Once proves nothing, but the file that PHP's log names is the file. */
static void one_request(void **state)
{
	static const struct {
		const char *script;
		bool found;
	} rows[] = {
		{NULL, false},
		{"/home/u/public_html/tmp/x.php", true},
		{"/home/u/public_html/tmp/x.php(3) : eval()'d code", true},
		{"/home/u/public_html/tmp", true},
		{"/home/u/public_html/tmp/", true},
		{"/home/u/public_html/xtmp", false},
		{"/home/u/public_html/tmp/y.php", false},
	};
	struct web_finding f;
	struct world w;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		world_begin(&w);
		mail(&w, BEGIN);
		mail(&w, BEGIN + 1);
		join_begin(&w, rows[i].script);
		visitors(&w, BEGIN - 900, BEGIN + 900);
		hit(&w, BEGIN, "POST", "/tmp/x.php", 5);
		assert_int_equal(web_join_find(w.join, &f), rows[i].found);
		if (rows[i].found) {
			assert_true(f.is_script);
			assert_int_equal(f.kind, WEB_SCRIPT);
		}
		world_end(&w);
	}
}

/* Ten thousands of other URLs do not push it out, nor take memory. */
static void a_flood_of_urls(void **state)
{
	struct web_finding f;
	struct world w;
	char path[64];

	(void)state;
	world_begin(&w);
	for (int64_t i = 0; i < 100; i++) {
		mail(&w, BEGIN + i * 60);
	}
	join_begin(&w, NULL);
	cover(&w, BEGIN - 900, BEGIN + 7000);
	for (int64_t i = 0; i < 100; i++) {
		for (unsigned k = 0; k < 300; k++) {
			(void)snprintf(path, sizeof(path), "/%u", (unsigned)i * 300 + k);
			hit(&w, BEGIN + i * 60, "POST", path, k % 250);
			hit(&w, BEGIN + i * 60 + 30, "POST", path, k % 250);
		}
		hit(&w, BEGIN + i * 60, "POST", "/contact", 1);
	}
	assert_true(web_join_find(w.join, &f));
	assert_string_equal(f.path, "/contact");
	world_end(&w);
}

static void what_kind_of_place(void **state)
{
	static const struct {
		const char *method;
		const char *path;
		const char *referer;
		bool is_looked_at;
		enum web_kind kind;
	} rows[] = {
		{"POST", "/contact/", NULL, false, WEB_PAGE},
		{"POST", "/wp-comments-post.php", NULL, false, WEB_PAGE},
		{"POST", "/wp-admin/admin-ajax.php", NULL, false, WEB_PAGE},
		{"GET", "/contact/", NULL, false, WEB_OTHER},
		{"POST", "/wp-cron.php?doing_wp_cron", NULL, false, WEB_SCHEDULE},
		{"GET", "/wp-content/uploads/a.php", NULL, false, WEB_SCRIPT},
		{"POST", "/image/upload", NULL, false, WEB_PAGE},
		{"POST", "/.well-known/a.php", NULL, false, WEB_SCRIPT},
		{"POST", "/.a.php", NULL, false, WEB_SCRIPT},
		{"POST", "/wp-includes/a8f3c2d1.php", NULL, false, WEB_SCRIPT},
		{"POST", "/wp-includes/a8f3c2d1.php", "http://s.example/", false, WEB_PAGE},
		{"POST", "/wp-includes/a8f3c2d1.php", NULL, true, WEB_PAGE},
		{"POST", "/contact2026.php", NULL, false, WEB_PAGE},
	};
	struct web_finding f;
	struct world w;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		world_begin(&w);
		for (int64_t k = 0; k < 12; k++) {
			mail(&w, BEGIN + k * 300);
		}
		join_begin(&w, NULL);
		cover(&w, BEGIN - 900, BEGIN + 6000);
		for (int64_t k = 0; k < 12; k++) {
			hit_with(&w, BEGIN + k * 300, rows[i].method, rows[i].path, 1,
				 rows[i].referer);
			if (rows[i].is_looked_at) {
				hit(&w, BEGIN + k * 300 + 50, "GET", rows[i].path, 2);
			}
		}
		assert_true(web_join_find(w.join, &f));
		assert_int_equal(f.kind, rows[i].kind);
		world_end(&w);
	}
}

/* A log that begins in the middle is asked about its own half only. */
static void half_a_log(void **state)
{
	struct web_finding f;
	struct world w;

	(void)state;
	world_begin(&w);
	for (int64_t i = 0; i < 60; i++) {
		mail(&w, BEGIN + i * 120);
	}
	join_begin(&w, NULL);
	assert_false(web_join_find(w.join, &f));
	visitors(&w, BEGIN + 3600, BEGIN + 8000);
	for (int64_t i = 30; i < 60; i++) {
		hit(&w, BEGIN + i * 120, "POST", "/contact", (unsigned)i);
	}
	assert_true(web_join_find(w.join, &f));
	assert_int_equal(f.mails, 30);
	assert_int_equal(f.mails_with, 30);
	world_end(&w);
}

/* As many seconds as may be held, in any order and twice: what is near is the same. */
static void many_moments(void **state)
{
	struct web_time t;
	struct moments m = {.at = NULL};
	size_t room = ROOM;

	(void)state;
	for (int64_t i = 0; i < 2 * MOMENTS_MAX; i++) {
		moments_add(&m, (struct wall){(BEGIN + (i * 7919) % 20011 * 10) * NS_PER_S}, &room);
	}
	moments_add(&m, (struct wall){-5}, &room);
	assert_int_equal(m.count, MOMENTS_MAX);
	assert_int_equal(room, ROOM - MOMENTS_MAX);
	assert_int_equal(web_time_init(&t, &m), 0);
	assert_int_equal(t.mail_count, WEB_SAMPLE_MAX);
	assert_int_equal(t.run_count, WEB_SAMPLE_MAX);
	for (size_t i = 0; i < t.count; i++) {
		assert_true(i == 0 || t.at[i] > t.at[i - 1]);
		assert_true(web_time_is_near(&t, (int64_t)t.at[i] + WEB_NEAR_S));
		assert_true(web_time_is_near(&t, (int64_t)t.at[i] - WEB_NEAR_S));
		if (i + 1 < t.count && t.at[i + 1] - t.at[i] > 6) {
			assert_false(web_time_is_near(&t, (int64_t)t.at[i] + WEB_NEAR_S + 1));
		}
	}
	for (size_t i = 1; i < t.range_count; i++) {
		assert_true(t.ranges[i].begin > t.ranges[i - 1].end);
		assert_true(web_time_is_asked(&t, t.ranges[i].begin));
		assert_false(web_time_is_asked(&t, t.ranges[i].begin - 1));
	}
	web_time_done(&t);
	moments_done(&m, &room);
	assert_int_equal(room, ROOM);
	moments_add(&m, (struct wall){BEGIN * NS_PER_S}, &(size_t){0});
	assert_int_equal(m.count, 0);
	assert_int_equal(web_time_init(&t, &m), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_logs_give_the_same_finding),
		cmocka_unit_test(a_form_among_visitors),
		cmocka_unit_test(visitors_alone_are_no_sign),
		cmocka_unit_test(what_only_goes_on_at_the_same_time),
		cmocka_unit_test(a_run_without_a_pause),
		cmocka_unit_test(requests_that_send_many),
		cmocka_unit_test(one_request),
		cmocka_unit_test(a_flood_of_urls),
		cmocka_unit_test(what_kind_of_place),
		cmocka_unit_test(half_a_log),
		cmocka_unit_test(many_moments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
