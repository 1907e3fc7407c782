/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_world: a desk whose gate, judge and tap are played, for the test daemon and the fuzzer of
 * the HTTP side. The gate here carries out every order at once.
 */
#ifndef TESTS_API_DESK_WORLD_H
#define TESTS_API_DESK_WORLD_H

#include "base/assert.h"
#include "base/cur.h"
#include "base/sha256.h"
#include "core/proof.h"
#include "daemon/desk/desk.h"
#include "daemon/msg.h"
#include "sys/loop.h"

#include <stdio.h>

struct desk_world {
	struct policy *policy;
	struct desk *desk;
	uint64_t judge_seq;
	struct order last; /* of the judge; reason and proof are literals */
};

static void world_give(struct desk_world *w, int from, uint32_t type, const void *body, int len)
{
	ASSERT(len >= 0);
	if (!desk_received(w->desk, from, type, (struct str){body, (size_t)len})) {
		fprintf(stderr, "desk_world: the desk did not understand message %u\n", type);
	}
}

static void world_report(struct desk_world *w, const struct order *o, enum order_state state,
			 uint64_t hits)
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

	world_give(w, PROCESS_GATE, MSG_ORDER_REPORT, body,
		   order_report_encode(&r, body, sizeof(body)));
}

static void world_sent(void *ctx, int to, uint32_t type, struct str body)
{
	struct desk_world *w = ctx;
	struct order o;

	if (to == PROCESS_GATE && type == MSG_ORDER && order_decode(body.ptr, body.len, &o) == 0) {
		world_report(w, &o, o.mode == MODE_OBSERVE ? ORDER_WOULD : ORDER_INSTALLED, 0);
	}
}

static struct proof world_proof(const struct source_key *source)
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

static void world_add_sample(struct desk_world *w, const struct source_key *source, unsigned n)
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
	world_give(w, PROCESS_TAP, MSG_SAMPLE, body, sample_encode(&s, body, sizeof(body)));
}

static void world_block(struct desk_world *w, struct str text)
{
	static uint8_t proof[PROOF_ENCODED_MAX];
	uint8_t body[ORDER_ENCODED_MAX];
	struct source_key source;
	struct errmsg err;

	if (desk_source_parse(w->desk, STR_EMPTY, text, &source, &err) < 0) {
		fprintf(stderr, "desk_world: %s\n", err.text);
		return;
	}
	const struct proof p = world_proof(&source);
	int len = proof_encode(&p, proof, sizeof(proof));
	ASSERT(len > 0);
	for (unsigned n = 1; n <= 3; n++) {
		world_add_sample(w, &source, n);
	}
	world_give(w, PROCESS_JUDGE, MSG_SOURCE, proof, len);
	w->last = (struct order){
		.origin = ORIGIN_JUDGE,
		.seq = ++w->judge_seq,
		.source = source,
		.rung = RUNG_BLOCK,
		.verdict = VERDICT_ABUSED,
		.giver = GIVER_JUDGE,
		.mode = w->policy->networks[source.network].mode,
		.given_at = wall_now(),
		.reason = STR("content and recipients"),
		.proof = {(const char *)proof, (size_t)len},
	};
	world_give(w, PROCESS_GATE, MSG_ORDER_JOURNALED, body,
		   order_encode(&w->last, body, sizeof(body)));
	world_report(w, &w->last, w->last.mode == MODE_OBSERVE ? ORDER_WOULD : ORDER_INSTALLED, 0);
}

/* The others are there. */
static void world_peers_up(struct desk_world *w)
{
	desk_peer_up(w->desk, PROCESS_GATE);
	desk_peer_up(w->desk, PROCESS_JUDGE);
	desk_peer_up(w->desk, PROCESS_TAP);
}

#endif
