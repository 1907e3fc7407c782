/* SPDX-License-Identifier: Apache-2.0 */
/*
 * training_list: groups and hashes. Layer: cli.
 */
#include "cli/training_list.h"

#include "base/num.h"
#include "base/sha256.h"
#include "cli/mailbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define HASH_DIGITS (2 * LIST_HASH)

struct training_list *training_list_new(void)
{
	return calloc(1, sizeof(struct training_list));
}

static void free_messages(struct list_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(messages[i].path);
	}
	free(messages);
}

void training_list_free(struct training_list *l)
{
	if (l == NULL) {
		return;
	}
	for (size_t g = 0; g < l->group_count; g++) {
		free_messages(l->groups[g].messages, l->groups[g].count);
	}
	free(l);
}

static int add_message(struct list_group *g, const uint8_t hash[static LIST_HASH], const char *path)
{
	if (g->count == LIST_MESSAGES_MAX) {
		return -ENOSPC;
	}
	if (g->count == g->room) {
		size_t room = g->room == 0 ? 256 : 2 * g->room;
		struct list_message *more = realloc(g->messages, room * sizeof(*more));

		if (more == NULL) {
			return -ENOMEM;
		}
		g->messages = more;
		g->room = room;
	}
	struct list_message *m = &g->messages[g->count];

	memcpy(m->hash, hash, LIST_HASH);
	m->path = path != NULL ? strdup(path) : NULL;
	if (path != NULL && m->path == NULL) {
		return -ENOMEM;
	}
	g->count++;
	return 0;
}

static struct str take_word(struct str *line)
{
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->len && !char_is_space(line->ptr[n])) {
		n++;
	}
	return str_take(line, n);
}

static bool read_group(struct str line, struct train_group *ret)
{
	struct str name = take_word(&line);
	struct str class = take_word(&line);
	struct str weight = take_word(&line);
	struct str test = take_word(&line);
	int64_t micro;

	if (!str_copy(ret->name, sizeof(ret->name), name) || name.len == 0 ||
	    str_find_char(name, '/') < name.len || num_parse_micro(weight, &micro) < 0 ||
	    micro <= 0 || micro > 1000000000) {
		return false;
	}
	ret->weight_ppm = (uint32_t)micro;
	ret->is_spam = str_is_equal(class, STR("spam"));
	ret->is_test_only = str_is_equal(test, STR("test"));
	ret->is_recent = str_is_equal(test, STR("recent"));
	return (ret->is_spam || str_is_equal(class, STR("ham"))) &&
	       (ret->is_test_only || ret->is_recent || test.len == 0) && str_trim(line).len == 0;
}

static bool read_hash(struct str digits, uint8_t ret[static LIST_HASH])
{
	for (size_t i = 0; i < LIST_HASH && digits.len == HASH_DIGITS; i++) {
		int high = num_hex_digit(digits.ptr[2 * i]);
		int low = num_hex_digit(digits.ptr[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return digits.len == HASH_DIGITS;
}

/* One line, trimmed and not empty. */
static int read_line(struct str line, struct training_list *l)
{
	struct list_group *last = l->group_count > 0 ? &l->groups[l->group_count - 1] : NULL;
	uint8_t hash[LIST_HASH];

	if (read_hash(line, hash)) {
		const struct list_message *before = last != NULL && last->count > 0
							    ? &last->messages[last->count - 1]
							    : NULL;

		if (last == NULL ||
		    (before != NULL && memcmp(before->hash, hash, LIST_HASH) >= 0)) {
			return -EINVAL;
		}
		return add_message(last, hash, NULL);
	}
	if (str_has_prefix(line, STR("group "))) {
		line = str_skip(line, STR("group ").len);
	}
	if (l->group_count == TRAIN_GROUPS_MAX ||
	    !read_group(line, &l->groups[l->group_count].group)) {
		return -EINVAL;
	}
	l->group_count++;
	return 0;
}

int training_list_read(struct str text, const char *name, struct training_list *ret,
		       struct errmsg *reterr)
{
	for (size_t number = 1; text.len > 0; number++) {
		struct str line = str_take_until(&text, '\n');

		line = str_trim(str_head(line, str_find_char(line, '#')));
		int r = line.len > 0 ? read_line(line, ret) : 0;

		if (r < 0) {
			return err_set(reterr, r,
				       "%s:%zu: neither a group nor the next hash in order", name,
				       number);
		}
	}
	return 0;
}

int training_list_write(const struct training_list *l, struct buf *ret)
{
	for (size_t g = 0; g < l->group_count; g++) {
		const struct list_group *group = &l->groups[g];

		buf_printf(ret, "group %s %s %u.%06u%s\n", group->group.name,
			   group->group.is_spam ? "spam" : "ham", group->group.weight_ppm / 1000000,
			   group->group.weight_ppm % 1000000,
			   group->group.is_test_only ? " test"
			   : group->group.is_recent  ? " recent"
						     : "");
		for (size_t i = 0; i < group->count; i++) {
			for (size_t k = 0; k < LIST_HASH; k++) {
				buf_printf(ret, "%02x", group->messages[i].hash[k]);
			}
			buf_add_char(ret, '\n');
		}
	}
	return buf_end(ret);
}

static int gather(void *ctx, const char *file, uint64_t index, struct str octets)
{
	uint8_t hash[SHA256_OCTETS];

	(void)index;
	sha256_of(octets, hash);
	return add_message(ctx, hash, file);
}

static int by_hash(const void *a, const void *b)
{
	const struct list_message *x = a;
	const struct list_message *y = b;
	int order = memcmp(x->hash, y->hash, LIST_HASH);

	return order != 0 || x->path == NULL || y->path == NULL ? order : strcmp(x->path, y->path);
}

/* Of messages with the same octets the first stays. */
static void drop_doubles(struct list_group *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->count; i++) {
		if (kept > 0 &&
		    memcmp(g->messages[kept - 1].hash, g->messages[i].hash, LIST_HASH) == 0) {
			free(g->messages[i].path);
		} else {
			g->messages[kept++] = g->messages[i];
		}
	}
	g->count = kept;
}

/* Gives the wanted ones their paths; both in order. @return How many were not found. */
static size_t match(struct list_group *wanted, struct list_group *there)
{
	size_t missing = 0;
	size_t at = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		struct list_message *w = &wanted->messages[i];
		int order = -1;

		while (at < there->count &&
		       (order = memcmp(there->messages[at].hash, w->hash, LIST_HASH)) < 0) {
			at++;
		}
		if (at < there->count && order == 0) {
			w->path = there->messages[at].path;
			there->messages[at++].path = NULL;
		} else {
			missing++;
		}
	}
	return missing;
}

static int find_group(struct list_group *g, const char *folder, size_t *missing,
		      struct errmsg *reterr)
{
	struct list_group there = {.count = 0};
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, g->group.name);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_set(reterr, -ENAMETOOLONG, "%s: too long a path", folder);
	}
	int r = mailbox_walk(path, gather, &there, reterr);

	if (r < 0) {
		free_messages(there.messages, there.count);
		return r;
	}
	if (there.count > 0) {
		qsort(there.messages, there.count, sizeof(there.messages[0]), by_hash);
	}
	drop_doubles(&there);
	if (g->count == 0) {
		g->messages = there.messages;
		g->count = there.count;
		g->room = there.room;
		return 0;
	}
	*missing += match(g, &there);
	free_messages(there.messages, there.count);
	return 0;
}

int training_list_find(struct training_list *l, const char *folder, struct errmsg *reterr)
{
	size_t missing = 0;

	for (size_t g = 0; g < l->group_count; g++) {
		int r = find_group(&l->groups[g], folder, &missing, reterr);

		if (r < 0) {
			return r;
		}
	}
	if (missing > 0) {
		return err_set(reterr, -ENOENT, "%zu messages of the list are not in %s", missing,
			       folder);
	}
	return 0;
}
