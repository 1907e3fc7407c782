/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deskd: the desk alone with its API and panel, for tests: gate, judge and tap are played here.
 *
 *   deskd CONFIG     (folders must exist; runs until SIGTERM)
 *
 * Lines on standard input make things happen: "block 192.0.2.20" (the judge's order, as the gate
 * journals it, with proof and samples), "hits 14" (attempts since), "calm" (none any more).
 * The gate here carries out every order at once. It prints "ready" when it listens.
 */
#include "base/num.h"
#include "conf/conf.h"
#include "daemon/desk/api.h"
#include "desk_world.h"
#include "sys/files.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

struct deskd {
	struct loop *loop;
	struct desk_world world;
	struct api *api;
	struct loop_event *tick;
	struct loop_event *input;
	struct loop_event *term;
	struct buf lines;
};

/* The others are alive and count. */
static void give_stats(struct deskd *d)
{
	static const int all[] = {PROCESS_TAP, PROCESS_JUDGE, PROCESS_GATE};
	const struct str stats = STR("{\"frames\":7,\"late-ones\":2}");
	uint8_t body[128];

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct enc e = enc_of(body, sizeof(body));
		enc_uint(&e, 1, (uint64_t)all[i]);
		enc_bytes(&e, stats.ptr, stats.len);
		world_give(&d->world, all[i], MSG_STATS, body, enc_end(&e));
	}
}

static void on_tick(void *ctx)
{
	struct deskd *d = ctx;

	give_stats(d);
	desk_tick(d->world.desk);
}

static void obey(struct deskd *d, struct str line)
{
	struct str word = str_take_until(&line, ' ');
	uint64_t hits;

	if (str_is_equal(word, STR("block"))) {
		world_block(&d->world, line);
	} else if (str_is_equal(word, STR("hits")) && num_parse_u64(line, UINT32_MAX, &hits) == 0) {
		world_report(&d->world, &d->world.last, ORDER_PROVED, hits);
	} else if (word.len > 0) {
		fprintf(stderr, "deskd: what is '%.*s'?\n", STR_ARG(word));
	}
	on_tick(d); /* what is written in batches too */
	printf("done\n");
	fflush(stdout);
}

static void on_input(int fd, unsigned ready, void *ctx)
{
	struct deskd *d = ctx;
	char *at = buf_reserve(&d->lines, 4096);
	ssize_t n = at != NULL ? read(fd, at, 4096) : 0;

	(void)ready;
	if (n <= 0) {
		loop_fd_set(d->input, 0); /* goes on without */
		return;
	}
	d->lines.len += (size_t)n;
	for (;;) {
		struct str all = buf_str(&d->lines);
		size_t end = str_find_char(all, '\n');
		if (end == all.len) {
			return;
		}
		obey(d, str_head(all, end));
		buf_drop(&d->lines, end + 1);
	}
}

static void on_term(int signo, void *ctx)
{
	struct deskd *d = ctx;

	(void)signo;
	loop_stop(d->loop);
}

static void first_token(const char *text, void *ctx)
{
	struct deskd *d = ctx;
	char path[512];
	struct errmsg err;

	snprintf(path, sizeof(path), "%s/first-token", d->world.policy->state_dir);
	if (text == NULL) {
		unlink(path);
	} else if (file_write(path, str_of(text), 0600, &err) < 0) {
		fprintf(stderr, "deskd: %s\n", err.text);
	}
}

static int load(const char *path, struct policy **ret)
{
	struct conf_report *problems = conf_report_new();
	int r = problems == NULL ? -ENOMEM : conf_load(path, problems, ret);

	if (r < 0) {
		fprintf(stderr, "deskd: %s is bad\n", path);
	}
	conf_report_free(problems);
	return r;
}

static int start(struct deskd *d, const char *config, struct errmsg *err)
{
	struct http_sockets sockets = {.tcp = -1, .local = -1};

	int r = load(config, &d->world.policy);
	if (r == 0) {
		r = http_listen(d->world.policy, &sockets, err);
	}
	if (r < 0) {
		return r;
	}
	const struct desk_opts desk = {.loop = d->loop,
				       .policy = d->world.policy,
				       .store_dir = d->world.policy->state_dir,
				       .send = world_sent,
				       .ctx = &d->world};
	r = desk_new(&desk, &d->world.desk, err);
	if (r < 0) {
		http_sockets_close(&sockets);
		return r;
	}
	const struct api_opts api = {.loop = d->loop,
				     .desk = d->world.desk,
				     .sockets = sockets,
				     .first_token = first_token,
				     .ctx = d};
	r = api_new(&api, &d->api, err);
	if (r == 0) {
		world_peers_up(&d->world);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct deskd d = {.loop = loop_new()};
	struct errmsg err = {.text = ""};
	int status = EXIT_FAILURE;

	if (argc != 2 || d.loop == NULL) {
		fputs("usage: deskd CONFIG\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	buf_init(&d.lines, 65536);
	if (start(&d, argv[1], &err) == 0) {
		d.tick = loop_timer(d.loop, on_tick, &d);
		d.input = loop_fd(d.loop, STDIN_FILENO, LOOP_READ, on_input, &d);
		d.term = loop_signal(d.loop, SIGTERM, on_term, &d);
		ASSERT(d.tick != NULL && d.input != NULL && d.term != NULL);
		loop_timer_every(d.tick, DESK_TICK_MS);
		printf("ready\n");
		fflush(stdout);
		status = loop_run(d.loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	} else {
		fprintf(stderr, "deskd: %s\n", err.text);
	}
	loop_event_free(d.tick);
	loop_event_free(d.input);
	loop_event_free(d.term);
	api_free(d.api);
	desk_free(d.world.desk);
	loop_turn(d.loop, 0); /* connections end in the loop */
	policy_free(d.world.policy);
	buf_done(&d.lines);
	loop_free(d.loop);
	return status;
}
