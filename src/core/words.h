/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: the closed lists of docs/glossary.md, with their names as they stand in the
 * configuration, in JSON, in the panel and in mail. Layer: core (pure).
 *
 * Each list is an enum, a `…_name` that never returns NULL for a value of the list, and a
 * `…_find` that turns text into a value or returns -1. Values are stored and sent between
 * processes: append, never reorder.
 */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include "base/attr.h"
#include "base/str.h"

enum rung {
	RUNG_PASS,
	RUNG_WATCH,
	RUNG_THROTTLE,
	RUNG_DIVERT,
	RUNG_BLOCK,
	RUNG_COUNT,
};

enum verdict {
	VERDICT_UNKNOWN,
	VERDICT_HEALTHY,
	VERDICT_SUSPECT,
	VERDICT_ABUSED,
	VERDICT_COUNT,
};

/* Kinds of evidence, DECISION §2. */
enum kind {
	KIND_CONTENT,
	KIND_RECIPIENTS,
	KIND_OPINION,
	KIND_SHARED,
	KIND_HELO,
	KIND_SENDER,
	KIND_FANOUT,
	KIND_COMPLAINT,
	KIND_LISTING,
	KIND_TRAP,
	KIND_DEFIANCE,
	KIND_COUNT,
};

/* What became of a message, DESIGN §11. */
enum message_state {
	MESSAGE_ACCEPTED,
	MESSAGE_REJECTED,
	MESSAGE_DEFERRED,
	MESSAGE_ABORTED,
	MESSAGE_UNANSWERED,
	MESSAGE_LOST,
	MESSAGE_STATE_COUNT,
};

enum session_close {
	CLOSE_QUIT,
	CLOSE_FIN,
	CLOSE_RST,
	CLOSE_TIMEOUT,
	CLOSE_OPEN, /* the capture ended first */
	CLOSE_COUNT,
};

enum session_tls {
	TLS_NONE,
	TLS_STARTTLS,
	TLS_IMPLICIT,
	TLS_COUNT,
};

enum direction {
	DIRECTION_OUTBOUND,
	DIRECTION_INBOUND,
	DIRECTION_INTERNAL,
	DIRECTION_COUNT,
};

enum mode {
	MODE_OBSERVE,
	MODE_ENFORCE,
	MODE_COUNT,
};

enum posture {
	POSTURE_OPEN,
	POSTURE_CLOSED,
	POSTURE_RELAY,
	POSTURE_TRUSTED,
	POSTURE_COUNT,
};

/* How a block feels. */
enum feel {
	FEEL_ANSWER,
	FEEL_RESET,
	FEEL_DROP,
	FEEL_COUNT,
};

enum unblock_policy {
	UNBLOCK_OWNER,
	UNBLOCK_CHECKED,
	UNBLOCK_STAFF,
	UNBLOCK_POLICY_COUNT,
};

enum content_policy {
	CONTENT_ALL,
	CONTENT_SUSPECTS,
	CONTENT_NONE,
	CONTENT_POLICY_COUNT,
};

/* Who gave an order; a larger value goes before a smaller one (DESIGN §3). */
enum giver {
	GIVER_POSTURE,
	GIVER_JUDGE,
	GIVER_GRANT,
	GIVER_FACT, /* a decisive fact */
	GIVER_STAFF,
	GIVER_COUNT,
};

/* How far an order has come, DESIGN §8. */
enum order_state {
	ORDER_WANTED,
	ORDER_INSTALLED, /* read back from the kernel */
	ORDER_PROVED,    /* counters show that it bites */
	ORDER_UNPROVED,  /* installed, and nobody has tried */
	ORDER_INERT,     /* mail of a blocked source was seen to pass: an alarm */
	ORDER_WOULD,     /* the network only observes: nothing entered the kernel */
	ORDER_RELEASED,  /* over: lifted, expired, or replaced */
	ORDER_REFUSED,   /* the gate would not: never-block list, brake, panic */
	ORDER_STATE_COUNT,
};

enum case_state {
	CASE_OPEN,
	CASE_ACKNOWLEDGED,
	CASE_FIXING,
	CASE_UNBLOCK_REQUESTED,
	CASE_PROBATION,
	CASE_CLOSED,
	CASE_STATE_COUNT,
};

/* Result of one check before an unblock. */
enum check_result {
	CHECK_PROVED,   /* seen on our wire */
	CHECK_REPORTED, /* said by the owner or the owner's machine */
	CHECK_NOT_PROVED,
	CHECK_FAILED,
	CHECK_RESULT_COUNT,
};

const char *rung_name(enum rung v);
const char *verdict_name(enum verdict v);
const char *kind_name(enum kind v);
const char *message_state_name(enum message_state v);
const char *session_close_name(enum session_close v);
const char *session_tls_name(enum session_tls v);
const char *direction_name(enum direction v);
const char *mode_name(enum mode v);
const char *posture_name(enum posture v);
const char *feel_name(enum feel v);
const char *unblock_policy_name(enum unblock_policy v);
const char *content_policy_name(enum content_policy v);
const char *giver_name(enum giver v);
const char *order_state_name(enum order_state v);
const char *case_state_name(enum case_state v);
const char *check_result_name(enum check_result v);

int rung_find(struct str name);
int verdict_find(struct str name);
int kind_find(struct str name);
int mode_find(struct str name);
int posture_find(struct str name);
int feel_find(struct str name);
int unblock_policy_find(struct str name);
int content_policy_find(struct str name);
int giver_find(struct str name);
int order_state_find(struct str name);
int case_state_find(struct str name);
int check_result_find(struct str name);

#endif
