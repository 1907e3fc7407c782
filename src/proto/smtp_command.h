/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_command: what one line of a client says. Layer: proto (pure).
 */
#ifndef PROTO_SMTP_COMMAND_H
#define PROTO_SMTP_COMMAND_H

#include "proto/smtp.h"

struct smtp_command_line {
	enum smtp_command command;
	/* HELO, EHLO: the name. MAIL, RCPT: the address without brackets, source route and
	 * parameters. AUTH: the mechanism only. Else empty. Borrowed from the line. */
	struct str arg;
	uint64_t chunk_bytes; /* BDAT */
	bool is_last;         /* BDAT … LAST */
	bool is_broken;       /* BDAT without a size that can be read: a server refuses it */
	/* Written as RFC 5321 has it: what is believed when the place in the stream is unsure. */
	bool is_strict;
};

/** Never fails: what is no command is SMTP_COMMAND_UNKNOWN. */
struct smtp_command_line smtp_command_parse(struct str line);

#endif
