/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask_wire: how another filter is asked and what it answers: SpamAssassin's spamd (SPAMC protocol
 * 1.5, CHECK) and rspamd (POST /checkv2). One message a connection, which the other side ends.
 *
 * The answer is not trusted: it is read when it is whole, and anything but one finite score is
 * garbage. Layer: ask.
 */
#ifndef ASK_ASK_WIRE_H
#define ASK_ASK_WIRE_H

#include "base/attr.h"
#include "base/buf.h"
#include "core/opinion.h"

/* A larger answer is given up. */
#define ASK_ANSWER_MAX ((size_t)256 << 10)

/** Append the request for a message. */
void ask_wire_request(enum opinion_kind kind, struct str message, struct buf *out);

/**
 * Read a whole answer.
 *
 * @param ret_score_micro  Held within OPINION_SCORE_MAX_MICRO.
 * @return 0; -EBADMSG: it is cut, another protocol, a refusal, or has no score.
 */
MUSTUSE int ask_wire_answer(enum opinion_kind kind, struct str answer, int64_t *ret_score_micro);

#endif
