/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists from file to tap: a large one is read in pieces, and each change is taken between two
 * look-ups, none of which misses.
 */
#include "daemon/desk/list_cache.h"
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
	int64_t taken_ns; /* by the tap, for the last of them */
	char folder[64];
	char path[96];
	char path_new[96];
	char said[256];
	unsigned says;
};

static void ready(void *ctx, size_t list, int fd)
{
	struct both *b = ctx;

	struct mono began = mono_now();

	assert_true(url_lists_take(&b->tap, list, fd));
	b->taken_ns = mono_now().ns - began.ns;
	b->sets++;
}

static void said(void *ctx, const char *name, const char *why)
{
	struct both *b = ctx;

	assert_string_equal(name, "phish");
	snprintf(b->said, sizeof(b->said), "%s", why != NULL ? why : "good");
	b->says++;
}

static void start(struct both *b)
{
	const struct lists_opts opts = {
		.loop = b->loop,
		.policy = b->policy,
		.folder = b->folder,
		.ready = ready,
		.said = said,
		.ctx = b,
	};
	struct errmsg err = {.text = ""};

	url_lists_init(&b->tap, b->policy);
	assert_int_equal(lists_new(&opts, &b->desk, &err), 0);
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
	start(b);
	return b;
}

static void both_free(struct both *b)
{
	lists_free(b->desk);
	url_lists_done(&b->tap);
	mail_free(b->mail);
	loop_free(b->loop);
	(void)unlink(b->path);
	b->policy->list_count = 0;
	list_cache_sweep(b->folder, b->policy);
	policy_free(b->policy);
	assert_int_equal(rmdir(b->folder), 0);
	free(b);
}

/* A new content, read to its end: taken, or something said of it. */
static void replace(struct both *b, struct str content)
{
	struct errmsg err = {.text = ""};
	unsigned before = b->sets + b->says;

	assert_int_equal(file_write(b->path_new, content, 0644, &err), 0);
	assert_int_equal(rename(b->path_new, b->path), 0);
	lists_look(b->desk);
	for (int i = 0; i < 500 && b->sets + b->says == before; i++) {
		loop_turn(b->loop, 20);
	}
	assert_true(b->sets + b->says > before);
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
	print_message("%d entries in %.2f s, the longest step %.1f ms, the tap's %.1f ms\n",
		      ENTRIES, (double)(mono_now().ns - began.ns) / 1e9, (double)longest / 1e6,
		      (double)b->taken_ns / 1e6);
	assert_true(b->taken_ns < NS_PER_S / 4); /* no pause that a ring could not bridge */
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

/* An error page, a packed file, an empty one: said with its place, and the old list stays, over a
 * restart too. */
static void a_damaged_file_changes_nothing(void **state)
{
	static const char page[] = "<html>\n<head><title>503 Service Unavailable</title></head>\n"
				   "<body>try again\n</body></html>\nhttp://half.example/\n";
	static const char noise[] = "\x28\xb5\x2f\xfd\x04\x00\x01\x02\n\xff\xfe\n";
	struct both *b = both_new(100);

	(void)state;
	while (b->sets == 0) {
		loop_turn(b->loop, 20);
	}
	replace(b, STR(page));
	assert_string_equal(b->said, "line 1 ('<html>'): 4 of 5 lines hold no entry: not taken");
	replace(b, STR(noise));
	assert_string_equal(b->said, "line 1 ('(?/????\?'): 2 of 2 lines hold no entry: not taken");
	replace(b, STR_EMPTY);
	assert_string_equal(b->said, "the file is empty: not taken");
	assert_int_equal(b->sets, 1);
	assert_true(look(b, "always.example"));

	/* As SIGHUP does: both are new, and the file is still damaged. */
	lists_free(b->desk);
	url_lists_done(&b->tap);
	b->says = 0;
	start(b);
	lists_tell(b->desk);
	assert_int_equal(b->sets, 2);
	assert_true(look(b, "always.example"));
	for (int i = 0; i < 200 && b->says == 0; i++) {
		loop_turn(b->loop, 20);
	}
	assert_string_equal(b->said, "the file is empty: not taken");
	assert_int_equal(b->sets, 2);
	assert_true(look(b, "always.example"));

	replace(b, STR("new.example\n"));
	assert_string_equal(b->said, "good");
	assert_true(look(b, "new.example"));
	assert_false(look(b, "always.example"));
	/* Comments alone are a list without entries. */
	replace(b, STR("# nothing today\n"));
	assert_int_equal(b->tap.lists[0].set.count, 0);
	both_free(b);
}

/* What was kept is of this file read in this way, and whole; else it is not there. */
static void what_was_kept(void **state)
{
	struct both *b = both_new(100);
	struct cached_list kept;
	char path[128];
	struct errmsg err = {.text = ""};
	struct buf file;

	(void)state;
	while (b->sets == 0) {
		loop_turn(b->loop, 20);
	}
	assert_int_equal(list_cache_get(b->folder, &b->list, &kept), 0);
	assert_int_equal(kept.entries, 101);
	free(kept.block);
	struct list_policy other = b->list;
	other.format.entries = LIST_DOMAINS;
	assert_true(list_cache_get(b->folder, &other, &kept) < 0);
	other = b->list;
	other.file = "/elsewhere";
	assert_true(list_cache_get(b->folder, &other, &kept) < 0);
	other.name = "unknown";
	assert_true(list_cache_get(b->folder, &other, &kept) < 0);

	snprintf(path, sizeof(path), "%s/list-phish", b->folder);
	buf_init(&file, 1 << 20);
	assert_int_equal(file_read(path, &file, &err), 0);
	for (size_t at = 0; at < file.len; at += at < 128 ? 1 : 97) {
		file.ptr[at] ^= 1;
		assert_int_equal(file_write(path, buf_str(&file), 0600, &err), 0);
		assert_true(list_cache_get(b->folder, &b->list, &kept) < 0);
		file.ptr[at] ^= 1;
	}
	for (size_t len = 0; len < file.len; len += 111) {
		assert_int_equal(file_write(path, str_head(buf_str(&file), len), 0600, &err), 0);
		assert_true(list_cache_get(b->folder, &b->list, &kept) < 0);
	}
	buf_done(&file);
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
		cmocka_unit_test(a_damaged_file_changes_nothing),
		cmocka_unit_test(what_was_kept),
		cmocka_unit_test(what_is_no_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
