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
#include "base/assert.h"
#include "base/cur.h"
#include "base/num.h"
#include "base/sha256.h"
#include "conf/conf.h"
#include "core/proof.h"
#include "daemon/desk/api.h"
#include "daemon/msg.h"
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
	struct policy *policy;
	struct desk *desk;
	struct api *api;
	struct loop_event *tick;
	struct loop_event *input;
	struct loop_event *term;
	struct buf lines;
	uint64_t judge_seq;
	struct order last; /* of the judge; reason and proof are literals */
};

static void give(struct deskd *d, int from, uint32_t type, const void *body, int len)
{
	ASSERT(len >= 0);
	if (!desk_received(d->desk, from, type, (struct str){body, (size_t)len})) {
		fprintf(stderr, "deskd: the desk did not understand message %u\n", type);
	}
}

static void report(struct deskd *d, const struct order *o, enum order_state state, uint64_t hits)
{
	uint8_t body[ORDER_REPORT_ENCODED_MAX];
	const struct order_report r = {
		.origin = o->origin,
		.seq = o->seq,
		.source = o->source,
		.state = state,
		.at = wall_now(),
		.apply_us = 812,
		.sessions_ended = o->rung == RUNG_BLOCK ? 3 : 0,
		.hits = hits,
	};

	give(d, PROCESS_GATE, MSG_ORDER_REPORT, body, order_report_encode(&r, body, sizeof(body)));
}

static void sent(void *ctx, int to, uint32_t type, struct str body)
{
	struct deskd *d = ctx;
	struct order o;

	if (to == PROCESS_GATE && type == MSG_ORDER && order_decode(body.ptr, body.len, &o) == 0) {
		report(d, &o, o.mode == MODE_OBSERVE ? ORDER_WOULD : ORDER_INSTALLED, 0);
	}
}

static struct proof proof_of(const struct source_key *source)
{
	const struct wall now = wall_now();
	struct proof p = {
		.source = *source,
		.time = now,
		.verdict = VERDICT_ABUSED,
		.rung = RUNG_BLOCK,
		.messages = 42,
		.flagged = 39,
		.recipients = 126,
		.recipients_unknown = 51,
		.campaigns = 12,
		.campaigns_flagged = 11,
		.first_flagged = {now.ns - 40 * NS_PER_S},
		.last_flagged = {now.ns - NS_PER_S},
		.h2_micro = 6000000,
		.rule = "content at h, recipients at h2",
		.rule_version = 1,
		.weights_version = 0x1234567890abcdef,
		.leg_count = 2,
	};

	p.legs[0] = (struct proof_leg){.kind = KIND_CONTENT,
				       .pi1_ppm = 900000,
				       .s_micro = 17412000,
				       .h_micro = 16000000,
				       .trials = 42,
				       .bad = 39,
				       .reached_at = now};
	p.legs[1] = (struct proof_leg){.kind = KIND_RECIPIENTS,
				       .pi1_ppm = 300000,
				       .s_micro = 8120000,
				       .h_micro = 16000000,
				       .trials = 126,
				       .bad = 51};
	return p;
}

static void add_sample(struct deskd *d, const struct source_key *source, unsigned n)
{
	static uint8_t body[SAMPLE_ENCODED_MAX];
	char id[64];
	char head[1024];

	snprintf(id, sizeof(id), "<spam-%u@b.example>", n);
	int len = snprintf(head, sizeof(head),
			   "Received: from web1.b.example (web1.b.example [192.0.2.20])\r\n"
			   "X-PHP-Originating-Script: 33:mail.php\r\n"
			   "Message-ID: %s\r\n"
			   "From: \"Bank <script>alert(1)</script>\" <a@b.example>\r\n"
			   "Subject: Your account number %u\r\n\r\n"
			   "<b>Click</b> http://spam.example/%u\r\n\x1b[31mred\r\n",
			   id, n, n);
	struct sample s = {
		.helo = STR("web1.b.example"),
		.mail_from = STR("a@b.example"),
		.message_id = str_of(id),
		.subject = STR("Your account <b>is</b> closed"),
		.from = STR("a@b.example"),
		.reply = STR("250 2.0.0 queued"),
		.reasons = {STR("asks for a password"), STR("link to a young domain")},
		.reason_count = 2,
		.rcpts = {{.domain = STR("example.net"), .hash = 77, .code = 250},
			  {.domain = STR("example.org"), .hash = 78, .code = 550}},
		.rcpt_count = 2,
		.head = {head, (size_t)len},
	};
	s.obs = (struct message_obs){
		.time = wall_now(),
		.source = *source,
		.client = source->prefix.addr,
		.destination = source->prefix.addr,
		.dport = 25,
		.session = n,
		.state = MESSAGE_ACCEPTED,
		.far = FAR_REPLIED,
		.reply_code = 250,
		.rcpts = 2,
		.rcpts_accepted = 1,
		.rcpts_unknown = 1,
		.rcpts_refused = 1,
		.size_bytes = (uint32_t)len,
		.scored = true,
		.flagged = true,
		.score_micro = 970000,
	};
	sha256_of(s.head, s.obs.sample);
	give(d, PROCESS_TAP, MSG_SAMPLE, body, sample_encode(&s, body, sizeof(body)));
}

static void block(struct deskd *d, struct str text)
{
	static uint8_t proof[PROOF_ENCODED_MAX];
	uint8_t body[ORDER_ENCODED_MAX];
	struct source_key source;
	struct errmsg err;

	if (desk_source_parse(d->desk, STR_EMPTY, text, &source, &err) < 0) {
		fprintf(stderr, "deskd: %s\n", err.text);
		return;
	}
	const struct proof p = proof_of(&source);
	int len = proof_encode(&p, proof, sizeof(proof));
	ASSERT(len > 0);
	for (unsigned n = 1; n <= 3; n++) {
		add_sample(d, &source, n);
	}
	give(d, PROCESS_JUDGE, MSG_SOURCE, proof, len);
	d->last = (struct order){
		.origin = ORIGIN_JUDGE,
		.seq = ++d->judge_seq,
		.source = source,
		.rung = RUNG_BLOCK,
		.verdict = VERDICT_ABUSED,
		.giver = GIVER_JUDGE,
		.mode = d->policy->networks[source.network].mode,
		.given_at = wall_now(),
		.reason = STR("content and recipients"),
		.proof = {(const char *)proof, (size_t)len},
	};
	give(d, PROCESS_GATE, MSG_ORDER_JOURNALED, body,
	     order_encode(&d->last, body, sizeof(body)));
	report(d, &d->last, d->last.mode == MODE_OBSERVE ? ORDER_WOULD : ORDER_INSTALLED, 0);
}

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
		give(d, all[i], MSG_STATS, body, enc_end(&e));
	}
}

static void on_tick(void *ctx)
{
	struct deskd *d = ctx;

	give_stats(d);
	desk_tick(d->desk);
}

static void obey(struct deskd *d, struct str line)
{
	struct str word = str_take_until(&line, ' ');
	uint64_t hits;

	if (str_is_equal(word, STR("block"))) {
		block(d, line);
	} else if (str_is_equal(word, STR("hits")) && num_parse_u64(line, UINT32_MAX, &hits) == 0) {
		report(d, &d->last, ORDER_PROVED, hits);
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

	snprintf(path, sizeof(path), "%s/first-token", d->policy->state_dir);
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

	int r = load(config, &d->policy);
	if (r == 0) {
		r = http_listen(d->policy, &sockets, err);
	}
	if (r < 0) {
		return r;
	}
	const struct desk_opts desk = {.loop = d->loop,
				       .policy = d->policy,
				       .store_dir = d->policy->state_dir,
				       .send = sent,
				       .ctx = d};
	r = desk_new(&desk, &d->desk, err);
	if (r < 0) {
		http_sockets_close(&sockets);
		return r;
	}
	const struct api_opts api = {.loop = d->loop,
				     .desk = d->desk,
				     .sockets = sockets,
				     .first_token = first_token,
				     .ctx = d};
	r = api_new(&api, &d->api, err);
	if (r == 0) {
		desk_peer_up(d->desk, PROCESS_GATE);
		desk_peer_up(d->desk, PROCESS_JUDGE);
		desk_peer_up(d->desk, PROCESS_TAP);
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
	desk_free(d.desk);
	loop_turn(d.loop, 0); /* connections end in the loop */
	policy_free(d.policy);
	buf_done(&d.lines);
	loop_free(d.loop);
	return status;
}
