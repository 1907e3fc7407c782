/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_list, queue_dir, queue_plan, queue_order: a queue of files in a folder of our own, with
 * things in it that are no messages; a plan written and read back.
 */
#include "doctor/queue_list.h"
#include "doctor/queue_plan.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"

#include "base/poison.h"

#define SPAM 24
#define PART_COUNT 4

static const char *const parts[PART_COUNT] = {"incoming", "active", "deferred", "hold"};

struct place {
	char root[64];
	char queue[128];
};

static void put(struct buf *b, char type, const char *text)
{
	size_t len = strlen(text);

	assert_true(len < 128);
	buf_add_char(b, type);
	buf_add_char(b, (char)len);
	buf_add(b, str_of(text));
}

static void write_file(const char *path, struct str text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, text), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void add_mail(const struct place *p, const char *where, const char *account,
		     const char *subject, mode_t mode)
{
	char path[256];
	char line[120];
	struct buf b;

	buf_init(&b, 4096);
	put(&b, 'C', "            338             695               1               0");
	put(&b, 'T', "1795795549 416716");
	put(&b, 'S', account);
	(void)snprintf(line, sizeof(line), "sasl_username=%s", account);
	put(&b, 'A', line);
	put(&b, 'R', "c@big.example");
	put(&b, 'M', "");
	(void)snprintf(line, sizeof(line), "Subject: %s", subject);
	put(&b, 'N', line);
	(void)snprintf(line, sizeof(line), "Message-ID: <%s@x>", strrchr(where, '/') + 1);
	put(&b, 'N', line);
	put(&b, 'N', "");
	put(&b, 'N', subject);
	put(&b, 'X', "");
	put(&b, 'E', "");
	(void)snprintf(path, sizeof(path), "%s/%s", p->queue, where);
	write_file(path, buf_str(&b), mode);
	buf_done(&b);
}

static int make(void **state)
{
	static struct place p;
	char path[256];
	struct errmsg err;

	(void)snprintf(p.root, sizeof(p.root), "/tmp/queue-test-XXXXXX");
	if (mkdtemp(p.root) == NULL) {
		return -1;
	}
	(void)snprintf(p.queue, sizeof(p.queue), "%s/var/spool/postfix", p.root);
	for (size_t i = 0; i < PART_COUNT; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/A/B", p.queue, parts[i]);
		if (file_make_path(path, &err) < 0) {
			return -1;
		}
	}
	*state = &p;
	return 0;
}

static int drop(void **state)
{
	const struct place *p = *state;

	return tree_remove(p->root);
}

static struct queue_list *load(const struct place *p, struct queue_dir *dir)
{
	struct queue_load_opts how = {0};
	struct errmsg err = {.text = ""};
	struct queue_list *l = queue_list_new();

	assert_non_null(l);
	assert_int_equal(queue_dir_open(p->root, NULL, LOG_MTA_NONE, dir, &err), 0);
	assert_int_equal(queue_list_load(l, dir, &how, &err), 0);
	return l;
}

/* Links, pipes, names that are no ids and messages that are not whole are passed over. */
static void only_messages_are_read(void **state)
{
	const struct place *p = *state;
	struct queue_dir dir;
	char path[256];
	char secret[256];

	add_mail(p, "deferred/A/A0000000001", "info@shop.example", "one", 0700);
	add_mail(p, "deferred/A/B/AB000000001", "info@shop.example", "deep", 0700);
	add_mail(p, "incoming/A0000000002", "info@shop.example", "unfinished", 0600);
	(void)snprintf(secret, sizeof(secret), "%s/A0000000009", p->root);
	(void)snprintf(path, sizeof(path), "%s/deferred/A0000000003", p->queue);
	write_file(secret, STR("C"), 0700);
	assert_int_equal(symlink(secret, path), 0);
	(void)snprintf(path, sizeof(path), "%s/deferred/C", p->queue);
	assert_int_equal(symlink(p->root, path), 0); /* looks like a hashed folder */
	(void)snprintf(path, sizeof(path), "%s/active/A0000000004", p->queue);
	assert_int_equal(mkfifo(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/hold/A0000000005", p->queue);
	write_file(path, STR("no queue file"), 0700);
	(void)snprintf(path, sizeof(path), "%s/hold/-d", p->queue);
	write_file(path, STR("C"), 0700);

	struct queue_list *l = load(p, &dir);
	assert_int_equal(dir.mta, LOG_MTA_POSTFIX);
	assert_int_equal(l->count, 2);
	assert_int_equal(l->unread, 1);
	assert_int_equal(l->source_count, 1);
	assert_string_equal(l->sources[0]->name, "info@shop.example");
	assert_int_equal(l->sources[0]->kind, SOURCE_ACCOUNT);
	assert_true(queue_list_find(l, STR("AB000000001")) >= 0);
	assert_int_equal(queue_list_find(l, STR("A0000000003")), -1);
	assert_int_equal(queue_list_name(l, STR(" <A0000000001@x>")), 1);
	assert_int_equal(queue_list_name(l, STR("AB000000001")), 1);
	queue_list_free(l);
	queue_dir_close(&dir);
}

static void fill(const struct place *p)
{
	char where[64];
	char subject[64];

	for (int i = 0; i < SPAM; i++) {
		(void)snprintf(where, sizeof(where), "%s/A00000000%02d",
			       i % 2 == 0 ? "deferred" : "hold", i);
		(void)snprintf(subject, sizeof(subject), "buy %d now at http://evil.example/", i);
		add_mail(p, where, "info@shop.example", subject, 0700);
	}
	add_mail(p, "deferred/A0000000090", "info@shop.example", "my own words", 0700);
	add_mail(p, "deferred/A0000000091", "anna@shop.example", "buy 3 now at once", 0700);
}

/* Whatever order a folder gives its files in: a group that was shown with a number is asked for by
 * that number in the next run. */
static void the_order_is_not_the_folders(void **state)
{
	const struct place *p = *state;
	struct queue_dir dir;

	fill(p);
	struct queue_list *l = load(p, &dir);
	assert_int_equal(l->count, SPAM + 2);
	for (size_t i = 0; i < l->count; i++) {
		struct str id = l->infos[i].id;
		bool is_annas = str_is_equal(id, STR("A0000000091"));
		assert_true(i == 0 || str_compare(l->infos[i - 1].id, id) < 0);
		assert_int_equal(queue_list_find(l, id), i);
		assert_int_equal(l->items[i].source, is_annas ? 0 : 1);
	}
	for (uint32_t i = 0; i < 2; i++) {
		assert_string_equal(l->sources[i]->name,
				    i == 0 ? "anna@shop.example" : "info@shop.example");
		assert_int_equal(l->sources[i]->number, i);
	}
	queue_list_free(l);
	queue_dir_close(&dir);
}

static void write_plan(const struct place *p, const char *path, bool is_forged)
{
	struct queue_dir dir;
	struct queue_list *l = load(p, &dir);
	bool *blamed = calloc(2, sizeof(bool));
	static struct queue_plan plan;
	struct errmsg err;
	struct buf out;

	assert_non_null(blamed);
	blamed[queue_list_find_source(l, SOURCE_ACCOUNT, STR("info@shop.example"))->number] = true;
	bool chosen[QUEUE_CHOICES_MAX + 1] = {false};
	struct queue_select_opts how = {.accused = blamed, .source_count = 2};
	assert_int_equal(queue_select(l->items, l->count, &how), 0);
	plan = (struct queue_plan){.list = l, .dir = &dir, .accused = blamed, .root = ""};
	queue_plan_sum(&plan);
	assert_int_equal(plan.goes, 0);
	assert_int_equal(plan.choices, 1);
	buf_init(&out, QUEUE_PLAN_MAX);
	queue_plan_text(&plan, &out);
	assert_true(str_find(buf_str(&out), STR("--group NUMBER")) < out.len);
	buf_done(&out);
	chosen[1] = true;
	how.chosen = chosen;
	assert_int_equal(queue_select(l->items, l->count, &how), 0);
	plan = (struct queue_plan){
		.list = l, .dir = &dir, .accused = blamed, .root = "", .made_at = {NS_PER_S}};
	queue_plan_sum(&plan);
	assert_int_equal(plan.goes, SPAM);
	buf_init(&out, QUEUE_PLAN_MAX);
	queue_plan_text(&plan, &out);
	assert_true(str_find(buf_str(&out), STR("24 of 26 messages go.")) < out.len);
	buf_clear(&out);
	queue_plan_json(&plan, &out);
	if (is_forged) {
		/* The owner's message for one of the spam. */
		size_t at = str_find(buf_str(&out), STR("A0000000010"));
		out.ptr[at + 9] = '9';
	}
	assert_int_equal(file_write(path, buf_str(&out), 0600, &err), 0);
	buf_done(&out);
	free(blamed);
	queue_list_free(l);
	queue_dir_close(&dir);
}

static void a_plan_is_read_back(void **state)
{
	const struct place *p = *state;
	static struct queue_order o;
	struct errmsg err = {.text = ""};
	char path[256];
	size_t held = 0;

	fill(p);
	(void)snprintf(path, sizeof(path), "%s/plan", p->root);
	write_plan(p, path, false);
	assert_int_equal(queue_order_read(path, &o, &err), 0);
	assert_int_equal(o.count, SPAM);
	assert_int_equal(o.mta, LOG_MTA_POSTFIX);
	assert_string_equal(o.queue, p->queue);
	assert_int_equal(o.source_count, 1);
	assert_true(str_is_equal(o.sources[0].name, STR("info@shop.example")));
	for (size_t i = 0; i < o.count; i++) {
		held += o.items[i].was_held ? 1 : 0;
		assert_false(str_is_equal(o.items[i].id, STR("A0000000090")));
	}
	assert_int_equal(held, SPAM / 2);
	queue_order_done(&o);

	write_plan(p, path, true);
	assert_int_equal(queue_order_read(path, &o, &err), -ESTALE);
	assert_int_equal(file_write(path, STR("{\"type\":\"queue_plan\"}"), 0600, &err), 0);
	assert_int_equal(queue_order_read(path, &o, &err), -EBADMSG);
	assert_int_equal(file_write(path, STR("[1,"), 0600, &err), 0);
	assert_int_equal(queue_order_read(path, &o, &err), -EBADMSG);
	assert_int_equal(queue_order_read("/nowhere", &o, &err), -ENOENT);
}

/* The same message is known again wherever it lies; another one under its id is not. */
static void the_check_follows_the_message(void **state)
{
	const struct place *p = *state;
	struct queue_dir dir;
	char from[256];
	char to[256];
	uint8_t before[QUEUE_CHECK_OCTETS];

	add_mail(p, "deferred/A0000000001", "info@shop.example", "one", 0700);
	struct queue_list *l = load(p, &dir);
	memcpy(before, l->infos[0].check, sizeof(before));
	queue_list_free(l);
	queue_dir_close(&dir);
	(void)snprintf(from, sizeof(from), "%s/deferred/A0000000001", p->queue);
	(void)snprintf(to, sizeof(to), "%s/hold/A0000000001", p->queue);
	assert_int_equal(rename(from, to), 0);
	l = load(p, &dir);
	assert_memory_equal(before, l->infos[0].check, sizeof(before));
	assert_string_equal(l->infos[0].place, "hold");
	queue_list_free(l);
	queue_dir_close(&dir);
	assert_int_equal(unlink(to), 0);
	add_mail(p, "hold/A0000000001", "anna@shop.example", "one", 0700);
	l = load(p, &dir);
	assert_memory_not_equal(before, l->infos[0].check, sizeof(before));
	queue_list_free(l);
	queue_dir_close(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_messages_are_read, make, drop),
		cmocka_unit_test_setup_teardown(the_order_is_not_the_folders, make, drop),
		cmocka_unit_test_setup_teardown(a_plan_is_read_back, make, drop),
		cmocka_unit_test_setup_teardown(the_check_follows_the_message, make, drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
