/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_mail: what the filter sees of the mail walker's view. Layer: core (pure).
 */
#ifndef CORE_SCORE_MAIL_H
#define CORE_SCORE_MAIL_H

#include "core/score.h"
#include "proto/mail.h"

/* Room for the parts of the text that are read, one after the other. */
struct score_room {
	struct str hosts[MAIL_LINKS_MAX];
	size_t text_len;
	char text[MAIL_TEXT_MAX];
};

/** @param room  Lends its memory to the result: it must outlive it. */
struct score_input score_input_of(const struct mail_view *view, struct score_room *room);

#endif
