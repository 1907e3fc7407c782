/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_match: which lists know a URL of a message.
 *
 * Only what the sender itself says counts: not lines that quote (">"), and nothing of attached
 * messages, because an abuse desk quotes the links that it complains about. Layer: core (pure).
 */
#ifndef CORE_URL_MATCH_H
#define CORE_URL_MATCH_H

#include "core/score.h"
#include "core/url_set.h"
#include "proto/mail.h"

/* URLs of one message that are looked up. */
#define URL_MATCH_MAX 512

/* One of the lists, as it is now. */
struct url_match_list {
	const char *name;
	struct url_set set;
};

/**
 * @param lists  At most 16; a bit each.
 * @param score  `listed` is set, and a reason for each list that knows a URL goes before the
 *               others.
 */
void url_match(const struct mail_view *view, const struct url_match_list *lists, size_t count,
	       struct score *score);

#endif
