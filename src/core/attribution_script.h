/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_script: which file of a site handed a message in, by PHP's log. The log is the site
 * owner's and can be forged: it only adds a file's name to a source that the mail server knows.
 * Within core/attribution. Layer: core (pure).
 */
#ifndef CORE_ATTRIBUTION_SCRIPT_H
#define CORE_ATTRIBUTION_SCRIPT_H

#include "core/attribution_entry.h"

/** A source's script or folder, and the line that says so: kept as evidence if it is telling. */
void script_set(struct sender *s, struct str path, const char *said,
		struct attribution_place place);
/** A line of PHP's log: its file, its recipients, its second. */
void script_learn(struct attribution *a, const struct log_line *l, const struct log_event *e);
/** A recipient of a local user's message: was it in PHP's log at that time? */
void script_find(struct attribution *a, struct entry *e, uint64_t rcpt);

#endif
