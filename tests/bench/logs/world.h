/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: a mail server that was made up: its customers, what happens on it, and what is true of
 * it. The writers turn what happens into lines of one mail server's log.
 */
#ifndef BENCH_LOGS_WORLD_H
#define BENCH_LOGS_WORLD_H

#include "base/prng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RCPTS_MAX 50
#define LOCAL_RCPT 0xF0000000U /* recipients from here on have their mailbox here */
#define ACCOUNTS 40
#define SITES 30
#define US INT64_C(1000000)

enum run {
	RUN_INBOUND,
	RUN_ACCOUNT,
	RUN_SITE,
	RUN_STOLEN,
	RUN_SCRIPT,
	RUN_FORM,
	RUN_BOUNCE,
	RUN_COUNT
};
enum form { FORM_3164, FORM_3339, FORM_EXIM };

/* What a message does next. */
enum step {
	STEP_CONNECT,
	STEP_ARRIVE,
	STEP_NAME,
	STEP_ACTIVE,
	STEP_LEAVE,    /* the client says goodbye */
	STEP_FILTERED, /* the content filter has put it back: it goes on under another id */
	STEP_DELIVER,
	STEP_REQUEUE, /* deferred recipients are tried again */
	STEP_EXPIRE,
	STEP_NOTIFY,
	STEP_REMOVE,
};

enum fate { FATE_SENT, FATE_BOUNCED, FATE_LATE, FATE_EXPIRED };

struct message {
	enum run run;
	uint32_t who;         /* account or site */
	uint64_t serial;      /* makes the ids */
	uint64_t filtered_as; /* serial of its second id; 0: not filtered */
	uint64_t parent;      /* of a bounce: the serial of what could not be delivered */
	int64_t parent_born_us;
	uint32_t client; /* IPv4 address */
	uint32_t pid;
	int64_t born_us;
	uint32_t rcpts[RCPTS_MAX];
	uint8_t fates[RCPTS_MAX];
	bool done[RCPTS_MAX];
	uint8_t rcpt_count;
	uint8_t at;      /* the next recipient of this round */
	uint8_t retries; /* rounds that are still put off */
	bool local;      /* for a mailbox here */
};

struct world {
	struct prng rnd;
	bool exim;
	enum form form;
	bool long_ids;
	bool filter;
	int64_t now_us;
	uint64_t serial;
	FILE *out;
	uint64_t bytes;
	uint64_t lines;
	char date[32]; /* of the last second */
	int64_t date_s;
};

/** One line: time, host and tag ("postfix/smtp"; ignored in Exim's own form), then the text. */
void world_line(struct world *w, const char *tag, uint32_t pid, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** The name of an account or site: "info@shop7.example", "web7". */
const char *world_account(uint32_t who, char *to, size_t size);
const char *world_rcpt(uint32_t number, char *to, size_t size);
const char *world_address(uint32_t ip, char *to, size_t size);
const char *world_message_id(const struct message *m, char *to, size_t size);
/** The envelope sender. */
const char *world_sender(const struct message *m, char *to, size_t size);
uint32_t world_uid(uint32_t who);

void postfix_queue_id(const struct world *w, uint64_t serial, int64_t us, char *to, size_t size);
void postfix_step(struct world *w, struct message *m, enum step s);
void postfix_noise(struct world *w);
void exim_queue_id(const struct world *w, uint64_t serial, int64_t us, char *to, size_t size);
void exim_step(struct world *w, struct message *m, enum step s);
void exim_noise(struct world *w);

#endif
