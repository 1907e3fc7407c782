/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: what capture.c and its two readers share. Layer: adapter, within capture/.
 */
#ifndef CAPTURE_FORMAT_H
#define CAPTURE_FORMAT_H

#include "capture/capture.h"
#include "capture/input.h"

#include <stdbool.h>

struct capture_interface {
	int link;
	uint32_t snaplen;   /* 0: none */
	uint8_t resolution; /* as in if_tsresol: 10^-n, or 2^-n with the highest bit */
	int64_t offset_s;
};

struct capture {
	struct input *in;
	uint64_t size;
	bool is_ng;
	bool is_swapped; /* written on a machine of the other byte order */
	/* pcap */
	bool is_ns;
	size_t record_header;
	int link;
	/* pcapng */
	struct capture_interface *interfaces;
	size_t interface_count;
	struct wall last;
};

static inline uint16_t capture_u16(const struct capture *c, const char *p)
{
	const uint8_t *o = (const uint8_t *)p;
	unsigned little = (unsigned)o[0] | (unsigned)o[1] << 8;
	unsigned big = (unsigned)o[1] | (unsigned)o[0] << 8;

	return (uint16_t)(c->is_swapped ? big : little);
}

static inline uint32_t capture_u32(const struct capture *c, const char *p)
{
	uint32_t a = capture_u16(c, p);
	uint32_t b = capture_u16(c, p + 2);

	return c->is_swapped ? a << 16 | b : b << 16 | a;
}

/** A view of exactly n octets, or an error that names the place. @return 1; 0 at a clean end. */
MUSTUSE int capture_want(struct capture *c, size_t n, struct str *ret, struct errmsg *reterr);
/** The file is damaged at its present place. @return -EBADMSG */
int capture_damage(struct capture *c, struct errmsg *reterr, const char *what, uint64_t value);

MUSTUSE int pcap_begin(struct capture *c, struct errmsg *reterr);
MUSTUSE int pcap_next(struct capture *c, struct capture_frame *ret, struct errmsg *reterr);
MUSTUSE int pcapng_begin(struct capture *c, struct errmsg *reterr);
MUSTUSE int pcapng_next(struct capture *c, struct capture_frame *ret, struct errmsg *reterr);

#endif
