/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_writer: which program wrote a line, as far as lines differ by it. Layer: proto (pure).
 */
#ifndef PROTO_LOG_WRITER_H
#define PROTO_LOG_WRITER_H

#include "base/attr.h"
#include "base/str.h"

enum log_writer {
	LOG_WRITER_OTHER, /* nothing about mail */
	LOG_WRITER_LOGGER,
	LOG_WRITER_POSTFIX_SMTPD,
	LOG_WRITER_POSTFIX_CLEANUP,
	LOG_WRITER_POSTFIX_PICKUP,
	LOG_WRITER_POSTFIX_QMGR,
	LOG_WRITER_POSTFIX_BOUNCE,
	LOG_WRITER_POSTFIX_POSTSUPER,
	LOG_WRITER_POSTFIX_ABROAD, /* delivers to other machines, never here */
	LOG_WRITER_POSTFIX_AGENT,  /* local, lmtp, pipe … and whatever master.cf names */
	LOG_WRITER_EXIM,
	LOG_WRITER_QMAIL,
	LOG_WRITER_SENDMAIL,
	LOG_WRITER_LOGIN,
	LOG_WRITER_PHP,
	LOG_WRITER_COUNT,
};

/** By its tag through syslog: "postfix/submission" and "smtpd". */
enum log_writer log_writer_of(struct str path, struct str program);

#endif
