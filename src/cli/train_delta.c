/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_delta: batches of own mail, added, shown and taken back. Layer: cli.
 */
#include "cli/train_delta.h"

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/sha256.h"
#include "cli/mailbox.h"
#include "conf/weights.h"
#include "core/delta.h"
#include "core/score_mail.h"
#include "sys/files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

struct lesson {
	struct model *model;
	struct delta *delta;
	struct mail *mail;
	struct score_room room;
	struct tokens tokens;
	uint32_t bins[FEATURES_MAX];
	struct model_seen seen;
	struct delta_message messages[DELTA_MESSAGES_MAX];
	size_t count;
	size_t known; /* messages that an earlier batch has */
	bool is_spam;
};

static int compare_bins(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Logit minus threshold by the weights alone, and the words' bins without doubles. */
static int read_message(struct lesson *l, struct str octets, struct delta_message *ret)
{
	int64_t logits[MEMBER_COUNT];
	uint32_t *kept = NULL;

	mail_reset(l->mail);
	mail_step(l->mail, octets);
	struct score_input in = score_input_of(mail_end(l->mail), &l->room);

	tokens_read(&in, &l->tokens);
	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		size_t n = features_read(m, &in, &l->tokens, l->bins);

		logits[m] = model_member_logit(&l->model->members[m], l->bins, n, &l->seen);
		if (m != MEMBER_WORDS) {
			continue;
		}
		kept = malloc((n + 1) * sizeof(*kept));
		if (kept == NULL) {
			return -ENOMEM;
		}
		qsort(l->bins, n, sizeof(l->bins[0]), compare_bins);
		for (size_t i = 0; i < n; i++) {
			if (i == 0 || l->bins[i] != l->bins[i - 1]) {
				kept[ret->count++] = l->bins[i];
			}
		}
	}
	ret->bins = kept;
	ret->logit = model_sum(l->model, logits, l->tokens.count) - l->model->threshold_micro;
	return 0;
}

static int take_message(void *ctx, const char *file, uint64_t index, struct str octets)
{
	struct lesson *l = ctx;
	struct delta_message m = {.is_spam = l->is_spam};
	uint8_t hash[SHA256_OCTETS];

	(void)file;
	(void)index;
	sha256_of(octets, hash);
	memcpy(m.hash, hash, sizeof(m.hash));
	if (delta_has(l->delta, m.hash)) {
		l->known++;
		return 0;
	}
	if (l->count == DELTA_MESSAGES_MAX) {
		return -ENOSPC;
	}
	int r = read_message(l, octets, &m);

	if (r == 0) {
		l->messages[l->count++] = m;
	}
	return r;
}

static int take_folder(struct lesson *l, const char *path, bool is_spam, struct errmsg *reterr)
{
	struct errmsg err = {.text = ""};

	if (path == NULL) {
		return 0;
	}
	l->is_spam = is_spam;
	int r = mailbox_walk(path, take_message, l, &err);

	if (r == -ENOSPC) {
		return err_set(reterr, r, "%s: a batch holds %d messages at most", path,
			       DELTA_MESSAGES_MAX);
	}
	return r < 0 ? err_set(reterr, r, "%s", err.text[0] != '\0' ? err.text : path) : 0;
}

static int load_model(const char *given, struct model **ret, struct errmsg *reterr)
{
	char path[PATH_MAX];
	struct buf file;
	int r = weights_read(given, path, &file, reterr);

	if (r == 0) {
		r = model_decode(buf_str(&file), ret, reterr);
		if (r < 0) {
			(void)err_prefix(reterr, r, "%s", path);
		}
	}
	buf_done(&file);
	return r;
}

/* A delta that is not there yet is an empty one. */
static int load_delta(const char *path, struct delta **ret, struct errmsg *reterr)
{
	struct buf file;
	int r = 0;

	if (access(path, F_OK) != 0 && errno == ENOENT) {
		*ret = delta_new();
		return *ret != NULL ? 0 : err_set(reterr, -ENOMEM, "no memory");
	}
	buf_init(&file, DELTA_BYTES_MAX);
	r = file_read(path, &file, reterr);
	if (r == 0) {
		r = delta_decode(buf_str(&file), ret, reterr);
		if (r < 0) {
			(void)err_prefix(reterr, r, "%s", path);
		}
	}
	buf_done(&file);
	return r;
}

static int save_delta(const char *path, const struct delta *d, struct errmsg *reterr)
{
	struct buf file;

	buf_init(&file, DELTA_BYTES_MAX);
	int r = delta_encode(d, &file);

	r = r < 0 ? err_set(reterr, r, "no memory for the delta")
		  : file_write(path, buf_str(&file), 0644, reterr);
	buf_done(&file);
	return r;
}

static void show(const struct cli *cli, const struct delta *d)
{
	struct buf out;

	buf_init(&out, 64 * 1024);
	struct jsonw w = jsonw_of(&out);

	jsonw_object(&w, NULL);
	jsonw_array(&w, "batches");
	for (size_t i = 0; i < delta_batches(d); i++) {
		struct delta_batch_info info = delta_batch(d, i);

		jsonw_object(&w, NULL);
		jsonw_u64(&w, "ham", info.ham);
		jsonw_u64(&w, "spam", info.spam);
		jsonw_u64(&w, "cells", info.cells);
		jsonw_object_end(&w);
		if (!cli->json) {
			printf("batch %zu: %u legitimate, %u spam, %u cells\n", i + 1, info.ham,
			       info.spam, info.cells);
		}
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
	if (cli->json) {
		fwrite(out.ptr, 1, out.len, stdout);
	} else if (delta_batches(d) == 0) {
		puts("the delta is empty");
	}
	buf_done(&out);
}

static int learn(struct lesson *l, const struct cli_args *args, struct errmsg *reterr)
{
	int r = take_folder(l, cli_value(args, "ham"), false, reterr);

	if (r == 0) {
		r = take_folder(l, cli_value(args, "spam"), true, reterr);
	}
	if (r == 0) {
		r = delta_learn(l->delta, l->messages, l->count);
		if (r < 0) {
			return err_set(reterr, r,
				       "the delta is full: take batches back, or begin another");
		}
		printf("train: learned from %zu messages, %zu were known\n", l->count, l->known);
	}
	return r;
}

static int run_lesson(const struct cli *cli, const struct cli_args *args, struct lesson *l,
		      struct errmsg *reterr)
{
	const char *path = cli_value(args, "delta");
	int r = load_delta(path, &l->delta, reterr);

	if (r < 0) {
		return r;
	}
	if (cli_has(args, "show")) {
		show(cli, l->delta);
		return 0;
	}
	if (cli_has(args, "undo")) {
		return delta_undo(l->delta) ? save_delta(path, l->delta, reterr)
					    : err_set(reterr, -ENOENT, "the delta is empty");
	}
	r = load_model(NULL, &l->model, reterr);
	l->mail = mail_new(NULL, NULL);
	if (r == 0 && l->mail == NULL) {
		r = err_set(reterr, -ENOMEM, "no memory");
	}
	if (r == 0) {
		r = learn(l, args, reterr);
	}
	return r == 0 ? save_delta(path, l->delta, reterr) : r;
}

int train_delta_run(const struct cli *cli, const struct cli_args *args)
{
	struct errmsg err = {.text = ""};
	struct lesson *l = calloc(1, sizeof(*l));
	bool is_lesson = cli_has(args, "ham") || cli_has(args, "spam");

	if (l == NULL) {
		return cli_fail(CLI_FAILED, "no memory");
	}
	if (is_lesson + cli_has(args, "show") + cli_has(args, "undo") != 1) {
		free(l);
		return cli_fail(CLI_USAGE,
				"train --delta needs --ham or --spam, or --show, or --undo");
	}
	int r = run_lesson(cli, args, l, &err);

	for (size_t i = 0; i < l->count; i++) {
		free((void *)(uintptr_t)l->messages[i].bins);
	}
	mail_free(l->mail);
	model_free(l->model);
	delta_free(l->delta);
	free(l);
	if (r < 0) {
		return cli_fail(r == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "%s", err.text);
	}
	return CLI_DONE;
}
