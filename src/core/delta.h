/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta: what the filter learned from the operator's own mail, beside the weights.
 *
 * It consists of batches, each a sparse table of words and pairs of words made from a handful of
 * messages; a batch can be shown and the last one taken back. However much it was fed, it moves
 * no message by more than DELTA_LOGIT_MAX, so nobody can teach the filter to pass everything.
 * It holds hashes and numbers, never text. Layer: core (pure).
 */
#ifndef CORE_DELTA_H
#define CORE_DELTA_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far it moves a message at most, either way: about 2 nats of evidence. */
#define DELTA_LOGIT_MAX 8000000
#define DELTA_BATCHES_MAX 64
/* Messages of one batch. */
#define DELTA_MESSAGES_MAX 2000
/* Cells of all batches together; the weakest of a new batch are left out beyond. */
#define DELTA_CELLS_MAX 262144
#define DELTA_HASH 16
/* Octets of a file, at most. */
#define DELTA_BYTES_MAX (8 * 1024 * 1024)

struct delta_message {
	uint8_t hash[DELTA_HASH]; /* first half of the SHA-256 of its octets */
	bool is_spam;
	int64_t logit;        /* that the weights alone give it, minus their threshold */
	const uint32_t *bins; /* of MEMBER_WORDS, without doubles */
	size_t count;
};

struct delta;

/** An empty one. @return NULL without memory. */
MUSTUSE struct delta *delta_new(void);
/** NULL is allowed. */
void delta_free(struct delta *d);

/** @return 0; -EBADMSG with a text; -ENOMEM. */
MUSTUSE int delta_decode(struct str file, struct delta **ret, struct errmsg *reterr);
MUSTUSE int delta_encode(const struct delta *d, struct buf *ret);

/** Is this message part of a batch? */
bool delta_has(const struct delta *d, const uint8_t hash[static DELTA_HASH]);
/**
 * Learn a batch: messages of either class or both.
 *
 * @return 0; -ENOSPC with too many batches, messages or cells; -ENOMEM.
 */
MUSTUSE int delta_learn(struct delta *d, const struct delta_message *messages, size_t n);
/** Take the last batch back. @return false when there is none. */
bool delta_undo(struct delta *d);

struct delta_batch_info {
	uint32_t ham;
	uint32_t spam;
	uint32_t cells;
};

size_t delta_batches(const struct delta *d);
struct delta_batch_info delta_batch(const struct delta *d, size_t i);

/**
 * What it adds to a message's logit.
 *
 * @param bins  Of MEMBER_WORDS, doubles included.
 * @param seen  Scratch; left all zero.
 */
int64_t delta_logit(const struct delta *d, const uint32_t *bins, size_t n, struct model_seen *seen);

#endif
