/* SPDX-License-Identifier: Apache-2.0 */
/*
 * samples: flagged messages as the tap handed them over, encrypted at rest, with a retention.
 *
 * What is in the clear: the hash, whose it is, when, the score, and a keyed hash of the
 * Message-ID. All texts (envelope, headers, body) are in the encrypted part (docs/privacy.md).
 * Layer: store.
 */
#ifndef STORE_SAMPLES_H
#define STORE_SAMPLES_H

#include "core/sample.h"
#include "store/store.h"

/* Of one holder; beyond, the oldest but the first SAMPLES_FIRST go. */
#define SAMPLES_OF_HOLDER_MAX 64
#define SAMPLES_FIRST 8

struct sample_row {
	uint64_t id;
	uint64_t case_id; /* 0: none */
	struct str network;
	struct str source;
	struct str holder;
	struct wall at;
	uint32_t score_micro;
	uint8_t sha256[SHA256_SIZE];
};

typedef void sample_visit_fn(const struct sample_row *row, void *ctx);

/**
 * @param s  Stored as sample_encode writes it.
 * @return 1: stored; 0: it was there already (same hash, same source).
 */
MUSTUSE int samples_add(struct store *st, const struct sample_row *row, const struct sample *s,
			struct errmsg *reterr);
/** Give the holder's samples without a case to this one. */
MUSTUSE int samples_set_case(struct store *st, struct str network, struct str holder,
			     uint64_t case_id, struct errmsg *reterr);
/** Oldest first. */
MUSTUSE int samples_list(struct store *st, uint64_t case_id, sample_visit_fn *visit, void *ctx,
			 struct errmsg *reterr);
/** Those with a Message-ID, with or without its angle brackets; newest first, at most 100. */
MUSTUSE int samples_list_message(struct store *st, struct str message_id, sample_visit_fn *visit,
				 void *ctx, struct errmsg *reterr);
/**
 * The message itself. Whoever shows it to a person writes that into the audit log.
 *
 * @param ret  Its texts live in `a` (give it SAMPLE_ENCODED_MAX and some).
 * @return 0; -ENOENT; -EBADMSG when it does not decrypt (another key, or damage).
 */
MUSTUSE int samples_get(struct store *st, uint64_t id, struct arena *a, struct sample_row *ret_row,
			struct sample *ret, struct errmsg *reterr);

#endif
