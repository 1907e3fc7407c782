/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_sender: the numbers of one source, as messages are counted for it. Within
 * core/attribution. Layer: core (pure).
 */
#ifndef CORE_ATTRIBUTION_SENDER_H
#define CORE_ATTRIBUTION_SENDER_H

#include "base/linhash.h"
#include "core/attribution.h"

/* Distinct values by hash: exact up to the limit. Most sources have few: it grows as they come. */
struct distinct {
	uint64_t *seen;
	uint32_t count;
	uint32_t size;
};

#define COMMON_MAX 8
/* Told apart until half of them are set; then each one counts as new. */
#define RCPT_BITS 2048

struct sender {
	struct attribution_sender out; /* what callers see */
	struct distinct addresses;
	struct distinct networks;
	struct distinct senders;
	struct distinct domains;
	uint64_t rcpts[RCPT_BITS / 64]; /* which recipients were seen, by bits of their hashes */
	uint32_t rcpts_set;
	/* The most common recipients (Misra and Gries): counts are lower bounds. */
	uint64_t common[COMMON_MAX];
	uint64_t common_count[COMMON_MAX];
	int64_t weight;          /* Page's sum over the messages so far, in millionths of a nat */
	uint16_t trouble_domain; /* of the last unknown recipient */
	uint16_t trouble_run;    /* and how many were of it, one after the other */
	int64_t hour;            /* of the log, for the peak */
	uint64_t hour_recipients;
	uint64_t name_hash; /* of the login, to compare senders with */
	bool in_use;        /* while room is made: a living message is its */
	bool is_odd;        /* that script */
	bool has_failure;   /* among the evidence: a refusal, a delivery, an odd script */
	bool has_delivery;
	bool has_script;
	char *script; /* what out.script shows; NULL: none yet */
	char *evidence[ATTRIBUTION_EVIDENCE_MAX];
	uint16_t key_len;
	char key[]; /* one letter for the kind, then the name, which ends in NUL */
};

/** @return NULL without memory. A name over ATTRIBUTION_TEXT_MAX - 1 octets is cut. */
MUSTUSE struct sender *sender_new(enum source_kind kind, struct str name);
/** NULL is allowed. */
void sender_free(struct sender *s);
/** Key of the table of sources. */
struct str sender_key(const void *item);

/** Count a value that may be new. */
void distinct_add(struct distinct *d, uint64_t hash);

/** A client's address: itself and its network (/24, or the first four groups of IPv6). */
void sender_add_client(struct sender *s, struct str addr, const struct linhash_key *key);
/** A recipient of one message. @return Is it the first time? */
bool sender_add_rcpt(struct sender *s, uint64_t rcpt_hash);
/* The recipients of one message that were not seen before. */
struct sender_trials {
	uint64_t known;   /* there are such people */
	uint64_t unknown; /* there are not, and it is news */
};

/**
 * One more unknown recipient: does he tell anything new? The people of a server that is gone are
 * all unknown, and a list in the order of its addresses meets them one after the other: a few of
 * them have told it all.
 *
 * @param domain  A short hash; 0: not known.
 */
MUSTUSE bool sender_is_new_trouble(struct sender *s, uint16_t domain);
/**
 * Weigh one message by Page's CUSUM: what a run of spam weighs is not diluted by the good mail
 * before it. A source of whose recipients at most a twentieth is unknown gets to h nats within M of
 * them with probability M·e^-h at most. Source: DECISION §1, and §4, "recipients".
 */
void sender_weigh(struct sender *s, const struct sender_trials *t);
/** Recipients in an hour of the log. */
void sender_add_volume(struct sender *s, struct wall time, uint64_t recipients);
/** The script or folder that a message came from. */
void sender_set_script(struct sender *s, struct str script);
/** Keep a line as evidence, if there is room for one more. */
void sender_add_evidence(struct sender *s, struct attribution_place place, struct str line);

/** A delivery's line: one refusal and one success of each source are kept, for they tell most. NULL
 * is allowed. */
void sender_keep_delivery(struct sender *s, const struct log_event *ev,
			  struct attribution_place place, struct str line);

/** Is this path one where no mail comes from in a healthy site? */
bool script_is_odd(struct str path);

#endif
