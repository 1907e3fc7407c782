/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reports: what the tap says to the judge and to the desk, also when they are away for a moment.
 *
 * Observations wait for the judge in order, up to a limit; then the oldest are lost and counted.
 * The newest samples are kept after they were sent, and repeated to a desk that comes back, which
 * drops what it knows by its hash. Layer: daemon.
 */
#ifndef DAEMON_TAP_REPORTS_H
#define DAEMON_TAP_REPORTS_H

#include "core/observation.h"
#include "core/tracker.h"
#include "daemon/child.h"

/* Observations that wait for the judge. */
#define REPORTS_OBS_MAX 16384
/* Samples that are repeated, and octets of them. */
#define REPORTS_SAMPLES_MAX 256
#define REPORTS_SAMPLES_BYTES_MAX ((size_t)8 << 20)

struct reports_counts {
	uint64_t observations;
	uint64_t observations_lost;
	uint64_t samples;
	uint64_t asks_lost;    /* questions to other filters that the desk did not take */
	uint64_t samples_lost; /* not taken by the desk's channel; repeated when it comes back */
};

struct reports;

/** @param key  Of the hashes of recipients' addresses. @return NULL without memory. */
MUSTUSE struct reports *reports_new(struct child *c, const struct siphash_key *key);
void reports_free(struct reports *o);

void reports_message(struct reports *o, const struct message_obs *obs);
void reports_session(struct reports *o, const struct session_obs *obs);
/** A flagged message with its head. */
void reports_sample(struct reports *o, const struct tracked_message *m);

/** Other filters are to be asked; lost when the desk is away or busy. */
void reports_ask(struct reports *o, const struct tracked_message *m, unsigned services);

/** That process is there (again). */
void reports_peer_up(struct reports *o, enum process peer);
void reports_counts(const struct reports *o, struct reports_counts *ret);

#endif
