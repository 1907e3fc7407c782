/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_lists: one list, plain, tried on messages. Layer: cli.
 */
#include "cli/score_lists.h"

#include "base/assert.h"
#include "conf/lists.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

#define ENTRIES_MAX 1000000

static int make_set(struct score_lists *l, const struct url_list *read, struct errmsg *reterr)
{
	size_t size = url_set_size(read->count);

	l->block = malloc(size);
	if (l->block == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the list");
	}
	url_set_build(&read->key, read->hashes, read->count, read->kinds, l->block);
	int r = url_set_open(l->block, size, &l->list.set);
	ASSERT(r == 0);
	return r;
}

int score_lists_read(struct score_lists *l, const struct cli_args *args, struct errmsg *reterr)
{
	const char *file = cli_value(args, "list");
	const struct list_policy p = {.name = file, .file = file, .entries_max = ENTRIES_MAX};
	struct url_list read;

	if (file == NULL) {
		return 0;
	}
	int r = list_read(&p, &read, reterr);
	if (r == 0) {
		l->list.name = file;
		r = make_set(l, &read, reterr);
		url_list_done(&read);
	}
	return r;
}

void score_lists_match(const struct score_lists *l, const struct mail_view *mail,
		       struct score *score)
{
	if (l->block != NULL) {
		url_match(mail, &l->list, 1, score);
	}
}

void score_lists_done(struct score_lists *l)
{
	free(l->block);
	l->block = NULL;
}
