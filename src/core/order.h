/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: the numbered wish that a source be on a rung, and how far it has come.
 *
 * Orders are numbered by who gives them, the judge or the desk; (origin, seq) is the identity.
 * The gate journals an order with its proof and keeps it until the desk says that it is
 * committed, so a case can be opened from the journal alone. Layer: core (pure).
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "base/attr.h"
#include "base/clock.h"
#include "core/source.h"
#include "core/words.h"

#define ORDER_REASON_MAX 256
/* A proof holds the legs, thresholds, rule and sample hashes of a verdict (core/proof.h). */
#define ORDER_PROOF_MAX 4096
#define ORDER_ENCODED_MAX 4608

enum order_origin {
	ORIGIN_JUDGE,
	ORIGIN_DESK,
	ORIGIN_COUNT,
};

struct order {
	enum order_origin origin;
	uint64_t seq; /* from 1, rising, one series for each origin */
	struct source_key source;
	enum rung rung;       /* RUNG_PASS releases */
	enum verdict verdict; /* what it rests on; VERDICT_UNKNOWN for staff */
	enum giver giver;
	enum mode mode; /* of the network when it was given: MODE_OBSERVE never enters the kernel */
	struct wall given_at;
	struct wall expires_at; /* ns 0: never */
	struct str reason;      /* borrowed; UTF-8, at most ORDER_REASON_MAX */
	struct str proof;       /* borrowed; encoded, at most ORDER_PROOF_MAX; may be empty */
};

/* What the gate answers about an order. */
struct order_report {
	enum order_origin origin;
	uint64_t seq;
	struct source_key source;
	enum order_state state;
	struct wall at;
	uint32_t apply_us;       /* from receipt to the kernel's acknowledgement */
	uint32_t sessions_ended; /* running sessions that were reset */
	uint64_t hits;           /* packets refused so far */
};

/** @return Octets written, or -EMSGSIZE. */
MUSTUSE int order_encode(const struct order *o, void *data, size_t size);
/** `ret` borrows reason and proof from `data`. @return 0, or -EBADMSG. */
MUSTUSE int order_decode(const void *data, size_t len, struct order *ret);

#define ORDER_REPORT_ENCODED_MAX 96
MUSTUSE int order_report_encode(const struct order_report *r, void *data, size_t size);
MUSTUSE int order_report_decode(const void *data, size_t len, struct order_report *ret);

#endif
