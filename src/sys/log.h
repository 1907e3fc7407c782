/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line an event: time, process, level, event name, typed fields. Layer: sys.
 *
 * Only daemon, cli and doctor log. Strangers' text goes through F_TEXT, which escapes; message
 * text is never logged. What a stranger can trigger takes from a quota first.
 *
 *   2026-11-21T16:47:01.123456Z posternd[tap] notice smtp.bare_lf source=192.0.2.7 held_back=3
 */
#ifndef SYS_LOG_H
#define SYS_LOG_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT,
};

enum log_type {
	LOG_TYPE_U64,
	LOG_TYPE_I64,
	LOG_TYPE_TEXT,
};

struct log_field {
	const char *name;
	enum log_type type;
	uint64_t number;
	struct str text;
};

#define F_U64(field, v)                                                                            \
	((struct log_field){.name = (field), .type = LOG_TYPE_U64, .number = (uint64_t)(v)})
#define F_I64(field, v)                                                                            \
	((struct log_field){                                                                       \
		.name = (field), .type = LOG_TYPE_I64, .number = (uint64_t)(int64_t)(v)})
#define F_TEXT(field, v) ((struct log_field){.name = (field), .type = LOG_TYPE_TEXT, .text = (v)})
/* For a C string. */
#define F_CSTR(field, v) F_TEXT(field, str_of(v))

struct log {
	const char *process; /* "tap"; "posternd" for the parent */
	enum log_level most; /* the least important level that is written */
	int fd;              /* usually standard error */
};

/** Write one line with a single write. Lines over 4 KiB are cut. Never fails loudly. */
void log_write(const struct log *lg, enum log_level level, const char *event,
	       const struct log_field *fields, size_t count);

#define LOG_EVENT(lg, level, event, ...)                                                           \
	log_write((lg), (level), (event), (const struct log_field[]){__VA_ARGS__},                 \
		  sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* How many lines of one kind may be written in a second; what was held back is counted. */
struct quota {
	uint32_t per_s;
	uint32_t used;
	int64_t second;
	uint64_t held;
};

/**
 * @param ret_held  How many were held back since the last line that was let through.
 * @return true when a line may be written now.
 */
bool quota_take(struct quota *q, struct mono now, uint64_t *ret_held);

#endif
