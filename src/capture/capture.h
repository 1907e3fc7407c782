/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture: the frames of a capture file, one after the other.
 *
 * pcap (microseconds and nanoseconds, both byte orders) and pcapng (several sections and
 * interfaces, every resolution of time), also packed with gzip, from a file or a pipe. A file that
 * is cut off or damaged gives its frames up to that place, then an error that names it. Layer:
 * adapter.
 *
 * Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* A record that claims more is damage. */
#define CAPTURE_FRAME_MAX ((uint32_t)16 << 20)
/* Interfaces of one pcapng section; more are damage. */
#define CAPTURE_INTERFACES_MAX 4096

struct capture;

struct capture_frame {
	struct wall time;
	int link;          /* enum link_type, or -1: one that we cannot read */
	struct str octets; /* borrowed until the next call */
	uint32_t wire_len;
};

enum capture_out {
	CAPTURE_END,   /* read to the end */
	CAPTURE_FRAME, /* *ret is set */
	CAPTURE_OUT_COUNT,
};

/**
 * @param path  A file, or "-" for standard input.
 * @return 0; -EBADMSG when it is no capture; else a negative errno. The text says what and where
 *         in the file, not its name.
 */
MUSTUSE int capture_open(const char *path, struct capture **ret, struct errmsg *reterr);
/** The same of an open descriptor, which is taken over, also on failure. */
MUSTUSE int capture_open_fd(int fd, struct capture **ret, struct errmsg *reterr);
/** NULL is allowed. */
void capture_close(struct capture *c);

/** @return enum capture_out; or -EBADMSG, -EIO …: cut off or damaged there, nothing more comes. */
MUSTUSE int capture_next(struct capture *c, struct capture_frame *ret, struct errmsg *reterr);

/** Octets read from the file so far, as it lies there. */
uint64_t capture_read(const struct capture *c);
/** Size of the file in octets; 0: not known (a pipe). */
uint64_t capture_size(const struct capture *c);

#endif
