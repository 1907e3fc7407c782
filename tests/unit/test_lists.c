/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists from file to tap: a large one is read in pieces, and each change is taken between two
 * look-ups, none of which misses.
 */
#include "daemon/desk/lists.h"
#include "daemon/tap/url_lists.h"

#include "base/buf.h"
#include "sys/files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/poison.h"

#define ENTRIES 500000
#define MAIL_WITH "Subject: x\n\nhttp://always.example/here and http://new.example/\n"

struct both {
	struct loop *loop;
	struct policy *policy;
	struct list_policy list;
	struct lists *desk;
	struct url_lists tap;
	struct mail *mail;
	unsigned sets;
	char folder[64];
	char path[96];
	char path_new[96];
};

static void ready(void *ctx, size_t list, int fd)
{
	struct both *b = ctx;

	assert_true(url_lists_take(&b->tap, list, fd));
	b->sets++;
}

static void put(struct both *b, size_t entries, const char *more)
{
	struct buf text;
	struct errmsg err = {.text = ""};

	buf_init(&text, (size_t)64 << 20);
	buf_add_cstr(&text, "http://always.example/here\nnonsense\n");
	for (size_t i = 0; i < entries; i++) {
		buf_printf(&text, "https://host%zu.example/login/%zu?id=%zu\n", i % 9973, i, i * 7);
	}
	buf_add_cstr(&text, more);
	assert_int_equal(file_write(b->path_new, buf_str(&text), 0644, &err), 0);
	assert_int_equal(rename(b->path_new, b->path), 0);
	buf_done(&text);
}

static struct both *both_new(size_t entries)
{
	struct both *b = calloc(1, sizeof(*b));
	struct errmsg err = {.text = ""};

	assert_non_null(b);
	memcpy(b->folder, "/tmp/pt-lists-XXXXXX", 21);
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->path, sizeof(b->path), "%s/list", b->folder);
	snprintf(b->path_new, sizeof(b->path_new), "%s/list.new", b->folder);
	put(b, entries, "");
	b->loop = loop_new();
	b->policy = policy_new();
	b->mail = mail_new(NULL, NULL);
	assert_true(b->loop != NULL && b->policy != NULL && b->mail != NULL);
	b->list = (struct list_policy){
		.name = "phish", .file = b->path, .format = {.column = 1}, .entries_max = 1000000};
	b->policy->lists = &b->list;
	b->policy->list_count = 1;
	url_lists_init(&b->tap, b->policy);
	assert_int_equal(lists_new(b->loop, b->policy, ready, b, &b->desk, &err), 0);
	return b;
}

static void both_free(struct both *b)
{
	lists_free(b->desk);
	url_lists_done(&b->tap);
	mail_free(b->mail);
	loop_free(b->loop);
	policy_free(b->policy);
	(void)unlink(b->path);
	(void)rmdir(b->folder);
	free(b);
}

/* Match the mail as the tap does; says which of its two URLs is known. */
static bool look(struct both *b, const char *name)
{
	struct score s = {.reason_count = 0};

	mail_reset(b->mail);
	mail_step(b->mail, STR(MAIL_WITH));
	url_lists_match(&b->tap, mail_end(b->mail), &s);
	return s.listed == 1 && strstr(s.reasons[0], name) != NULL;
}

static void a_large_list_without_a_pause(void **state)
{
	struct both *b = both_new(ENTRIES);
	int64_t longest = 0;
	struct mono began = mono_now();

	(void)state;
	while (b->sets == 0) {
		struct mono turn = mono_now();
		loop_turn(b->loop, 20);
		int64_t took = mono_now().ns - turn.ns;
		longest = took > longest ? took : longest;
	}
	print_message("%d entries in %.2f s, the longest step %.1f ms\n", ENTRIES,
		      (double)(mono_now().ns - began.ns) / 1e9, (double)longest / 1e6);
	assert_true(mono_now().ns - began.ns < 30 * NS_PER_S);
	assert_int_equal(b->tap.lists[0].set.count, ENTRIES + 1);
	assert_true(look(b, "always.example"));
	both_free(b);
}

static void each_change_without_a_miss(void **state)
{
	struct both *b = both_new(20000);

	(void)state;
	while (b->sets == 0) {
		loop_turn(b->loop, 20);
	}
	for (unsigned round = 1; round <= 5; round++) {
		put(b, 20000 + round, round == 5 ? "new.example\n" : "");
		lists_look(b->desk);
		while (b->sets == round) {
			loop_turn(b->loop, 0);
			assert_true(look(b, "always.example"));
		}
		assert_int_equal(b->tap.lists[0].set.count,
				 20000 + round + 1 + (round == 5 ? 1 : 0));
	}
	lists_look(b->desk);
	for (int i = 0; i < 20; i++) {
		loop_turn(b->loop, 2);
	}
	assert_int_equal(b->sets, 6); /* what has not changed is not read */
	assert_true(b->tap.hits[0] > 10);
	/* A file that is gone leaves what was there; the tap that comes back gets it again. */
	(void)unlink(b->path);
	lists_look(b->desk);
	loop_turn(b->loop, 2);
	assert_true(look(b, "always.example"));
	lists_tell(b->desk);
	assert_int_equal(b->sets, 7);
	struct buf said;
	buf_init(&said, 4096);
	struct jsonw w = jsonw_of(&said);
	jsonw_object(&w, NULL);
	lists_write(b->desk, &w, "lists");
	jsonw_object_end(&w);
	assert_non_null(strstr(buf_cstr(&said), "\"malformed\":1,"));
	assert_non_null(strstr(buf_cstr(&said), "\"first_malformed_line\":2,"));
	assert_non_null(strstr(buf_cstr(&said), "No such file"));
	buf_done(&said);
	both_free(b);
}

/* Memory that could still change, or is no set, is refused. */
static void what_is_no_set(void **state)
{
	struct both *b = both_new(1);
	char zero[4096] = {0};

	(void)state;
	while (b->sets == 0) {
		loop_turn(b->loop, 20);
	}
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, zero, sizeof(zero)), sizeof(zero));
	assert_false(url_lists_take(&b->tap, 0, fd));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
	assert_false(url_lists_take(&b->tap, 0, fd));
	assert_false(url_lists_take(&b->tap, 1, fd));
	assert_false(url_lists_take(&b->tap, 0, -1));
	assert_int_equal(b->tap.refused, 4);
	assert_true(look(b, "always.example"));
	close(fd);
	both_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_list_without_a_pause),
		cmocka_unit_test(each_change_without_a_miss),
		cmocka_unit_test(what_is_no_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
