/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng: blocks with their length at both ends; sections that each have a byte order and
 * interfaces of their own. Layer: adapter.
 */
#include "capture/format.h"
#include "proto/packet.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

#define BLOCK_SECTION 0x0A0D0D0A
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET 2 /* obsolete */
#define BLOCK_SIMPLE 3
#define BLOCK_ENHANCED 6
#define BYTE_ORDER_MARK 0x1A2B3C4D

#define BLOCK_MIN 12
/* A frame and its options. */
#define BLOCK_MAX (CAPTURE_FRAME_MAX + (1U << 20))

#define OPTION_END 0
#define OPTION_RESOLUTION 9
#define OPTION_OFFSET 14
#define RESOLUTION_DEFAULT 6 /* microseconds */

/* Times that an int64 of nanoseconds cannot hold become the nearest one. */
#define SECONDS_MAX INT64_C(9000000000)

static int64_t from_units(uint64_t ts, uint8_t resolution, int64_t offset_s)
{
	unsigned n = resolution & 0x7F;
	uint64_t seconds;
	uint64_t ns;

	if ((resolution & 0x80) != 0) {
		n = n > 63 ? 63 : n;
		seconds = ts >> n;
		uint64_t rest = ts & ((UINT64_C(1) << n) - 1);
		/* 2^-32 s is less than a nanosecond: finer ones are rounded down. */
		ns = n > 32 ? (rest >> (n - 32)) * 1000000000 >> 32 : rest * 1000000000 >> n;
	} else {
		uint64_t unit = 1;
		for (unsigned i = 0; i < (n > 19 ? 19 : n); i++) {
			unit *= 10;
		}
		seconds = ts / unit;
		ns = unit >= 1000000000 ? ts % unit / (unit / 1000000000)
					: ts % unit * (1000000000 / unit);
	}
	if (seconds > (uint64_t)SECONDS_MAX) {
		seconds = (uint64_t)SECONDS_MAX;
	}
	if (offset_s > SECONDS_MAX || offset_s < -SECONDS_MAX) {
		offset_s = 0;
	}
	int64_t whole = (int64_t)seconds + offset_s;
	whole = whole > SECONDS_MAX ? SECONDS_MAX : (whole < 0 ? 0 : whole);
	return whole * NS_PER_S + (int64_t)ns;
}

static uint64_t u64(const struct capture *c, const char *p)
{
	uint64_t a = capture_u32(c, p);
	uint64_t b = capture_u32(c, p + 4);

	return c->is_swapped ? a << 32 | b : b << 32 | a;
}

static void read_options(const struct capture *c, struct str opts, struct capture_interface *ret)
{
	while (opts.len >= 4) {
		unsigned code = capture_u16(c, opts.ptr);
		size_t len = capture_u16(c, opts.ptr + 2);
		opts = str_skip(opts, 4);
		if (code == OPTION_END || len > opts.len) {
			return;
		}
		if (code == OPTION_RESOLUTION && len == 1) {
			ret->resolution = (uint8_t)opts.ptr[0];
		} else if (code == OPTION_OFFSET && len == 8) {
			ret->offset_s = (int64_t)u64(c, opts.ptr);
		}
		opts = str_skip(opts, (len + 3) / 4 * 4);
	}
}

static int add_interface(struct capture *c, struct str body, struct errmsg *reterr)
{
	if (body.len < 8) {
		return capture_damage(c, reterr, "an interface block of so many octets", body.len);
	}
	if (c->interface_count >= CAPTURE_INTERFACES_MAX) {
		return capture_damage(c, reterr, "more interfaces than", CAPTURE_INTERFACES_MAX);
	}
	/* Room for 1, 2, 4, 8 … */
	if ((c->interface_count & (c->interface_count - 1)) == 0) {
		size_t room = c->interface_count == 0 ? 1 : c->interface_count * 2;
		void *grown = realloc(c->interfaces, room * sizeof(*c->interfaces));
		if (grown == NULL) {
			return err_set(reterr, -ENOMEM, "no memory");
		}
		c->interfaces = grown;
	}
	struct capture_interface i = {
		.link = link_type_of(capture_u16(c, body.ptr)),
		.snaplen = capture_u32(c, body.ptr + 4),
		.resolution = RESOLUTION_DEFAULT,
	};
	read_options(c, str_skip(body, 8), &i);
	c->interfaces[c->interface_count++] = i;
	return 0;
}

/* A block that holds a frame: where it begins and how long it was. */
struct held {
	uint32_t interface;
	bool has_time;
	uint64_t time;
	uint32_t len;
	uint32_t wire_len;
	size_t header;
};

static int read_held(struct capture *c, uint32_t type, struct str body, struct held *ret,
		     struct errmsg *reterr)
{
	size_t header = type == BLOCK_SIMPLE ? 4 : 20;

	if (body.len < header) {
		return capture_damage(c, reterr, "a packet block of so many octets", body.len);
	}
	*ret = (struct held){.header = header};
	if (type == BLOCK_SIMPLE) {
		ret->wire_len = capture_u32(c, body.ptr);
		uint32_t snaplen = c->interface_count > 0 ? c->interfaces[0].snaplen : 0;
		ret->len = snaplen > 0 && snaplen < ret->wire_len ? snaplen : ret->wire_len;
		ret->len = ret->len > body.len - header ? (uint32_t)(body.len - header) : ret->len;
	} else {
		ret->has_time = true;
		ret->interface = type == BLOCK_PACKET ? capture_u16(c, body.ptr)
						      : capture_u32(c, body.ptr);
		ret->time = (uint64_t)capture_u32(c, body.ptr + 4) << 32 |
			    capture_u32(c, body.ptr + 8);
		ret->len = capture_u32(c, body.ptr + 12);
		ret->wire_len = capture_u32(c, body.ptr + 16);
	}
	if (ret->len > body.len - header) {
		return capture_damage(c, reterr, "a frame of so many octets", ret->len);
	}
	if (ret->interface >= c->interface_count) {
		return capture_damage(c, reterr, "a frame of an unknown interface", ret->interface);
	}
	return 0;
}

static int read_frame(struct capture *c, uint32_t type, struct str body, struct capture_frame *ret,
		      struct errmsg *reterr)
{
	struct held h = {0};

	int r = read_held(c, type, body, &h, reterr);
	if (r < 0) {
		return r;
	}
	const struct capture_interface *i = &c->interfaces[h.interface];
	if (h.has_time) {
		c->last.ns = from_units(h.time, i->resolution, i->offset_s);
	}
	*ret = (struct capture_frame){
		.time = c->last,
		.link = i->link,
		.octets = str_head(str_skip(body, h.header), h.len),
		.wire_len = h.wire_len < h.len ? h.len : h.wire_len,
	};
	return CAPTURE_FRAME;
}

/* The byte order of a section, before anything else of it can be read. */
static int begin_section(struct capture *c, struct errmsg *reterr)
{
	struct str head;

	int r = capture_want(c, BLOCK_MIN, &head, reterr);
	if (r <= 0) {
		return r;
	}
	c->is_swapped = false;
	if (capture_u32(c, head.ptr + 8) != BYTE_ORDER_MARK) {
		c->is_swapped = true;
		if (capture_u32(c, head.ptr + 8) != BYTE_ORDER_MARK) {
			return capture_damage(c, reterr, "a section without its byte order",
					      capture_u32(c, head.ptr + 8));
		}
	}
	c->interface_count = 0;
	return 1;
}

int pcapng_begin(struct capture *c, struct errmsg *reterr)
{
	c->is_ng = true;
	int r = begin_section(c, reterr);
	return r < 0 ? err_prefix(reterr, r, "not a capture file") : 0;
}

/* The next block, looked at and not taken. @return 1; 0 at the end; a negative errno. */
static int next_block(struct capture *c, uint32_t *ret_type, struct str *ret, struct errmsg *reterr)
{
	struct str head;

	int r = capture_want(c, 8, &head, reterr);
	if (r <= 0) {
		return r;
	}
	*ret_type = capture_u32(c, head.ptr);
	if (*ret_type == BLOCK_SECTION) {
		r = begin_section(c, reterr);
		if (r <= 0) {
			return r;
		}
		r = capture_want(c, 8, &head, reterr);
		if (r <= 0) {
			return r;
		}
	}
	uint32_t len = capture_u32(c, head.ptr + 4);
	if (len < BLOCK_MIN || len % 4 != 0 || len > BLOCK_MAX) {
		return capture_damage(c, reterr, "a block of so many octets", len);
	}
	r = capture_want(c, len, ret, reterr);
	if (r <= 0) {
		return r;
	}
	uint32_t again = capture_u32(c, ret->ptr + len - 4);
	if (again != len) {
		return capture_damage(c, reterr, "a block that ends with another length", again);
	}
	return 1;
}

int pcapng_next(struct capture *c, struct capture_frame *ret, struct errmsg *reterr)
{
	for (;;) {
		uint32_t type;
		struct str block;

		int r = next_block(c, &type, &block, reterr);
		if (r <= 0) {
			return r;
		}
		struct str body = {block.ptr + 8, block.len - BLOCK_MIN};
		r = 0;
		if (type == BLOCK_INTERFACE) {
			r = add_interface(c, body, reterr);
		} else if (type == BLOCK_ENHANCED || type == BLOCK_PACKET || type == BLOCK_SIMPLE) {
			r = read_frame(c, type, body, ret, reterr);
		}
		if (r < 0) {
			return r;
		}
		input_take(c->in, block.len);
		if (r == CAPTURE_FRAME) {
			return r;
		}
	}
}
