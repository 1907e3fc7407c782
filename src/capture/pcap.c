/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap: the older format: a header of 24 octets, then records. Layer: adapter.
 */
#include "capture/format.h"
#include "proto/packet.h"

#include <errno.h>

#include "base/poison.h"

#define FILE_HEADER 24
#define MAGIC_US 0xA1B2C3D4
#define MAGIC_NS 0xA1B23C4D
/* With 8 more octets in each record (Linux 2.0 with a patch, still written by some tools). */
#define MAGIC_LONG 0xA1B2CD34

static bool take_magic(struct capture *c, uint32_t magic)
{
	c->is_ns = magic == MAGIC_NS;
	c->record_header = magic == MAGIC_LONG ? 24 : 16;
	return magic == MAGIC_US || magic == MAGIC_NS || magic == MAGIC_LONG;
}

int pcap_begin(struct capture *c, struct errmsg *reterr)
{
	struct str head;

	int r = input_want(c->in, FILE_HEADER, &head, reterr);
	if (r < 0) {
		return r;
	}
	if (head.len >= 4 && !take_magic(c, capture_u32(c, head.ptr))) {
		c->is_swapped = true;
		if (!take_magic(c, capture_u32(c, head.ptr))) {
			return err_set(reterr, -EBADMSG,
				       "not a capture file: it begins with neither pcap's nor "
				       "pcapng's mark at octet 0");
		}
	}
	if (head.len < FILE_HEADER) {
		return err_set(reterr, -EBADMSG,
			       "not a capture file: its header is cut off at octet %zu", head.len);
	}
	/* Its upper half says how long the frames' checksums are, which we need not know. */
	c->link = link_type_of(capture_u32(c, head.ptr + 20) & 0xFFFF);
	input_take(c->in, FILE_HEADER);
	return 0;
}

int pcap_next(struct capture *c, struct capture_frame *ret, struct errmsg *reterr)
{
	struct str head;

	int r = capture_want(c, c->record_header, &head, reterr);
	if (r <= 0) {
		return r;
	}
	uint32_t seconds = capture_u32(c, head.ptr);
	uint32_t fraction = capture_u32(c, head.ptr + 4);
	uint32_t len = capture_u32(c, head.ptr + 8);
	uint32_t wire_len = capture_u32(c, head.ptr + 12);
	if (len > CAPTURE_FRAME_MAX) {
		return capture_damage(c, reterr, "a frame of so many octets", len);
	}
	struct str all;
	r = capture_want(c, c->record_header + len, &all, reterr);
	if (r <= 0) {
		return r;
	}
	int64_t ns = (int64_t)seconds * NS_PER_S + (int64_t)fraction * (c->is_ns ? 1 : NS_PER_US);
	*ret = (struct capture_frame){
		.time = {ns},
		.link = c->link,
		.octets = str_skip(all, c->record_header),
		.wire_len = wire_len < len ? len : wire_len,
	};
	input_take(c->in, all.len);
	return CAPTURE_FRAME;
}
