/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_entry: the messages that live in the queue right now, and how one is counted when it
 * leaves. Within core/attribution. Layer: core (pure).
 */
#ifndef CORE_ATTRIBUTION_ENTRY_H
#define CORE_ATTRIBUTION_ENTRY_H

#include "base/linhash.h"
#include "base/list.h"
#include "base/map.h"
#include "core/attribution.h"
#include "core/attribution_sender.h"
#include "core/attribution_who.h"

struct rcpt {
	uint32_t hash;
	uint8_t delivery; /* enum log_delivery, the last one */
	bool remote : 1;
	bool unknown : 1;
	bool refused : 1;
	bool forwarded : 1;
	uint16_t domain; /* who is unknown, or written to without a login: a short hash; else 0 */
};

#define ENTRY_ID_MAX 40
#define ENTRY_RCPTS_FEW 4 /* most messages have no more: they need no memory of their own */

struct entry {
	struct list age; /* oldest first; of a free one: the next free one */
	uint64_t hash;   /* of the id */
	char id[ENTRY_ID_MAX];
	uint8_t id_len;
	bool has_sender;
	bool null_sender;
	bool provisional;   /* from this machine: a filter may have put it back */
	bool is_forward;    /* what came in from outside goes on elsewhere */
	bool is_own_bounce; /* a notice to one of ours about his own mail: nobody sent it */
	struct who who;
	struct wall time;
	struct rcpt *rcpts; /* few, or memory of their own */
	uint32_t rcpt_count;
	uint32_t rcpt_size;
	uint64_t sender_hash;   /* of a stranger's mail neither is set */
	uint16_t sender_domain; /* a short hash */
	struct attribution_id *wanted;
	struct rcpt few[ENTRY_RCPTS_FEW];
};

/* Entries come from blocks, because one is made and ended for every message of the log. */
#define ENTRY_BLOCK 256

struct entry_block {
	struct entry_block *next;
	struct entry entries[ENTRY_BLOCK];
};

/* A filter puts a message back within this time. */
#define RECENT_S (30 * 60)

/* A Message-ID of a first arrival. */
struct recent {
	uint32_t hash; /* the part that the place in the table does not tell */
	uint32_t time_s;
	struct who who;
};

static inline uint32_t recent_time(struct wall t)
{
	return (uint32_t)(t.ns / NS_PER_S);
}

/** Is somebody known, and not too long before? */
static inline bool recent_is_young(const struct recent *r, struct wall now)
{
	return who_is_known(r->who) && (int32_t)(recent_time(now) - r->time_s) < RECENT_S;
}

struct script_of {
	uint64_t rcpt;
	struct wall time;
	uint32_t path; /* a number of attribution.paths */
	struct attribution_place place;
};

/* qmail's numbers of running deliveries. */
struct qmail_delivery {
	uint32_t number;
	char id[24];
	uint64_t rcpt;
	uint16_t domain;
	bool is_local;
};

/* Logins of Plesk's SMTP server: the messages follow in qmail's log, and several sessions mix. */
#define QMAIL_LOGINS 32 /* the latest ones; a power of two */

struct qmail_login {
	char account[ATTRIBUTION_TEXT_MAX];
	char client[64];
	struct wall time;
	bool is_open; /* no message yet */
};

struct qmail_logins {
	struct qmail_login latest[QMAIL_LOGINS];
	uint64_t count;
	uint32_t uid; /* that mail from its SMTP server has */
	uint32_t uid_seen;
};

struct attribution {
	struct qmail_logins logins;
	struct attribution_opts opts;
	struct linhash_key key; /* of the table of living messages: random */
	/* Of all that is counted, or may overwrite another: drawn from the log's first line, for
	 * the same log shall get the same answer, and who is in it does not know that line. */
	struct linhash_key counted;
	struct entry **slots; /* open addressing by hash */
	size_t slot_mask;
	size_t entry_count;
	struct entry_block *blocks;
	struct list free_entries;
	size_t moments_room; /* seconds that all sources may still hold */
	size_t rcpts_held;   /* beyond the few, of all messages */
	struct map *senders;
	uint64_t strangers_made[WHO_BITS / 64]; /* of which addresses there may be a source */
	uint32_t no_room; /* new sources to refuse before room is looked for again */
	struct list by_age;
	struct recent *recent;
	struct recent *due_at; /* where `due` is still to be put; NULL: nowhere */
	struct recent due;
	struct script_of *scripts;
	char (*paths)[ATTRIBUTION_TEXT_MAX];
	uint32_t path_count;
	struct qmail_delivery *deliveries;
	struct attribution_id *ids;
	size_t id_count;
	size_t id_size;
	struct map *wanted; /* of the ids, by their bare text */
	struct attribution_totals totals;
	char cwd[ATTRIBUTION_TEXT_MAX];
	const struct log_line *line; /* the one being read, and where it stands */
	struct str hashed;           /* an id in that line, and its hash */
	uint64_t hashed_to;
	struct attribution_place here;
	struct attribution_place cwd_place;
};

/** Write what is due: before anything is read of the recent ones. */
static inline void recent_put(struct attribution *a)
{
	if (a->due_at != NULL) {
		*a->due_at = a->due;
		a->due_at = NULL;
	}
}

/** @return The living message with this queue id, or NULL. */
struct entry *entry_find(struct attribution *a, struct str id);
/** A new one; the oldest is counted and dropped when there are too many. NULL without memory. */
struct entry *entry_new(struct attribution *a, struct str id, struct wall time);
/** The living one, or a new one. */
struct entry *entry_get(struct attribution *a, struct str id, struct wall time);
/** Count it for its source and forget it. */
void entry_end(struct attribution *a, struct entry *e);
/** @return 0 or -ENOMEM. */
MUSTUSE int entries_init(struct attribution *a);
/** Frees all without counting. */
void entries_done(struct attribution *a);
/** One recipient of a message; NULL when it has too many, or without memory. */
struct rcpt *rcpt_get(struct attribution *a, struct entry *e, uint32_t hash);
/** Hash of any text by the log's own key. */
uint64_t attribution_hash(const struct attribution *a, struct str s);
/** A short hash of an address's domain; never 0. */
uint16_t attribution_domain(const struct attribution *a, struct str rcpt);
/** Without <> around it. */
struct str attribution_bare_id(struct str id);
/** The id of a message. */
struct str entry_id(const struct entry *e);

#endif
