/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_lists: the lists of URLs as the tap has them: mapped memory that the desk made and sealed.
 * Layer: daemon.
 */
#ifndef DAEMON_TAP_URL_LISTS_H
#define DAEMON_TAP_URL_LISTS_H

#include "base/attr.h"
#include "base/jsonw.h"
#include "core/policy.h"
#include "core/url_match.h"

struct url_lists {
	struct url_match_list lists[LISTS_MAX];
	void *blocks[LISTS_MAX];
	size_t sizes[LISTS_MAX];
	size_t count;
	uint64_t hits[LISTS_MAX]; /* messages */
	uint64_t refused;         /* sets that were none */
};

void url_lists_init(struct url_lists *l, const struct policy *p);
void url_lists_done(struct url_lists *l);
/**
 * Another set for one list; in its place from the next message on.
 *
 * @param fd  Borrowed.
 * @return false: it is none, or could still be changed; the old one stays.
 */
MUSTUSE bool url_lists_take(struct url_lists *l, size_t list, int fd);
void url_lists_match(struct url_lists *l, const struct mail_view *mail, struct score *score);
/** "list_hits": {name: messages}, "list_entries": {name: entries}. */
void url_lists_write(const struct url_lists *l, struct jsonw *w);

#endif
