/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case: the moves of a case as a table, and the checks before it is opened. Layer: core (pure).
 */
#include "core/case.h"

#include "base/assert.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define NO (-EINVAL)
#define ROW(...)                                                                                   \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* clang-format off */
static const int moves[][CASE_EVENT_COUNT] = {
	/*                           ack                fix                request                 refuse     grant           release         reblock    calm         close */
	[CASE_OPEN]              = ROW(CASE_ACKNOWLEDGED, CASE_FIXING,     CASE_UNBLOCK_REQUESTED, NO,        NO,             CASE_PROBATION, CASE_OPEN, NO,          CASE_CLOSED),
	[CASE_ACKNOWLEDGED]      = ROW(CASE_ACKNOWLEDGED, CASE_FIXING,     CASE_UNBLOCK_REQUESTED, NO,        NO,             CASE_PROBATION, CASE_OPEN, NO,          CASE_CLOSED),
	[CASE_FIXING]            = ROW(CASE_FIXING,       CASE_FIXING,     CASE_UNBLOCK_REQUESTED, NO,        NO,             CASE_PROBATION, CASE_OPEN, NO,          CASE_CLOSED),
	[CASE_UNBLOCK_REQUESTED] = ROW(CASE_UNBLOCK_REQUESTED, CASE_UNBLOCK_REQUESTED, CASE_UNBLOCK_REQUESTED, CASE_OPEN, CASE_PROBATION, CASE_PROBATION, CASE_OPEN, NO, CASE_CLOSED),
	[CASE_PROBATION]         = ROW(CASE_PROBATION,    CASE_PROBATION,  NO,                     NO,        NO,             CASE_PROBATION, CASE_OPEN, CASE_CLOSED, CASE_CLOSED),
	[CASE_CLOSED]            = ROW(NO,                NO,              NO,                     NO,        NO,             NO,             NO,        NO,          NO),
};
/* clang-format on */
static_assert(COUNT_OF(moves) == CASE_STATE_COUNT, "a row for every state");
static_assert(CASE_EVENT_COUNT == 9, "a column for every event");

static const char *const event_names[] = {"acknowledged", "fixing",    "unblock_requested",
					  "refused",      "unblocked", "released",
					  "blocked",      "calm",      "closed"};
static_assert(COUNT_OF(event_names) == CASE_EVENT_COUNT, "a name for every event");

static const char *const decision_names[] = {"granted", "refused", "warned", "staff"};
static_assert(COUNT_OF(decision_names) == DECISION_COUNT, "a name for every decision");

const char *case_event_name(enum case_event ev)
{
	ASSERT((unsigned)ev < CASE_EVENT_COUNT);
	return event_names[ev];
}

const char *case_decision_name(enum case_decision d)
{
	ASSERT((unsigned)d < DECISION_COUNT);
	return decision_names[d];
}

int case_move(enum case_state from, enum case_event ev)
{
	ASSERT((unsigned)from < CASE_STATE_COUNT && (unsigned)ev < CASE_EVENT_COUNT);
	return moves[from][ev];
}

struct cool_down case_cool_down(const struct policy *p, uint32_t blocked_before)
{
	if (blocked_before >= p->cool_down_count) {
		return (struct cool_down){.is_staff = true};
	}
	return (struct cool_down){.s = p->cool_down_s[blocked_before]};
}

/* ---- text ---- */

char *span_format(int64_t s, char ret_text[static SPAN_TEXT_SIZE])
{
	long long n = s < 0 ? 0 : (long long)s;

	if (n < 120) {
		(void)snprintf(ret_text, SPAN_TEXT_SIZE, "%lld s", n);
	} else if (n < 7200) {
		(void)snprintf(ret_text, SPAN_TEXT_SIZE, "%lld min", n / 60);
	} else if (n < 48 * 3600) {
		(void)snprintf(ret_text, SPAN_TEXT_SIZE, "%lld h", n / 3600);
	} else {
		(void)snprintf(ret_text, SPAN_TEXT_SIZE, "%lld days", n / (24 * 3600));
	}
	return ret_text;
}

char *minute_format(struct wall t, char ret_text[static MINUTE_TEXT_SIZE])
{
	char full[WALL_TEXT_SIZE];

	wall_format(t, full); /* "2026-11-21T16:47:01.123456Z" */
	(void)snprintf(ret_text, MINUTE_TEXT_SIZE, "%.10s %.5s UTC", full, full + 11);
	return ret_text;
}

/* ---- attempts ---- */

static int64_t seconds_between(struct wall from, struct wall to)
{
	return (to.ns - from.ns) / NS_PER_S;
}

/* The count at a time: that of the last point at or before it. */
static uint64_t hits_at(const struct attempt *a, size_t n, int64_t at_ns)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < n && a[i].at.ns <= at_ns; i++) {
		hits = a[i].hits;
	}
	return hits;
}

enum attempts_trend case_attempts_trend(const struct attempt *a, size_t n, struct wall since,
					struct wall now, uint32_t quiet_s)
{
	const int64_t window_ns = (int64_t)quiet_s * NS_PER_S;
	uint64_t part[ATTEMPT_PARTS];
	uint64_t before = hits_at(a, n, now.ns - window_ns);
	bool falls = true;

	for (int i = 0; i < ATTEMPT_PARTS; i++) {
		int64_t end = now.ns - window_ns + window_ns * (i + 1) / ATTEMPT_PARTS;
		uint64_t hits = hits_at(a, n, end);
		part[i] = hits > before ? hits - before : 0; /* a count that began anew */
		falls = falls && (i == 0 || part[i] <= part[i - 1]);
		before = hits;
	}
	uint64_t early = part[0] + part[1];
	uint64_t late = part[2] + part[3];

	if (now.ns - since.ns < window_ns) {
		return ATTEMPTS_SHORT;
	}
	if (early == 0 && late == 0) {
		return ATTEMPTS_NONE;
	}
	if (late > early) {
		return ATTEMPTS_RISING;
	}
	return falls && part[ATTEMPT_PARTS - 1] < part[0] ? ATTEMPTS_FALLING : ATTEMPTS_STEADY;
}
static_assert(ATTEMPT_PARTS == 4, "two early, two late");

/* ---- checks ---- */

static const enum check_result result_of_trend[] = {
	[ATTEMPTS_NONE] = CHECK_PROVED,       [ATTEMPTS_FALLING] = CHECK_PROVED,
	[ATTEMPTS_STEADY] = CHECK_NOT_PROVED, [ATTEMPTS_RISING] = CHECK_FAILED,
	[ATTEMPTS_SHORT] = CHECK_NOT_PROVED,
};
static_assert(COUNT_OF(result_of_trend) == ATTEMPTS_TREND_COUNT, "a result for every trend");

/* "mail was still being tried 12 s ago: 14 attempts since the block, …" */
static void check_attempts(const struct case_facts *f, struct case_check *ret)
{
	enum attempts_trend trend = case_attempts_trend(f->attempts, f->attempt_count,
							f->blocked_at, f->now, f->quiet_s);
	const struct attempt *last = f->attempt_count > 0 ? &f->attempts[f->attempt_count - 1]
							  : NULL;
	unsigned long long hits = last != NULL ? (unsigned long long)last->hits : 0;
	char ago[SPAN_TEXT_SIZE];
	char window[SPAN_TEXT_SIZE];
	char watched[SPAN_TEXT_SIZE];

	span_format(last != NULL ? seconds_between(last->at, f->now) : 0, ago);
	span_format(f->quiet_s, window);
	span_format(seconds_between(f->blocked_at, f->now), watched);
	ret->name = "no_refused_envelope";
	ret->result = result_of_trend[trend];
	if (hits == 0) {
		(void)snprintf(ret->detail, sizeof(ret->detail),
			       trend == ATTEMPTS_SHORT
				       ? "no mail was tried since the block, but that is only %s "
					 "ago; %s are needed"
				       : "no mail was tried since the block %s ago (%s are needed)",
			       watched, window);
		return;
	}
	static const char *const ends[] = {
		[ATTEMPTS_NONE] = "none in the last",
		[ATTEMPTS_FALLING] = "fewer and fewer over the last",
		[ATTEMPTS_STEADY] = "not fewer over the last",
		[ATTEMPTS_RISING] = "more and more over the last",
		[ATTEMPTS_SHORT] = "not yet watched for",
	};
	static_assert(COUNT_OF(ends) == ATTEMPTS_TREND_COUNT, "an end for every trend");
	(void)snprintf(ret->detail, sizeof(ret->detail),
		       "mail was %s tried %s ago: %llu attempt%s since the block, %s %s",
		       trend == ATTEMPTS_NONE ? "last" : "still being", ago, hits,
		       hits == 1 ? "" : "s", ends[trend], window);
}

static void check_cool_down(const struct case_facts *f, struct case_check *ret)
{
	char when[MINUTE_TEXT_SIZE];
	char left[SPAN_TEXT_SIZE];

	ret->name = "cool_down";
	if (f->allowed_at.ns == 0) {
		ret->result = CHECK_FAILED;
		(void)snprintf(ret->detail, sizeof(ret->detail),
			       "blocked %u times before: only staff may open it now",
			       f->blocked_before);
	} else if (f->now.ns >= f->allowed_at.ns) {
		ret->result = CHECK_PROVED;
		(void)snprintf(ret->detail, sizeof(ret->detail), "over since %s",
			       minute_format(f->allowed_at, when));
	} else {
		ret->result = CHECK_FAILED;
		/* Up: "in 0 s" would be wrong. */
		span_format(seconds_between(f->now, f->allowed_at) + 1, left);
		(void)snprintf(ret->detail, sizeof(ret->detail),
			       "ends in %s, at %s (blocked %u times before)", left,
			       minute_format(f->allowed_at, when), f->blocked_before);
	}
}

static void check_statement(const struct case_facts *f, struct case_check *ret)
{
	bool cause = str_trim(f->cause).len > 0;
	bool fix = str_trim(f->fix).len > 0;

	ret->name = "cause_and_fix";
	ret->result = cause && fix ? CHECK_REPORTED : CHECK_NOT_PROVED;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s",
		       cause && fix ? "stated by the owner"
		       : cause      ? "what was done about it is not stated"
		       : fix        ? "what the cause was is not stated"
				    : "neither the cause nor what was done is stated");
}

void case_answer_request(const struct case_facts *f, struct case_answer *ret)
{
	bool good = true;

	*ret = (struct case_answer){.check_count = 3};
	check_attempts(f, &ret->checks[0]);
	check_cool_down(f, &ret->checks[1]);
	check_statement(f, &ret->checks[2]);
	for (size_t i = 0; i < ret->check_count; i++) {
		good = good && (ret->checks[i].result == CHECK_PROVED ||
				ret->checks[i].result == CHECK_REPORTED);
	}
	switch (f->policy) {
	case UNBLOCK_OWNER:
		ret->decision = good || f->insists ? DECISION_GRANTED : DECISION_WARNED;
		return;
	case UNBLOCK_CHECKED:
		ret->decision = good ? DECISION_GRANTED : DECISION_REFUSED;
		return;
	case UNBLOCK_STAFF:
	case UNBLOCK_POLICY_COUNT:
		ret->decision = DECISION_STAFF;
		return;
	}
}
