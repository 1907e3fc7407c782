/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_packet: one frame of any link layer. The first octet chooses it, the second how much more
 * there was on the wire.
 *
 * Asserts: the payload lies within the frame, what is cut fits the wire, and a frame that is cut
 * further never says more than the whole one.
 */
#include "proto/packet.h"

#include "base/assert.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p;
	struct packet part;

	if (size < 2) {
		return 0;
	}
	enum link_type link = (enum link_type)(data[0] % LINK_COUNT);
	struct str frame = {(const char *)data + 2, size - 2};
	size_t wire = frame.len + data[1];
	if (packet_parse(link, frame, wire, &p) != PACKET_TCP) {
		return 0;
	}
	ASSERT(p.payload.ptr >= frame.ptr && p.payload.len <= frame.len);
	ASSERT(p.payload.ptr + p.payload.len <= frame.ptr + frame.len);
	ASSERT(p.payload.len + p.cut <= wire);
	ASSERT((p.src.family == 4 || p.src.family == 6) && p.src.family == p.dst.family);
	for (size_t n = frame.len; n-- > 0;) {
		if (packet_parse(link, str_head(frame, n), wire, &part) == PACKET_TCP) {
			ASSERT(part.seq == p.seq && part.sport == p.sport);
			ASSERT(part.payload.len <= p.payload.len);
			ASSERT(part.payload.len + part.cut == p.payload.len + p.cut);
		}
	}
	return 0;
}
