/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_export: what `journalctl -o export` writes, turned into syslog lines with full times.
 *
 * Knows the framing (FIELD=text, or FIELD, a little-endian length and octets; an empty line ends an
 * entry) and the five fields that a log line is made of, nothing of what they say. Line ends inside
 * a message become spaces. Layer: proto (pure).
 * Source: systemd, "Journal Export Format".
 */
#ifndef PROTO_JOURNAL_EXPORT_H
#define PROTO_JOURNAL_EXPORT_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A longer message is cut. */
#define JOURNAL_MESSAGE_MAX (16 * 1024)
/* The longest line that is written, with its ending. */
#define JOURNAL_LINE_MAX (JOURNAL_MESSAGE_MAX + 512)

enum journal_field {
	JOURNAL_TIME,
	JOURNAL_NAME,
	JOURNAL_COMM,
	JOURNAL_SAID_PID,
	JOURNAL_PID,
	JOURNAL_HOST,
	JOURNAL_MESSAGE,
	JOURNAL_FIELD_COUNT,
};

struct journal_export {
	enum { JOURNAL_IN_NAME, JOURNAL_IN_TEXT, JOURNAL_IN_SIZE, JOURNAL_IN_OCTETS } state;
	enum journal_field field; /* the one being read; JOURNAL_FIELD_COUNT: not wanted */
	char key[64];
	size_t key_len;
	uint64_t size; /* of octets that are to come; while they are read, what is left */
	unsigned size_len;
	char value[JOURNAL_MESSAGE][128]; /* all but the message */
	size_t len[JOURNAL_FIELD_COUNT];
	char message[JOURNAL_MESSAGE_MAX];
};

/** Does a file begin like this? */
bool journal_export_is(struct str head);

/**
 * Turn octets into lines.
 *
 * @param j        State; all zero at the start.
 * @param in       In: octets, cut anywhere. Out: what is left when `out` is full.
 * @param out      Room for lines, at least JOURNAL_LINE_MAX.
 * @return Octets written: whole lines. Cost: linear.
 */
MUSTUSE size_t journal_export_step(struct journal_export *j, struct str *in, char *out,
				   size_t size);

#endif
