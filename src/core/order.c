/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: how orders and reports look between processes and in the journal. Layer: core (pure).
 */
#include "core/order.h"

#include "base/cur.h"
#include "core/wire.h"

#include <errno.h>

#include "base/poison.h"

#define ORDER_VERSION 1

int order_encode(const struct order *o, void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	if (o->reason.len > ORDER_REASON_MAX || o->proof.len > ORDER_PROOF_MAX) {
		return -EMSGSIZE;
	}
	enc_uint(&e, 1, ORDER_VERSION);
	enc_uint(&e, 1, o->origin);
	enc_uint(&e, 8, o->seq);
	wire_put_source(&e, &o->source);
	enc_uint(&e, 1, o->rung);
	enc_uint(&e, 1, o->verdict);
	enc_uint(&e, 1, o->giver);
	enc_uint(&e, 1, o->mode);
	enc_int(&e, 8, o->given_at.ns);
	enc_int(&e, 8, o->expires_at.ns);
	enc_str(&e, o->reason);
	enc_str(&e, o->proof);
	return enc_end(&e);
}

int order_decode(const void *data, size_t len, struct order *ret)
{
	struct cur c = cur_of(data, len);
	struct order o = {0};

	wire_get_version(&c, ORDER_VERSION);
	o.origin = (enum order_origin)cur_uint(&c, 1, ORIGIN_COUNT - 1);
	o.seq = cur_uint(&c, 8, UINT64_MAX);
	wire_get_source(&c, &o.source);
	o.rung = (enum rung)cur_uint(&c, 1, RUNG_COUNT - 1);
	o.verdict = (enum verdict)cur_uint(&c, 1, VERDICT_COUNT - 1);
	o.giver = (enum giver)cur_uint(&c, 1, GIVER_COUNT - 1);
	o.mode = (enum mode)cur_uint(&c, 1, MODE_COUNT - 1);
	o.given_at.ns = cur_int(&c, 8);
	o.expires_at.ns = cur_int(&c, 8);
	o.reason = cur_str(&c, ORDER_REASON_MAX);
	o.proof = cur_str(&c, ORDER_PROOF_MAX);

	int r = cur_end(&c);
	if (r == 0) {
		*ret = o;
	}
	return r;
}

int order_report_encode(const struct order_report *o, void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	enc_uint(&e, 1, o->origin);
	enc_uint(&e, 8, o->seq);
	wire_put_source(&e, &o->source);
	enc_uint(&e, 1, o->state);
	enc_int(&e, 8, o->at.ns);
	enc_uint(&e, 4, o->apply_us);
	enc_uint(&e, 4, o->sessions_ended);
	enc_uint(&e, 8, o->hits);
	return enc_end(&e);
}

int order_report_decode(const void *data, size_t len, struct order_report *ret)
{
	struct cur c = cur_of(data, len);
	struct order_report o = {0};

	o.origin = (enum order_origin)cur_uint(&c, 1, ORIGIN_COUNT - 1);
	o.seq = cur_uint(&c, 8, UINT64_MAX);
	wire_get_source(&c, &o.source);
	o.state = (enum order_state)cur_uint(&c, 1, ORDER_STATE_COUNT - 1);
	o.at.ns = cur_int(&c, 8);
	o.apply_us = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	o.sessions_ended = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	o.hits = cur_uint(&c, 8, UINT64_MAX);

	int r = cur_end(&c);
	if (r == 0) {
		*ret = o;
	}
	return r;
}
