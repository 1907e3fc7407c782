/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution: joins the lines of a mail log into messages, and messages into who sent them.
 *
 * One pass, in the order of the log. A message lives from its arrival until it leaves the queue;
 * then it is counted for its source and forgotten, because queue ids are used again. A message that
 * a content filter puts back is the same message: it is found by its Message-ID, and the first
 * arrival says who sent it. Only mail that leaves the machine counts. Memory is bounded: what does
 * not fit is counted as lost. Layer: core (pure).
 */
#ifndef CORE_ATTRIBUTION_H
#define CORE_ATTRIBUTION_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/siphash.h"
#include "base/str.h"
#include "core/moments.h"
#include "proto/log_event.h"

#include <stdbool.h>
#include <stdint.h>

#define ATTRIBUTION_TEXT_MAX 256
#define ATTRIBUTION_EVIDENCE_MAX 5
/* Distinct values that are counted exactly; then "at least". */
#define ATTRIBUTION_DISTINCT_MAX 64
/* The source of mail by SMTP whose client no log has, when nobody had logged in. */
#define ATTRIBUTION_NO_LOGIN "SMTP without a login"

enum source_kind {
	SOURCE_ACCOUNT, /* SASL login */
	SOURCE_USER,    /* local user or uid */
	SOURCE_SCRIPT,  /* a file, known from cwd or PHP's log */
	SOURCE_ADDRESS, /* a client without a login */
	SOURCE_SERVER,  /* the machine itself: root, cron, localhost without more */
	SOURCE_KIND_COUNT,
};

struct attribution;

struct attribution_opts {
	size_t messages_max; /* living messages; 0: 100,000 */
	size_t senders_max;  /* sources; 0: 20,000; the smallest make room for new ones */
	size_t wanted_max;   /* messages that are asked for; 0: 100,000 */
	size_t recent_max;   /* Message-IDs that a filter may put back; a power of two; 0: 65,536 */
	size_t scripts_max;  /* recipients in PHP's log that are remembered, and at most as many
				scripts; a power of two; 0: 131,072 recipients of 1,024 scripts */
	struct siphash_key key;
};

/* Where a line stands. */
struct attribution_place {
	uint32_t file; /* the caller's number */
	uint32_t line; /* from 1 */
};

struct attribution_evidence {
	struct attribution_place place;
	const char *text; /* at most ATTRIBUTION_TEXT_MAX - 1 octets of it */
};

/* What became known about one source. Only mail to other machines. */
struct attribution_sender {
	enum source_kind kind;
	const char *name;
	const char *script; /* of a user: the folder or file seen with it last, an odd one rather
			       than others; may be empty */
	uint64_t messages;
	uint64_t recipients; /* distinct ones of each message, retries counted once */
	uint64_t sent;
	uint64_t bounced;
	uint64_t deferred;
	uint64_t distinct;      /* recipients, each counted once; about, over a thousand */
	uint64_t unknown;       /* of these: refused, because there is no such user */
	uint64_t refused;       /* of these: refused as spam */
	uint64_t stretch;       /* the most that unknown recipients weigh in one stretch of its
				   mail, in millionths of a nat: see sender_weigh() */
	uint64_t null_sender;   /* messages with an empty sender */
	uint64_t forwarded;     /* recipients that an alias or forward made */
	uint64_t foreign;       /* messages whose sender is not of the login's domain */
	uint64_t local_client;  /* logins from this machine: webmail or a script */
	uint64_t constant_rcpt; /* messages that also went to the most common recipient */
	uint64_t scripted;      /* times that a script or folder was seen with it */
	uint64_t
		script_odd; /* with a script in an upload, cache or temporary folder, or eval()'d */
	uint32_t addresses; /* distinct client addresses, up to ATTRIBUTION_DISTINCT_MAX */
	uint32_t networks;  /* distinct /24 or /48 of them */
	uint32_t domains;   /* distinct domains of recipients, of a client without a login */
	uint32_t senders; /* distinct sender addresses that it chose; 0 of a client without a login
			   */
	uint64_t peak_per_h; /* most recipients in one hour of the log */
	struct wall first;
	struct wall last;
	struct moments
		moments; /* when its mail was handed in; of this machine's own sources only */
	struct attribution_evidence evidence[ATTRIBUTION_EVIDENCE_MAX];
	size_t evidence_count;
};

/* A message that was asked for. */
struct attribution_id {
	const char *wanted; /* as given */
	bool found;
	char queue_id[40];
	char source[ATTRIBUTION_TEXT_MAX]; /* empty: found, but its arrival is not in the log */
	enum source_kind kind;
	struct wall time;
	struct attribution_id *also; /* within core: another id of the same message */
};

struct attribution_totals {
	uint64_t messages;   /* that left or tried to: ended or still queued at the end */
	uint64_t incoming;   /* that strangers sent and that stayed here */
	uint64_t with_id;    /* whose Message-ID the log has */
	uint64_t rejoined;   /* of them put back by a filter and counted once */
	uint64_t open;       /* still in the queue when the log ended */
	uint64_t evicted;    /* counted early because too many lived at once */
	uint64_t forgotten;  /* of small sources that made room for others */
	uint64_t headless;   /* whose arrival is not in the log */
	uint64_t lost_lines; /* that the logger says it dropped */
};

/** @return NULL without memory. */
MUSTUSE struct attribution *attribution_new(const struct attribution_opts *opts);
void attribution_free(struct attribution *a);

/**
 * Ask for a message: a Message-ID with or without <>, or a queue id. Before the first step.
 *
 * @param id  Borrowed until attribution_free.
 * @return 0, -ENOSPC over wanted_max, or -ENOMEM.
 */
MUSTUSE int attribution_want(struct attribution *a, const char *id);

/** Advance by one line. */
void attribution_step(struct attribution *a, const struct log_line *l, const struct log_event *e,
		      struct attribution_place place);
/** Does a message with this queue id live, whose source is known? */
bool attribution_has(struct attribution *a, struct str id);
/** The log is over: what still lives is counted too. */
void attribution_end(struct attribution *a);

/** All sources, in no order: start with *pos = 0; NULL at the end. */
const struct attribution_sender *attribution_next(const struct attribution *a, size_t *pos);
/** The ids that were asked for, in their order; NULL at the end. */
const struct attribution_id *attribution_id_get(const struct attribution *a, size_t i);
const struct attribution_totals *attribution_totals(const struct attribution *a);

const char *source_kind_name(enum source_kind kind);

#endif
