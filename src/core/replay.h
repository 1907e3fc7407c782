/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: a log from which a verdict about one source can be computed again, bit for bit: the
 * rules and rates that held (f0 as the network had learned it, and each change of it), the
 * source's state when the log began, and every observation since with what it owed to the world
 * around (was the campaign shared, was the filter in doubt).
 *
 * Bounded: a full log begins anew with the state of that moment. Layer: core (pure).
 */
#ifndef CORE_REPLAY_H
#define CORE_REPLAY_H

#include "base/buf.h"
#include "core/evidence.h"

/* Octets of one log: room for some two hundred messages. */
#define REPLAY_LOG_MAX ((size_t)48 << 10)
/* Octets of a log with the proof that was given from it. */
#define REPLAY_FILE_MAX (REPLAY_LOG_MAX + PROOF_ENCODED_MAX + 16)

struct replay_log {
	struct buf records;
	uint32_t f0_version; /* of the tables that its next record is counted with */
};

/** Begin a log in an empty buffer. */
void replay_begin(struct replay_log *log, const struct decision_policy *d,
		  const struct judge_filter *f, const struct source_state *base);
/**
 * Add what is applied next.
 *
 * @return false: it is full, and unchanged. Begin anew.
 */
MUSTUSE bool replay_add_message(struct replay_log *log, const struct message_obs *o,
				struct outside x, bool is_guarded);
MUSTUSE bool replay_add_session(struct replay_log *log, const struct session_obs *o,
				struct outside x, bool is_guarded);

MUSTUSE bool replay_add_opinion(struct replay_log *log, const struct late_opinion *o,
				bool is_guarded);
/** The network's f0 was learned further: what follows is counted with it. */
MUSTUSE bool replay_add_tables(struct replay_log *log, const struct judge_filter *f);

/** A log and the proof that was given from it, as it is stored. */
void replay_file_write(struct str log, const struct proof *p, struct buf *ret);

struct replay_result {
	struct proof stored;
	struct proof computed;
	uint32_t observations;
	bool is_equal; /* verdict, rule, counts, samples and every leg; the rung is the ladder's */
};

/**
 * Compute it again.
 *
 * @return 0; -EBADMSG when the file is not whole, or was written by other rules (text says).
 */
MUSTUSE int replay_file_run(struct str file, struct replay_result *ret, struct errmsg *reterr);

#endif
