/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: the names of the closed lists, one table a list. Layer: core (pure).
 */
#include "core/words.h"

#include "base/assert.h"

#include "base/poison.h"

static const char *const rung_names[] = {"pass", "watch", "throttle", "divert", "block"};
static_assert(COUNT_OF(rung_names) == RUNG_COUNT, "a name for every value");

static const char *const verdict_names[] = {"unknown", "healthy", "suspect", "abused"};
static_assert(COUNT_OF(verdict_names) == VERDICT_COUNT, "a name for every value");

static const char *const kind_names[] = {"content", "recipients", "opinion", "shared",
					 "helo",    "sender",     "fanout",  "complaint",
					 "listing", "trap",       "defiance"};
static_assert(COUNT_OF(kind_names) == KIND_COUNT, "a name for every value");

static const char *const message_state_names[] = {"accepted", "rejected",   "deferred",
						  "aborted",  "unanswered", "lost"};
static_assert(COUNT_OF(message_state_names) == MESSAGE_STATE_COUNT, "a name for every value");

static const char *const session_close_names[] = {"quit", "fin", "rst", "timeout", "open"};
static_assert(COUNT_OF(session_close_names) == CLOSE_COUNT, "a name for every value");

static const char *const session_tls_names[] = {"none", "starttls", "implicit"};
static_assert(COUNT_OF(session_tls_names) == TLS_COUNT, "a name for every value");

static const char *const direction_names[] = {"outbound", "inbound", "internal"};
static_assert(COUNT_OF(direction_names) == DIRECTION_COUNT, "a name for every value");

static const char *const mode_names[] = {"observe", "enforce"};
static_assert(COUNT_OF(mode_names) == MODE_COUNT, "a name for every value");

static const char *const posture_names[] = {"open", "closed", "relay", "trusted"};
static_assert(COUNT_OF(posture_names) == POSTURE_COUNT, "a name for every value");

static const char *const feel_names[] = {"answer", "reset", "drop"};
static_assert(COUNT_OF(feel_names) == FEEL_COUNT, "a name for every value");

static const char *const unblock_policy_names[] = {"owner", "checked", "staff"};
static_assert(COUNT_OF(unblock_policy_names) == UNBLOCK_POLICY_COUNT, "a name for every value");

static const char *const content_policy_names[] = {"all", "suspects", "none"};
static_assert(COUNT_OF(content_policy_names) == CONTENT_POLICY_COUNT, "a name for every value");

static const char *const giver_names[] = {"posture", "judge", "grant", "fact", "staff"};
static_assert(COUNT_OF(giver_names) == GIVER_COUNT, "a name for every value");

static const char *const order_state_names[] = {"wanted", "installed", "proved",   "unproved",
						"inert",  "would",     "released", "refused"};
static_assert(COUNT_OF(order_state_names) == ORDER_STATE_COUNT, "a name for every value");

static const char *const case_state_names[] = {
	"open", "acknowledged", "fixing", "unblock_requested", "probation", "closed"};
static_assert(COUNT_OF(case_state_names) == CASE_STATE_COUNT, "a name for every value");

static const char *const check_result_names[] = {"proved", "reported", "not_proved", "failed"};
static_assert(COUNT_OF(check_result_names) == CHECK_RESULT_COUNT, "a name for every value");

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
	ASSERT(value < count);
	return names[value];
}

static int find_in(const char *const *names, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is_equal(str_of(names[i]), name)) {
			return (int)i;
		}
	}
	return -1;
}

const char *rung_name(enum rung v)
{
	return name_of(rung_names, COUNT_OF(rung_names), v);
}

const char *verdict_name(enum verdict v)
{
	return name_of(verdict_names, COUNT_OF(verdict_names), v);
}

const char *kind_name(enum kind v)
{
	return name_of(kind_names, COUNT_OF(kind_names), v);
}

const char *message_state_name(enum message_state v)
{
	return name_of(message_state_names, COUNT_OF(message_state_names), v);
}

const char *session_close_name(enum session_close v)
{
	return name_of(session_close_names, COUNT_OF(session_close_names), v);
}

const char *session_tls_name(enum session_tls v)
{
	return name_of(session_tls_names, COUNT_OF(session_tls_names), v);
}

const char *direction_name(enum direction v)
{
	return name_of(direction_names, COUNT_OF(direction_names), v);
}

const char *mode_name(enum mode v)
{
	return name_of(mode_names, COUNT_OF(mode_names), v);
}

const char *posture_name(enum posture v)
{
	return name_of(posture_names, COUNT_OF(posture_names), v);
}

const char *feel_name(enum feel v)
{
	return name_of(feel_names, COUNT_OF(feel_names), v);
}

const char *unblock_policy_name(enum unblock_policy v)
{
	return name_of(unblock_policy_names, COUNT_OF(unblock_policy_names), v);
}

const char *content_policy_name(enum content_policy v)
{
	return name_of(content_policy_names, COUNT_OF(content_policy_names), v);
}

const char *giver_name(enum giver v)
{
	return name_of(giver_names, COUNT_OF(giver_names), v);
}

const char *order_state_name(enum order_state v)
{
	return name_of(order_state_names, COUNT_OF(order_state_names), v);
}

const char *case_state_name(enum case_state v)
{
	return name_of(case_state_names, COUNT_OF(case_state_names), v);
}

const char *check_result_name(enum check_result v)
{
	return name_of(check_result_names, COUNT_OF(check_result_names), v);
}

int rung_find(struct str name)
{
	return find_in(rung_names, COUNT_OF(rung_names), name);
}

int verdict_find(struct str name)
{
	return find_in(verdict_names, COUNT_OF(verdict_names), name);
}

int kind_find(struct str name)
{
	return find_in(kind_names, COUNT_OF(kind_names), name);
}

int mode_find(struct str name)
{
	return find_in(mode_names, COUNT_OF(mode_names), name);
}

int posture_find(struct str name)
{
	return find_in(posture_names, COUNT_OF(posture_names), name);
}

int feel_find(struct str name)
{
	return find_in(feel_names, COUNT_OF(feel_names), name);
}

int unblock_policy_find(struct str name)
{
	return find_in(unblock_policy_names, COUNT_OF(unblock_policy_names), name);
}

int content_policy_find(struct str name)
{
	return find_in(content_policy_names, COUNT_OF(content_policy_names), name);
}

int giver_find(struct str name)
{
	return find_in(giver_names, COUNT_OF(giver_names), name);
}

int order_state_find(struct str name)
{
	return find_in(order_state_names, COUNT_OF(order_state_names), name);
}

int case_state_find(struct str name)
{
	return find_in(case_state_names, COUNT_OF(case_state_names), name);
}

int check_result_find(struct str name)
{
	return find_in(check_result_names, COUNT_OF(check_result_names), name);
}
