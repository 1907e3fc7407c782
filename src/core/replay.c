/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: writing logs and computing verdicts again. Layer: core (pure).
 */
#include "core/replay.h"

#include "base/cur.h"
#include "core/state_proof.h"
#include "core/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

/* 2: with the version of f0, and records of it. */
#define REPLAY_VERSION 2
#define REPLAY_VERSION_BEFORE 1
static_assert(REPLAY_VERSION == SOURCE_STATE_VERSION, "they change together");

enum record {
	RECORD_MESSAGE = 1,
	RECORD_SESSION,
	RECORD_TABLES, /* from version 2 on, and what follows */
	RECORD_OPINION,
};

#define BIT_TRUSTED 1
#define BIT_BLOCKED 2
#define BIT_HAS_SHARED 4
#define BIT_SHARED 8
#define BIT_GUARDED 16
#define BITS_ALL 31

/* Type, bits, length. */
#define RECORD_HEAD 4
#define OPINION_OCTETS 64
#define TABLES_OCTETS_MAX (4 + 4 * JUDGE_BINS_MAX)

static void put_rules(struct enc *e, const struct decision_policy *d, const struct judge_filter *f)
{
	enc_uint(e, 4, d->h_micro);
	enc_uint(e, 4, d->h2_micro);
	enc_uint(e, 4, d->pi0_ppm);
	for (size_t i = 0; i < COUNT_OF(d->pi1_ppm); i++) {
		enc_uint(e, 4, d->pi1_ppm[i]);
	}
	enc_uint(e, 4, d->copies_counted);
	enc_uint(e, 4, d->copies_nats_micro);
	for (size_t i = 0; i < LISTS_MAX; i++) {
		enc_uint(e, 4, d->lists[i].nats_micro);
		enc_uint(e, 4, d->lists[i].most_micro);
	}
	enc_uint(e, 4, f->tpr_ppm);
	enc_uint(e, 4, f->fpr_ppm);
	enc_uint(e, 8, f->weights_version);
	enc_uint(e, 4, f->f0_version);
	enc_uint(e, 1, f->bin_count);
	for (size_t i = 0; i < f->bin_count; i++) {
		enc_uint(e, 4, f->f0_ppm[i]);
		enc_uint(e, 4, f->f1_ppm[i]);
	}
}

static void get_rules(struct cur *c, unsigned version, struct decision_policy *d,
		      struct judge_filter *f)
{
	d->h_micro = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	d->h2_micro = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	d->pi0_ppm = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	for (size_t i = 0; i < COUNT_OF(d->pi1_ppm); i++) {
		d->pi1_ppm[i] = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	}
	d->copies_counted = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	d->copies_nats_micro = (uint32_t)cur_uint(c, 4, INT32_MAX);
	for (size_t i = 0; i < LISTS_MAX && version > 1; i++) {
		d->lists[i].nats_micro = (uint32_t)cur_uint(c, 4, LIST_MICRO_MAX);
		d->lists[i].most_micro = (uint32_t)cur_uint(c, 4, LIST_MICRO_MAX);
	}
	f->tpr_ppm = (uint32_t)cur_uint(c, 4, 1000000);
	f->fpr_ppm = (uint32_t)cur_uint(c, 4, 1000000);
	f->weights_version = cur_uint(c, 8, UINT64_MAX);
	f->f0_version = version > 1 ? (uint32_t)cur_uint(c, 4, UINT32_MAX) : 0;
	f->bin_count = (size_t)cur_uint(c, 1, JUDGE_BINS_MAX);
	for (size_t i = 0; i < f->bin_count; i++) {
		f->f0_ppm[i] = (uint32_t)cur_uint(c, 4, 1000000);
		f->f1_ppm[i] = (uint32_t)cur_uint(c, 4, 1000000);
	}
}

void replay_begin(struct replay_log *log, const struct decision_policy *d,
		  const struct judge_filter *f, const struct source_state *base)
{
	const size_t most = SOURCE_STATE_ENCODED_MAX + 512;
	char *at = buf_reserve(&log->records, most);

	if (at == NULL) {
		return;
	}
	struct enc e = enc_of(at, most);
	enc_uint(&e, 1, REPLAY_VERSION);
	enc_uint(&e, 1, RULE_VERSION);
	put_rules(&e, d, f);
	source_state_put(&e, base);
	int n = enc_end(&e);
	if (n < 0) {
		log->records.err = n;
		return;
	}
	log->records.len += (size_t)n;
	log->f0_version = f->f0_version;
}

static unsigned bits_of(struct outside x, bool is_guarded)
{
	return (x.is_trusted ? BIT_TRUSTED : 0U) | (x.is_blocked ? BIT_BLOCKED : 0U) |
	       (x.has_shared ? BIT_HAS_SHARED : 0U) | (x.is_shared ? BIT_SHARED : 0U) |
	       (is_guarded ? BIT_GUARDED : 0U);
}

static struct outside outside_of(unsigned bits)
{
	return (struct outside){
		.is_trusted = (bits & BIT_TRUSTED) != 0,
		.is_blocked = (bits & BIT_BLOCKED) != 0,
		.has_shared = (bits & BIT_HAS_SHARED) != 0,
		.is_shared = (bits & BIT_SHARED) != 0,
	};
}

static bool add(struct buf *to, enum record type, unsigned bits, struct str obs)
{
	uint8_t head[RECORD_HEAD];
	struct enc e = enc_of(head, sizeof(head));

	if (to->err != 0 || to->len + sizeof(head) + obs.len > REPLAY_LOG_MAX) {
		return false;
	}
	enc_uint(&e, 1, type);
	enc_uint(&e, 1, bits);
	enc_uint(&e, 2, obs.len);
	buf_add(to, (struct str){(const char *)head, sizeof(head)});
	buf_add(to, obs);
	return buf_end(to) == 0;
}

bool replay_add_message(struct replay_log *log, const struct message_obs *o, struct outside x,
			bool is_guarded)
{
	uint8_t body[MESSAGE_OBS_ENCODED_MAX];
	int n = message_obs_encode(o, body, sizeof(body));

	return n > 0 && add(&log->records, RECORD_MESSAGE, bits_of(x, is_guarded),
			    (struct str){(const char *)body, (size_t)n});
}

bool replay_add_session(struct replay_log *log, const struct session_obs *o, struct outside x,
			bool is_guarded)
{
	uint8_t body[SESSION_OBS_ENCODED_MAX];
	int n = session_obs_encode(o, body, sizeof(body));

	return n > 0 && add(&log->records, RECORD_SESSION, bits_of(x, is_guarded),
			    (struct str){(const char *)body, (size_t)n});
}

bool replay_add_opinion(struct replay_log *log, const struct late_opinion *o, bool is_guarded)
{
	uint8_t body[OPINION_OCTETS];
	struct enc e = enc_of(body, sizeof(body));

	enc_int(&e, 8, o->time.ns);
	enc_bool(&e, o->was_flagged);
	enc_uint(&e, 1, o->bin);
	enc_uint(&e, 8, o->copy.value);
	enc_uint(&e, 1, o->copy.kind);
	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		enc_int(&e, 4, o->before_micro[i]);
		enc_int(&e, 4, o->after_micro[i]);
	}
	enc_bool(&e, o->flagged);
	enc_int(&e, 4, o->nats_micro);
	int n = enc_end(&e);
	return n > 0 && add(&log->records, RECORD_OPINION, is_guarded ? BIT_GUARDED : 0,
			    (struct str){(const char *)body, (size_t)n});
}

bool replay_add_tables(struct replay_log *log, const struct judge_filter *f)
{
	uint8_t body[TABLES_OCTETS_MAX];
	struct enc e = enc_of(body, sizeof(body));

	enc_uint(&e, 4, f->f0_version);
	for (size_t i = 0; i < f->bin_count; i++) {
		enc_uint(&e, 4, f->f0_ppm[i]);
	}
	if (!add(&log->records, RECORD_TABLES, 0, (struct str){(const char *)body, e.used})) {
		return false;
	}
	log->f0_version = f->f0_version;
	return true;
}

void replay_file_write(struct str log, const struct proof *p, struct buf *ret)
{
	uint8_t body[PROOF_ENCODED_MAX + 4];
	struct enc e = enc_of(body, sizeof(body));
	uint8_t proof[PROOF_ENCODED_MAX];
	int n = proof_encode(p, proof, sizeof(proof));

	if (n < 0) {
		ret->err = n;
		return;
	}
	enc_str(&e, (struct str){(const char *)proof, (size_t)n});
	buf_add(ret, (struct str){(const char *)body, e.used});
	buf_add(ret, log);
}

/* What a run works on. */
struct run {
	struct decision_policy d;
	struct judge_filter f;
	struct ztable z;
	struct evidence_rules rules;
	struct source_state state;
	struct budget budget;
	bool is_guarded;
};

static int take_tables(struct run *r, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);

	r->f.f0_version = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	for (size_t i = 0; i < r->f.bin_count; i++) {
		r->f.f0_ppm[i] = (uint32_t)cur_uint(&c, 4, 1000000);
	}
	if (cur_end(&c) < 0 || ztable_make(&r->d, &r->f, &r->z, NULL) < 0) {
		return -EBADMSG;
	}
	return 0;
}

static int take_opinion(struct run *r, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	struct late_opinion o = {.time = {cur_int(&c, 8)}};

	o.was_flagged = cur_bool(&c);
	o.bin = (uint8_t)cur_uint(&c, 1, UINT8_MAX);
	o.copy.value = cur_uint(&c, 8, UINT64_MAX);
	o.copy.kind = (enum copy_kind)cur_uint(&c, 1, COPY_KIND_COUNT - 1);
	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		o.before_micro[i] = (int32_t)cur_int(&c, 4);
		o.after_micro[i] = (int32_t)cur_int(&c, 4);
	}
	o.flagged = cur_bool(&c);
	o.nats_micro = (int32_t)cur_int(&c, 4);
	if (cur_end(&c) < 0) {
		return -EBADMSG;
	}
	evidence_opinion(&r->state, &o, &r->rules, &r->budget);
	return 0;
}

static int step(struct run *r, struct cur *c, uint32_t *count)
{
	enum record type = (enum record)cur_uint(c, 1, RECORD_OPINION);
	unsigned bits = (unsigned)cur_uint(c, 1, BITS_ALL);
	struct str body = cur_bytes(c, (size_t)cur_uint(c, 2, MESSAGE_OBS_ENCODED_MAX));
	struct message_obs message;
	struct session_obs session;

	if (c->err != 0) {
		return c->err;
	}
	if (type == RECORD_TABLES) {
		return take_tables(r, body);
	}
	++*count;
	r->is_guarded = (bits & BIT_GUARDED) != 0;
	if (type == RECORD_OPINION) {
		return take_opinion(r, body);
	}
	if (type == RECORD_MESSAGE && message_obs_decode(body.ptr, body.len, &message) == 0) {
		evidence_message(&r->state, &message, &r->rules, outside_of(bits), &r->budget);
		return 0;
	}
	if (type == RECORD_SESSION && session_obs_decode(body.ptr, body.len, &session) == 0) {
		evidence_session(&r->state, &session, &r->rules, outside_of(bits), &r->budget);
		return 0;
	}
	return -EBADMSG;
}

static void conclude(struct run *r, struct wall at, struct proof *ret)
{
	uint32_t now_s = seconds_of(at);

	evidence_wait(&r->state, at, &r->budget);
	struct thresholds t = thresholds_of(&r->state, &r->d, now_s);
	struct finding f = witness_find(&r->state, &t, &r->z, now_s, r->is_guarded);
	r->state.verdict = (uint8_t)f.verdict;
	r->state.rule = (uint8_t)f.rule;
	r->state.rule_main = (uint8_t)f.main_kind;
	r->state.rule_support = (uint8_t)f.support;
	state_proof_make(&r->state, &r->rules, at, ret);
	state_proof_filter(&r->f, ret);
}

static int run_log(struct run *r, struct cur *c, struct replay_result *ret, struct errmsg *reterr)
{
	unsigned version = wire_get_version_of(c, REPLAY_VERSION_BEFORE, REPLAY_VERSION);
	unsigned rule_version = (unsigned)cur_uint(c, 1, UINT8_MAX);
	get_rules(c, version, &r->d, &r->f);
	if (c->err == 0 && rule_version != RULE_VERSION) {
		return err_set(reterr, -EBADMSG, "was decided by rules of version %u",
			       rule_version);
	}
	if (c->err != 0 || ztable_make(&r->d, &r->f, &r->z, NULL) < 0) {
		return err_set(reterr, -EBADMSG, "is not a log of observations");
	}
	r->rules = (struct evidence_rules){.z = &r->z, .d = &r->d};
	source_state_get(c, version, &r->state, &r->budget);
	while (c->err == 0 && c->left > 0) {
		if (step(r, c, &ret->observations) < 0) {
			return err_set(reterr, -EBADMSG, "has a broken observation");
		}
	}
	if (cur_end(c) < 0) {
		return err_set(reterr, -EBADMSG, "is not whole");
	}
	conclude(r, ret->stored.time, &ret->computed);
	return 0;
}

/* All but the rung, which depends on what else was shut at the time. */
static bool is_equal(const struct proof *stored, struct proof *computed)
{
	uint8_t one[PROOF_ENCODED_MAX];
	uint8_t two[PROOF_ENCODED_MAX];

	computed->rung = stored->rung;
	int n = proof_encode(stored, one, sizeof(one));
	int m = proof_encode(computed, two, sizeof(two));
	return n > 0 && n == m && memcmp(one, two, (size_t)n) == 0;
}

int replay_file_run(struct str file, struct replay_result *ret, struct errmsg *reterr)
{
	struct cur c = cur_of(file.ptr, file.len);
	struct str proof = cur_str(&c, PROOF_ENCODED_MAX);
	struct replay_result result = {0};

	if (c.err != 0 || proof_decode(proof.ptr, proof.len, &result.stored) < 0) {
		return err_set(reterr, -EBADMSG, "holds no proof");
	}
	struct run *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	r->budget.max = SIZE_MAX / 2;
	int status = run_log(r, &c, &result, reterr);
	source_state_forget(&r->state, &r->budget);
	free(r);
	if (status == 0) {
		result.is_equal = is_equal(&result.stored, &result.computed);
		*ret = result;
	}
	return status;
}
