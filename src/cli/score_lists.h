/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_lists: `postern score --list FILE`. Layer: cli.
 */
#ifndef CLI_SCORE_LISTS_H
#define CLI_SCORE_LISTS_H

#include "base/err.h"
#include "cli/command.h"
#include "core/score.h"
#include "core/url_match.h"

/* All zero: no list. */
struct score_lists {
	struct url_match_list list;
	void *block;
};

/** @return 0, or a negative errno with a text. */
MUSTUSE int score_lists_read(struct score_lists *l, const struct cli_args *args,
			     struct errmsg *reterr);
void score_lists_match(const struct score_lists *l, const struct mail_view *mail,
		       struct score *score);
void score_lists_done(struct score_lists *l);

#endif
