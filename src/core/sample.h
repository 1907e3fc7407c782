/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: one flagged message as the tap hands it to the desk: who, when, what, and its head.
 *
 * Recipients are a domain and a keyed hash, never an address (DESIGN §6); AUTH credentials are
 * never part of it. Layer: core (pure).
 */
#ifndef CORE_SAMPLE_H
#define CORE_SAMPLE_H

#include "core/observation.h"

#define SAMPLE_RCPTS_MAX 32
#define SAMPLE_REASONS_MAX 8
#define SAMPLE_TEXT_MAX 1024        /* of each text field; longer ones are cut */
#define SAMPLE_HEAD_MAX (64 * 1024) /* headers and the start of the body */
#define SAMPLE_ENCODED_MAX (92 * 1024)

struct sample_rcpt {
	struct str domain;
	uint64_t hash; /* keyed, of the whole address in lower case */
	uint16_t code; /* of its reply; 0: not seen */
};

/* All texts are borrowed; a NULL pointer means absent. Octets as they were on the wire. */
struct sample {
	struct message_obs obs; /* obs.sample is the SHA-256 of the head */
	struct str helo;
	struct str mail_from;
	struct str message_id;
	struct str subject; /* decoded, UTF-8 */
	struct str from;    /* address of the From header */
	struct str reply;   /* the last reply's text */
	struct str reasons[SAMPLE_REASONS_MAX];
	size_t reason_count;
	struct sample_rcpt rcpts[SAMPLE_RCPTS_MAX];
	size_t rcpt_count;
	struct str head;
};

/** @return Octets written, or -EMSGSIZE. */
MUSTUSE int sample_encode(const struct sample *s, void *data, size_t size);
/** `ret` borrows its texts from `data`. @return 0, or -EBADMSG. */
MUSTUSE int sample_decode(const void *data, size_t len, struct sample *ret);

#endif
