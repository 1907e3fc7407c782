/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_select: which queued messages of a source that sent spam are that spam, and which are its
 * owner's own mail.
 *
 * It begins with the messages that were complained about, else with what most of the source's mail
 * has in common, and takes in what shares at least two kinds of marks with them. Nobody complained
 * about the latter: it is spam only when something speaks for it (a subject that was complained
 * about, many networks, many foreign sender domains, a script among uploads), for an owner's
 * newsletter is a campaign too. Else it is shown with a number, stays, and may be chosen. One kind
 * alone is uncertain: such a message is shown and stays. A mark that mail of others has too proves
 * nothing. Layer: core (pure).
 */
#ifndef CORE_QUEUE_SELECT_H
#define CORE_QUEUE_SELECT_H

#include "base/attr.h"
#include "base/clock.h"
#include "core/queue_marks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum queue_fate {
	QUEUE_OTHERS,  /* not of the accused sources: stays */
	QUEUE_OUTSIDE, /* of them, outside of the time window: stays */
	QUEUE_OWN,     /* nothing in common with the spam: stays */
	QUEUE_REVIEW,  /* something in common, not enough: stays, to be looked at */
	QUEUE_CHOICE,  /* a campaign, and nothing says that it is spam: stays, may be chosen */
	QUEUE_BOUNCE,  /* a bounce of the spam: goes */
	QUEUE_SPAM,    /* goes */
	QUEUE_FATE_COUNT,
};

#define QUEUE_NO_SOURCE UINT32_MAX
/* Messages that must have something in common before it is called a campaign. */
#define QUEUE_BULK_MIN 20
/* Or so many recipients. */
#define QUEUE_BULK_RCPTS_MIN 50
/* Campaigns of one source; what is left of it is for review. */
#define QUEUE_CAMPAIGNS_MAX 8
/* Campaigns to choose from, of all sources. */
#define QUEUE_CHOICES_MAX 64

struct queue_item {
	uint32_t source; /* number of it */
	uint32_t rcpts;
	struct wall arrival;
	struct queue_marks marks;
	bool is_named;    /* complained about */
	bool is_bounce;   /* empty sender, or double-bounce@ */
	bool is_odd;      /* sent by a script in a place where no mail comes from */
	uint8_t fate;     /* enum queue_fate */
	uint8_t campaign; /* of QUEUE_SPAM: 0, 1, …; of QUEUE_CHOICE: its number, from 1 */
};

/* Of a message that was complained about and is not in the queue any more. */
struct queue_subject {
	uint64_t marks[2]; /* QUEUE_MARK_SUBJECT and QUEUE_MARK_SUBJECT_2 */
};

struct queue_select_opts {
	const bool *accused; /* by the number of the source */
	size_t source_count;
	struct wall since; /* ns 0: no limit */
	struct wall until;
	bool whole; /* all of the accused sources in that time: they send no mail of an owner */
	const bool *ownerless; /* by the number of the source: it is nobody's; NULL: none is */
	const struct queue_subject *subjects; /* complained about */
	size_t subject_count;
	const bool *chosen; /* of QUEUE_CHOICES_MAX + 1, by number: goes; NULL: none */
};

/**
 * Decide the fate of all.
 *
 * @param items  In any order. Sets fate and campaign.
 * @return 0, or -ENOMEM.
 */
MUSTUSE int queue_select(struct queue_item *items, size_t n, const struct queue_select_opts *opts);

#endif
