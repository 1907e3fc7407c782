/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case: the rules of a case: which state follows which, when a server may be opened again, and
 * what is proved about it. Values in, values out. Layer: core (pure).
 *
 *   open → acknowledged → fixing → unblock_requested → probation → closed
 *     ↑__________ blocked again ___________|________________|
 *
 * Source: DESIGN §7.
 */
#ifndef CORE_CASE_H
#define CORE_CASE_H

#include "base/attr.h"
#include "base/clock.h"
#include "core/policy.h"
#include "core/words.h"

/* What can happen to a case. */
enum case_event {
	CASE_ACK,     /* the owner has seen it */
	CASE_FIX,     /* the owner works on it */
	CASE_REQUEST, /* the owner asks to be opened */
	CASE_REFUSE,  /* the request was answered with no */
	CASE_GRANT,   /* the request was answered with yes */
	CASE_RELEASE, /* opened without a request: by staff, or the order ran out */
	CASE_REBLOCK, /* shut (again) */
	CASE_CALM,    /* probation is over */
	CASE_CLOSE,   /* staff close it */
	CASE_EVENT_COUNT,
};

/** @return The next enum case_state, or -EINVAL when that can't happen in this state. */
MUSTUSE int case_move(enum case_state from, enum case_event ev);

/** How long a holder stays shut at least, by how often it was blocked before. */
struct cool_down {
	bool is_staff; /* only staff may open */
	uint32_t s;
};
struct cool_down case_cool_down(const struct policy *p, uint32_t blocked_before);

/* Attempts since the block as the gate counted them, at one time. */
struct attempt {
	struct wall at;
	uint64_t hits;
};

enum attempts_trend {
	ATTEMPTS_NONE,    /* none in the whole window */
	ATTEMPTS_FALLING, /* fewer in each part of it than in the part before */
	ATTEMPTS_STEADY,  /* neither */
	ATTEMPTS_RISING,  /* more in its second half than in its first */
	ATTEMPTS_SHORT,   /* not watched for the whole window yet */
	ATTEMPTS_TREND_COUNT,
};

/* Parts of the window that are compared. */
#define ATTEMPT_PARTS 4

/**
 * @param a        Oldest first; the count before the first is 0. May be empty.
 * @param since    When counting began (the block).
 * @param quiet_s  The window, ending now.
 */
enum attempts_trend case_attempts_trend(const struct attempt *a, size_t n, struct wall since,
					struct wall now, uint32_t quiet_s);

#define CASE_CHECKS_MAX 4
#define CASE_DETAIL_SIZE 256

struct case_check {
	const char *name; /* no_refused_envelope, cool_down, cause_and_fix */
	enum check_result result;
	char detail[CASE_DETAIL_SIZE]; /* one sentence for people */
};

enum case_decision {
	DECISION_GRANTED,
	DECISION_REFUSED,
	DECISION_WARNED, /* policy `owner`: not proved; the owner may insist */
	DECISION_STAFF,  /* policy `staff`: noted, staff decide */
	DECISION_COUNT,
};

struct case_facts {
	enum unblock_policy policy;
	struct wall now;
	struct wall blocked_at;
	struct wall allowed_at;  /* cool-down over; ns 0: staff only */
	uint32_t blocked_before; /* earlier blocks */
	uint32_t quiet_s;
	const struct attempt *attempts; /* oldest first */
	size_t attempt_count;
	struct str cause; /* what the owner says */
	struct str fix;
	bool insists; /* has seen the warning */
};

struct case_answer {
	enum case_decision decision;
	struct case_check checks[CASE_CHECKS_MAX];
	size_t check_count;
};

/** The checks of an unblock request, and what follows from them under the network's policy. */
void case_answer_request(const struct case_facts *f, struct case_answer *ret);

const char *case_event_name(enum case_event ev);
const char *case_decision_name(enum case_decision d);

/** "12 s", "14 min", "3 h", "2 days": rounded down, for sentences. @return ret_text */
#define SPAN_TEXT_SIZE 24
char *span_format(int64_t s, char ret_text[static SPAN_TEXT_SIZE]);
/** "2026-11-24 07:12 UTC". @return ret_text */
#define MINUTE_TEXT_SIZE 24
char *minute_format(struct wall t, char ret_text[static MINUTE_TEXT_SIZE]);

#endif
