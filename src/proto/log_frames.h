/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_frames: a stream of syslog frames, each with its count of octets before it (RFC 6587, 3.4.1:
 * "97 <22>1 2026-… 98 <22>1 …") and no line end between them, turned into lines.
 *
 * Knows the framing, nothing of what a frame says: line ends inside of one become spaces. What is
 * no frame is a line of its own, up to where a count and a priority stand again. Layer: proto
 * (pure).
 */
#ifndef PROTO_LOG_FRAMES_H
#define PROTO_LOG_FRAMES_H

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

/* A longer frame's rest is dropped. */
#define LOG_FRAMES_TEXT_MAX (16 * 1024)
/* The longest line that is written, with its ending, and a frame of one octet behind it. */
#define LOG_FRAMES_LINE_MAX (LOG_FRAMES_TEXT_MAX + 3)

struct log_frames {
	uint32_t left; /* octets of the frame that are to come; 0: between frames */
	size_t len;
	char text[LOG_FRAMES_TEXT_MAX]; /* the frame so far, or what stands between two */
};

enum log_frames_is {
	LOG_FRAMES_NO,
	LOG_FRAMES_YES,
	LOG_FRAMES_MORE, /* not all of the first frame is there, and what begins the second */
};

/** Does a file begin like this? Where each frame has a line of its own, it does not. */
enum log_frames_is log_frames_is(struct str head);

/**
 * Turn octets into lines.
 *
 * @param f    State; all zero at the start.
 * @param in   In: octets, cut anywhere. Out: what is left when `out` is full.
 * @param out  Room for lines, at least LOG_FRAMES_LINE_MAX.
 * @return Octets written: whole lines. The last frame of a stream that is cut is not told. Cost:
 *         linear.
 */
MUSTUSE size_t log_frames_step(struct log_frames *f, struct str *in, char *out, size_t size);

#endif
