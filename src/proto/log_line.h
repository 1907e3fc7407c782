/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line: the envelope of a log line: time, host, program; the rest is the program's own. Layer:
 * proto (pure).
 *
 * The program is the last path component of the tag ("smtpd" of "postfix-out/submission/smtpd"),
 * so that multi-instance and renamed set-ups read the same; what stood before it is kept.
 */
#ifndef PROTO_LOG_LINE_H
#define PROTO_LOG_LINE_H

#include "base/attr.h"
#include "base/str.h"
#include "proto/log_time.h"
#include "proto/log_writer.h"

/* All views borrow from the line. */
struct log_line {
	struct wall time;
	enum log_time_form form;
	struct str host;    /* empty for Exim's own file, multilog and PHP */
	struct str program; /* last component of the tag; empty when there is none */
	struct str path;    /* what stood before it: "postfix/submission"; may be empty */
	enum log_writer writer;
	struct str text; /* what the program said */
};

#define LOG_LINE_TAGS 32 /* pairs; a power of two */

/* A tag that was seen, up to its process number. */
struct log_line_tag {
	char text[32]; /* zeros behind it */
	uint8_t len;
	uint8_t path_len;
	uint8_t program_at;
	uint8_t writer; /* enum log_writer */
};

/* Hosts and tags of lines before: a log has few different ones. All zero at first. Only for speed,
 * nothing that is read depends on it. */
struct log_line_memory {
	char host[16]; /* with the space behind it, and zeros */
	size_t host_len;
	struct log_line_tag tags[LOG_LINE_TAGS][2];
};

/**
 * Take a line apart.
 *
 * @param lt    State of this file.
 * @param raw   One line without its ending.
 * @param ret   What it says; nothing of use when false is returned.
 * @return true; false when it does not begin with a time we know.
 */
bool log_line_parse(struct log_time *lt, struct str raw, struct log_line *ret);

/** The same and quicker, for the lines of a whole log. @param memory  NULL: without. */
bool log_line_parse_next(struct log_time *lt, struct log_line_memory *memory, struct str raw,
			 struct log_line *ret);

#endif
