/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line: the envelope of a log line: time, host, program, process number; the rest is the
 * program's own. Layer: proto (pure).
 *
 * The program is the last path component of the tag ("smtpd" of "postfix-out/submission/smtpd"),
 * so that multi-instance and renamed set-ups read the same; what stood before it is kept.
 */
#ifndef PROTO_LOG_LINE_H
#define PROTO_LOG_LINE_H

#include "base/attr.h"
#include "base/str.h"
#include "proto/log_time.h"

/* All views borrow from the line. */
struct log_line {
	struct wall time;
	enum log_time_form form;
	struct str host;    /* empty for Exim's own file, multilog and PHP */
	struct str program; /* last component of the tag; empty when there is none */
	struct str path;    /* what stood before it: "postfix/submission"; may be empty */
	uint32_t pid;       /* 0: none */
	struct str text;    /* what the program said */
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

#endif
