/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: which messages of a mail log have these ids, and who sent them, without reading all of
 * the log's lines.
 *
 * A line is read only where a mark (proto/log_marks) says that one of the ids may stand in it. What
 * is found goes to an attribution of its own: the arrival, the line with the Message-ID, and of a
 * client without a login the deliveries, for an address of ours may have forwarded it. So the
 * answer is the attribution's, as if it had read all lines; where that can't be known from these
 * few, the search says that it is not settled, and all lines must be read. The number of ids costs
 * nothing. Layer: core (pure).
 */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include "core/attribution.h"

struct search;

/**
 * @param key         Secret of the tables: the log's text is strangers'.
 * @param wanted_max  Ids, at most; 0: as many as an attribution takes.
 * @return NULL without memory.
 */
MUSTUSE struct search *search_new(const struct siphash_key *key, size_t wanted_max);
void search_free(struct search *s);
/** An id, as for attribution_want. Before the first step. */
MUSTUSE int search_want(struct search *s, const char *id);
/** A file begins; files in the order of their time. @param number  As in its evidence. */
void search_file(struct search *s, uint32_t number, const struct log_time *time);
/**
 * Whole lines of the file, the last one of a file with or without its newline.
 *
 * @return true: go on; false: nothing that comes can change the answer.
 */
bool search_step(struct search *s, struct str lines);
/** Did these lines tell all that the whole log would? */
bool search_is_settled(const struct search *s);
/** The log is over. @return The answers (attribution_id_get), the search's own. */
struct attribution *search_end(struct search *s);

#endif
