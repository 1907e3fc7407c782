/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: a diagnosis as what is sent to the provider (docs/contract/doctor-report.schema.json):
 * the source and its cause, what was done, what is left, and whether it has stopped. Mail
 * addresses of third parties are written as hashes with a salt that is forgotten. Layer: doctor.
 */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include "base/buf.h"
#include "doctor/diagnose.h"
#include "doctor/live.h"

#define REPORT_ACTIONS_MAX 50
#define REPORT_REASONS_MAX 8
/* The desk takes no larger one. */
#define REPORT_MAX ((size_t)60 << 10)
#define REPORT_SALT 32

struct report_action {
	struct wall time; /* ns 0: not known */
	const char *what; /* "stop", "clean", "secure", "purge", "other" */
	const char *detail;
};

/* What waits in the mail server's queue. */
struct report_queue {
	bool is_known;
	uint64_t left;
	uint64_t of_source;
};

struct report_facts {
	const struct diagnosis *diagnosis;
	const struct log_set *set;
	const struct live *live; /* NULL: not looked at */
	struct report_queue queue;
	bool is_here; /* the logs are this machine's, up to now */
	struct wall now;
	uint32_t quiet_s;    /* without a message of the source for so long: it may have stopped */
	const char *case_id; /* NULL: not known */
	const char *host;    /* NULL: not known */
	const struct report_action *actions;
	size_t action_count;
};

/* Why it can't be said that the source has stopped; none: it has. Fixed texts. */
struct report_doubts {
	const char *why[REPORT_REASONS_MAX];
	size_t count;
};
void report_doubt(const struct report_facts *f, struct report_doubts *ret);

/** One JSON object and a newline. @param salt  Random octets, to be forgotten. */
void report_write(const struct report_facts *f, const uint8_t salt[static REPORT_SALT],
		  struct buf *out);

/**
 * Copy a text; mail addresses outside `own` become "#" and twelve hex digits before their "@".
 *
 * @param own  A domain whose addresses stay; empty: none.
 */
void report_hash_addresses(struct str text, struct str own, const uint8_t salt[static REPORT_SALT],
			   struct buf *out);

#endif
