/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_intake: what tap and judge tell: samples, source snapshots, spikes, the brake, and
 * everybody's statistics. Layer: daemon.
 */
#include "daemon/desk/desk.h"

#include "base/assert.h"
#include "base/cur.h"
#include "core/proof.h"
#include "core/redact.h"
#include "core/sample.h"
#include "daemon/desk/desk_impl.h"
#include "sys/loop.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* The judge's clock of a source that was never seen, only spoken of, begins in 1970. */
#define SEEN_NEVER_NS (INT64_C(86400) * NS_PER_S)

/* ---- samples ---- */

static int open_case_of(struct desk *d, const struct owner_of *owner, uint64_t *ret_id,
			struct errmsg *reterr)
{
	struct case_row c;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : cases_find_open(d->store, owner->network, owner->holder, a, &c, reterr);

	*ret_id = r == 0 ? c.id : 0;
	arena_free(a);
	return r == -ENOENT ? 0 : r;
}

static int store_redacted(struct desk *d, const struct sample *s, struct errmsg *reterr)
{
	struct owner_of owner;

	desk_owner_of(d, &s->obs.source, &owner);
	struct sample_row row = {
		.network = owner.network,
		.source = owner.source,
		.holder = owner.holder,
		.at = s->obs.time,
		.score_micro = s->obs.score_micro,
	};
	memcpy(row.sha256, s->obs.sample, sizeof(row.sha256));

	int r = store_begin(d->store, reterr);
	if (r < 0) {
		return r;
	}
	r = open_case_of(d, &owner, &row.case_id, reterr);
	if (r == 0) {
		r = samples_add(d->store, &row, s, reterr);
	}
	return store_end(d->store, r, reterr);
}

/* Recipients are domains, in the store and wherever it is shown. The hash stays that of the head
 * as it was sent: it is the sample's name. */
static int store_sample(struct desk *d, const struct sample *s, struct errmsg *reterr)
{
	struct sample shown = *s;
	struct buf head;

	buf_init(&head, SAMPLE_HEAD_MAX);
	redact_head(s->head, &head);
	shown.head = buf_str(&head);
	int r = store_redacted(d, &shown, reterr);
	buf_done(&head);
	return r;
}

/* Drop the oldest until n more octets fit. */
static void make_room(struct buf *waiting, size_t n)
{
	while (waiting->len > 0 && waiting->len + n > waiting->max) {
		struct cur c = cur_of(waiting->ptr, waiting->len);
		buf_drop(waiting, 4 + (size_t)cur_uint(&c, 4, waiting->len - 4));
	}
}

static void add_record(struct buf *waiting, struct str body)
{
	uint8_t len[4];
	struct enc e = enc_of(len, sizeof(len));

	enc_uint(&e, 4, body.len);
	make_room(waiting, sizeof(len) + body.len);
	buf_add(waiting, (struct str){(const char *)len, sizeof(len)});
	buf_add(waiting, body);
	if (buf_end(waiting) < 0) { /* no memory: all of them are given up */
		buf_clear(waiting);
	}
}

static struct str take_record(struct str *rest)
{
	struct str head = str_take(rest, 4);
	struct cur c = cur_of(head.ptr, head.len);

	return str_take(rest, (size_t)cur_uint(&c, 4, rest->len));
}

static bool sample_came(struct desk *d, struct str body)
{
	struct sample s;
	struct errmsg err;

	if (sample_decode(body.ptr, body.len, &s) < 0) {
		return false;
	}
	if (desk_store_said(d, store_sample(d, &s, &err), &err) < 0) {
		add_record(&d->samples, body);
	}
	return true;
}

void desk_samples_retry(struct desk *d)
{
	struct str rest = buf_str(&d->samples);
	struct sample s;
	struct errmsg err;
	size_t stored = 0;

	while (rest.len > 0) {
		struct str body = take_record(&rest);
		if (sample_decode(body.ptr, body.len, &s) == 0 &&
		    desk_store_said(d, store_sample(d, &s, &err), &err) < 0) {
			break;
		}
		stored = d->samples.len - rest.len;
	}
	buf_drop(&d->samples, stored);
}

/* ---- sources ---- */

static bool source_came(struct desk *d, struct str body)
{
	struct proof p;

	if (body.len > PROOF_ENCODED_MAX || proof_decode(body.ptr, body.len, &p) < 0) {
		return false;
	}
	if (d->source_count >= SOURCES_BATCH) {
		desk_sources_flush(d);
	}
	add_record(&d->sources, body); /* one that is given up: the judge says it again */
	d->source_count++;
	return true;
}

static void tell_change(struct desk *d, const struct owner_of *owner, const struct proof *p,
			const struct source_row *before)
{
	if (before != NULL && before->verdict == p->verdict && before->rung == p->rung) {
		return;
	}
	desk_event(d, "verdict", owner->network, owner->source, "%s, rung %s: %s",
		   verdict_name(p->verdict), rung_name(p->rung), p->rule);
}

static int put_source(struct desk *d, struct str body, struct errmsg *reterr)
{
	struct proof p;
	struct owner_of owner;
	struct source_row before;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory") : 0;

	if (r == 0 && proof_decode(body.ptr, body.len, &p) == 0) {
		desk_owner_of(d, &p.source, &owner);
		r = sources_get(d->store, owner.network, owner.source, a, &before, reterr);
		if (r == 0 || r == -ENOENT) {
			tell_change(d, &owner, &p, r == 0 ? &before : NULL);
			const struct source_row row = {
				.network = owner.network,
				.source = owner.source,
				.tenant = owner.tenant,
				.server = owner.server,
				.verdict = p.verdict,
				.rung = p.rung,
				.messages = p.messages,
				.flagged = p.flagged,
				.seen_at = {p.time.ns < SEEN_NEVER_NS ? 0 : p.time.ns},
				.proof = body,
			};
			r = sources_put(d->store, &row, reterr);
		}
	}
	arena_free(a);
	return r;
}

void desk_sources_flush(struct desk *d)
{
	struct errmsg err;
	struct str rest = buf_str(&d->sources);

	if (rest.len == 0) {
		return;
	}
	int r = store_begin(d->store, &err);
	if (r == 0) {
		while (r == 0 && rest.len > 0) {
			r = put_source(d, take_record(&rest), &err);
		}
		r = store_end(d->store, r, &err);
	}
	d->source_count = 0;
	if (desk_store_said(d, r, &err) == 0) {
		buf_clear(&d->sources); /* else they are tried again with the next batch */
	}
}

static bool spike_came(struct desk *d, struct str body)
{
	struct proof p;
	struct owner_of owner;

	if (proof_decode(body.ptr, body.len, &p) < 0) {
		return false;
	}
	desk_owner_of(d, &p.source, &owner);
	desk_event(d, "spike", owner.network, owner.source, "%s", p.rule);
	return true;
}

static bool brake_came(struct desk *d, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	bool on = cur_bool(&c);
	uint32_t blocks = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	uint32_t window_s = (uint32_t)cur_uint(&c, 4, UINT32_MAX);

	if (cur_end(&c) < 0) {
		return false;
	}
	if (on && !d->health.brake_on) {
		d->health.brake_since = desk_now(d);
	}
	d->health.brake_on = on;
	d->health.brake_blocks = on ? blocks : 0;
	desk_event(d, "brake", STR_EMPTY, STR_EMPTY,
		   on ? "on: %u automatic blocks within %u s; further ones become throttle until "
			"staff lift it"
		      : "off (%u blocks, %u s)",
		   blocks, window_s);
	return true;
}

/* ---- everybody ---- */

static bool stats_came(struct desk *d, int from, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	uint64_t process = cur_uint(&c, 1, PROCESS_COUNT - 1);
	struct str json = cur_bytes(&c, c.left);

	if (cur_end(&c) < 0 || (int)process != from || json.len < 2 || json.ptr[0] != '{') {
		return false;
	}
	buf_clear(&d->stats[from]);
	buf_add(&d->stats[from], json);
	if (buf_end(&d->stats[from]) < 0) {
		buf_clear(&d->stats[from]);
		return false;
	}
	d->peers[from].stats = buf_str(&d->stats[from]);
	d->peers[from].stats_at = desk_now(d);
	return true;
}

static bool received_from_judge(struct desk *d, uint32_t type, struct str body)
{
	switch (type) {
	case MSG_SOURCE:
		return source_came(d, body);
	case MSG_SPIKE:
		return spike_came(d, body);
	case MSG_BRAKE:
		return brake_came(d, body);
	default:
		return false;
	}
}

bool desk_received(struct desk *d, int from, uint32_t type, struct str body)
{
	bool good = false;

	ASSERT(from >= 0 && from < PROCESS_COUNT);
	if (type == MSG_STATS) {
		good = stats_came(d, from, body);
	} else if (from == PROCESS_GATE) {
		good = desk_received_from_gate(d, type, body);
	} else if (from == PROCESS_JUDGE) {
		good = received_from_judge(d, type, body);
	} else if (from == PROCESS_TAP && type == MSG_SAMPLE) {
		good = sample_came(d, body);
	}
	d->health.bad_messages += good ? 0 : 1;
	return good;
}

void desk_peer_up(struct desk *d, int process)
{
	ASSERT(process >= 0 && process < PROCESS_COUNT);
	d->peers[process].connected = true;
	if (process == PROCESS_JUDGE) {
		desk_judge_remind(d);
	}
}

void desk_peer_down(struct desk *d, int process)
{
	ASSERT(process >= 0 && process < PROCESS_COUNT);
	d->peers[process].connected = false;
}
