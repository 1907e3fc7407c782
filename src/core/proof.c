/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: how proofs are stored, and how they read for machines and people. Layer: core (pure).
 */
#include "core/proof.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/cur.h"
#include "base/jsonw.h"
#include "core/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* 2: with f0 as it was learned. */
#define PROOF_VERSION 2
#define PROOF_VERSION_BEFORE 1

/* Octets of one leg and of all that is counted once. */
#define LEG_OCTETS (1 + 1 + 1 + 4 + 4 + 4 + 4 + 4 + 8)
#define FIXED_OCTETS 320
static_assert(FIXED_OCTETS + PROOF_RULE_MAX + PROOF_LEGS_MAX * LEG_OCTETS +
			      PROOF_SAMPLES_MAX * SHA256_SIZE <=
		      PROOF_ENCODED_MAX,
	      "the largest proof fits");

static const char *const stream_names[] = {"", "connections", "destinations", "failures", "urls"};
static_assert(COUNT_OF(stream_names) == PROOF_STREAM_COUNT, "a name for every value");

static void put_leg(struct enc *e, const struct proof_leg *leg)
{
	enc_uint(e, 1, leg->kind);
	enc_uint(e, 1, leg->stream);
	enc_bool(e, leg->is_one_sided);
	enc_uint(e, 4, leg->pi1_ppm);
	enc_int(e, 4, leg->s_micro);
	enc_int(e, 4, leg->h_micro);
	enc_uint(e, 4, leg->trials);
	enc_uint(e, 4, leg->bad);
	enc_int(e, 8, leg->reached_at.ns);
}

static void get_leg(struct cur *c, struct proof_leg *ret)
{
	ret->kind = (enum kind)cur_uint(c, 1, KIND_COUNT - 1);
	ret->stream = (enum proof_stream)cur_uint(c, 1, PROOF_STREAM_COUNT - 1);
	ret->is_one_sided = cur_bool(c);
	ret->pi1_ppm = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->s_micro = (int32_t)cur_uint(c, 4, INT32_MAX); /* sums never fall below zero */
	ret->h_micro = (int32_t)cur_uint(c, 4, INT32_MAX);
	ret->trials = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->bad = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->reached_at.ns = cur_int(c, 8);
}

int proof_encode(const struct proof *p, void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	ASSERT(p->f0_count <= PROOF_BINS_MAX);
	ASSERT(p->leg_count <= PROOF_LEGS_MAX && p->sample_count <= PROOF_SAMPLES_MAX);
	enc_uint(&e, 1, PROOF_VERSION);
	wire_put_source(&e, &p->source);
	enc_int(&e, 8, p->time.ns);
	enc_uint(&e, 1, p->verdict);
	enc_uint(&e, 1, p->rung);
	enc_uint(&e, 8, p->messages);
	enc_uint(&e, 8, p->flagged);
	enc_uint(&e, 8, p->recipients);
	enc_uint(&e, 8, p->recipients_unknown);
	enc_uint(&e, 4, p->campaigns);
	enc_uint(&e, 4, p->campaigns_flagged);
	enc_int(&e, 8, p->first_flagged.ns);
	enc_int(&e, 8, p->last_flagged.ns);
	enc_uint(&e, 4, p->defiance);
	enc_int(&e, 4, p->h2_micro);
	enc_str(&e, str_head(str_of(p->rule), PROOF_RULE_MAX - 1));
	enc_uint(&e, 4, p->rule_version);
	enc_uint(&e, 8, p->weights_version);
	enc_uint(&e, 4, p->f0_version);
	enc_uint(&e, 1, p->f0_count);
	for (size_t i = 0; i < p->f0_count; i++) {
		enc_uint(&e, 4, p->f0_ppm[i]);
	}
	enc_uint(&e, 1, p->leg_count);
	for (size_t i = 0; i < p->leg_count; i++) {
		put_leg(&e, &p->legs[i]);
	}
	enc_uint(&e, 1, p->sample_count);
	enc_bytes(&e, p->samples, p->sample_count * SHA256_SIZE);
	return enc_end(&e);
}

/* Printable ASCII only: the rule is ours, and it goes to terminals and mail. */
static void get_rule(struct cur *c, char ret[static PROOF_RULE_MAX])
{
	struct str s = cur_str(c, PROOF_RULE_MAX - 1);

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7E) {
			c->err = -EBADMSG;
			return;
		}
	}
	str_copy(ret, PROOF_RULE_MAX, s);
}

static void get_proof(struct cur *c, struct proof *ret)
{
	unsigned version = wire_get_version_of(c, PROOF_VERSION_BEFORE, PROOF_VERSION);
	wire_get_source(c, &ret->source);
	ret->time.ns = cur_int(c, 8);
	ret->verdict = (enum verdict)cur_uint(c, 1, VERDICT_COUNT - 1);
	ret->rung = (enum rung)cur_uint(c, 1, RUNG_COUNT - 1);
	ret->messages = cur_uint(c, 8, UINT64_MAX);
	ret->flagged = cur_uint(c, 8, UINT64_MAX);
	ret->recipients = cur_uint(c, 8, UINT64_MAX);
	ret->recipients_unknown = cur_uint(c, 8, UINT64_MAX);
	ret->campaigns = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->campaigns_flagged = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->first_flagged.ns = cur_int(c, 8);
	ret->last_flagged.ns = cur_int(c, 8);
	ret->defiance = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->h2_micro = (int32_t)cur_uint(c, 4, INT32_MAX);
	get_rule(c, ret->rule);
	ret->rule_version = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->weights_version = cur_uint(c, 8, UINT64_MAX);
	if (version > PROOF_VERSION_BEFORE) {
		ret->f0_version = (uint32_t)cur_uint(c, 4, UINT32_MAX);
		ret->f0_count = (size_t)cur_uint(c, 1, PROOF_BINS_MAX);
	}
	for (size_t i = 0; i < ret->f0_count; i++) {
		ret->f0_ppm[i] = (uint32_t)cur_uint(c, 4, 1000000);
	}
	ret->leg_count = (size_t)cur_uint(c, 1, PROOF_LEGS_MAX);
	for (size_t i = 0; i < ret->leg_count; i++) {
		get_leg(c, &ret->legs[i]);
	}
	ret->sample_count = (size_t)cur_uint(c, 1, PROOF_SAMPLES_MAX);
	cur_copy(c, ret->samples, ret->sample_count * SHA256_SIZE);
}

int proof_decode(const void *data, size_t len, struct proof *ret)
{
	struct cur c = cur_of(data, len);
	struct proof p = {0};

	get_proof(&c, &p);
	int r = cur_end(&c);
	if (r == 0) {
		*ret = p;
	}
	return r;
}

/* 900,000 as "0.9": without zeros at the end, with one digit at least. */
static int format_ppm(uint32_t ppm, char *out, size_t size)
{
	unsigned decimals = 6;
	uint32_t fraction = ppm % 1000000;

	while (decimals > 1 && fraction % 10 == 0) {
		fraction /= 10;
		decimals--;
	}
	return snprintf(out, size, "%" PRIu32 ".%0*" PRIu32, ppm / 1000000, (int)decimals,
			fraction);
}

char *proof_leg_format(const struct proof_leg *leg, char ret_text[static PROOF_LEG_TEXT_SIZE])
{
	if (leg->stream == PROOF_STREAM_URLS) {
		snprintf(ret_text, PROOF_LEG_TEXT_SIZE, "%s", stream_names[leg->stream]);
		return ret_text;
	}
	if (leg->stream != PROOF_STREAM_NONE) {
		snprintf(ret_text, PROOF_LEG_TEXT_SIZE, "%" PRIu32 "x %s", leg->pi1_ppm / 1000000,
			 stream_names[leg->stream]);
		return ret_text;
	}
	int n = format_ppm(leg->pi1_ppm, ret_text, PROOF_LEG_TEXT_SIZE);
	if (leg->is_one_sided) {
		snprintf(ret_text + n, PROOF_LEG_TEXT_SIZE - (size_t)n, " one-sided");
	}
	return ret_text;
}

void proof_write_evidence(const struct proof *p, struct jsonw *w, const char *key)
{
	char name[PROOF_LEG_TEXT_SIZE];

	jsonw_array(w, key);
	for (size_t i = 0; i < p->leg_count; i++) {
		const struct proof_leg *leg = &p->legs[i];
		jsonw_object(w, NULL);
		jsonw_cstr(w, "kind", kind_name(leg->kind));
		jsonw_cstr(w, "leg", proof_leg_format(leg, name));
		jsonw_micro(w, "s", leg->s_micro, 3);
		jsonw_micro(w, "h", leg->h_micro, 3);
		jsonw_u64(w, "trials", leg->trials);
		jsonw_u64(w, "bad", leg->bad);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_counts(const struct proof *p, struct buf *out)
{
	char text[WALL_TEXT_SIZE];

	buf_printf(out,
		   "counted: %" PRIu64 " messages (%" PRIu64 " flagged), %" PRIu64
		   " recipients answered (%" PRIu64 " unknown), %" PRIu32 " campaigns (%" PRIu32
		   " flagged)\n",
		   p->messages, p->flagged, p->recipients, p->recipients_unknown, p->campaigns,
		   p->campaigns_flagged);
	if (p->first_flagged.ns != 0) {
		buf_printf(out, "flagged: first %s", wall_format(p->first_flagged, text));
		buf_printf(out, ", last %s\n", wall_format(p->last_flagged, text));
	}
	if (p->defiance > 0) {
		buf_printf(out, "tried while blocked: %" PRIu32 " connections\n", p->defiance);
	}
}

static void add_nats(struct buf *out, int32_t micro)
{
	buf_printf(out, "%" PRId32 ".%03" PRId32, micro / 1000000, micro % 1000000 / 1000);
}

static void write_leg(const struct proof *p, const struct proof_leg *leg, struct buf *out)
{
	char name[PROOF_LEG_TEXT_SIZE];
	char text[WALL_TEXT_SIZE];

	buf_printf(out, "  %-10s %-16s sum ", kind_name(leg->kind), proof_leg_format(leg, name));
	add_nats(out, leg->s_micro);
	buf_add_cstr(out, " of ");
	add_nats(out, leg->h_micro);
	buf_printf(out, ", %" PRIu32 " of %" PRIu32 " bad", leg->bad, leg->trials);
	if (leg->reached_at.ns != 0) {
		buf_printf(out, ", alarm since %s", wall_format(leg->reached_at, text));
	} else if (leg->s_micro >= p->h2_micro) {
		buf_add_cstr(out, ", supports");
	}
	buf_add_char(out, '\n');
}

void proof_write_text(const struct proof *p, struct buf *out)
{
	char source[ADDR_TEXT_SIZE];
	char text[WALL_TEXT_SIZE];

	buf_printf(out, "%s is %s, rung %s, at %s\n", source_format(&p->source, source),
		   verdict_name(p->verdict), rung_name(p->rung), wall_format(p->time, text));
	buf_printf(out, "because: %s\n", p->rule[0] != '\0' ? p->rule : "no kind has alarmed");
	write_counts(p, out);
	buf_add_cstr(out, "evidence, in nats (a second witness counts from ");
	add_nats(out, p->h2_micro);
	buf_add_cstr(out, "):\n");
	for (size_t i = 0; i < p->leg_count; i++) {
		write_leg(p, &p->legs[i], out);
	}
	buf_printf(out, "rules version %" PRIu32 ", weights %016" PRIx64 "%s", p->rule_version,
		   p->weights_version, p->f0_count > 0 ? "" : "\n");
	for (size_t i = 0; i < p->f0_count; i++) {
		buf_add_cstr(out, i == 0 ? ", legitimate mail by score as learned here:" : "");
		buf_printf(out, " %" PRIu32 ".%04" PRIu32 "%s", p->f0_ppm[i] / 1000000,
			   p->f0_ppm[i] % 1000000 / 100, i + 1 == p->f0_count ? "\n" : "");
	}
	for (size_t i = 0; i < p->sample_count; i++) {
		buf_add_cstr(out, i == 0 ? "samples:" : "");
		buf_add_char(out, ' ');
		for (size_t b = 0; b < 8; b++) {
			buf_printf(out, "%02x", p->samples[i][b]);
		}
		buf_add_cstr(out, i + 1 == p->sample_count ? "\n" : "");
	}
}
