/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tcp: segments of a few flows in any order, with any numbers.
 *
 * Input: records of 8 octets (flow and side, flags, seq, ack, length, cut, time) whose payload is
 * made from the sequence number, so that what is delivered can be checked octet by octet.
 * Asserts: octets are those of their place in the stream, offsets only grow by what is said, a
 * flow is closed once, memory keeps its limits.
 */
#include "proto/tcp.h"

#include "base/assert.h"

#include <string.h>

#include "base/poison.h"

#define FLOWS_MAX 3
#define HALF_MAX 4096
#define BYTES_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct watch {
	struct tcp *tcp;
	unsigned open;
};

static char octet_of(uint32_t seq)
{
	return (char)(seq * 31 >> 3);
}

static void opened(void *ctx, struct tcp_flow *f)
{
	struct watch *w = ctx;

	w->open++;
	ASSERT(w->open <= FLOWS_MAX);
	f->user = w;
}

static void quiet(void *ctx, struct tcp_flow *f)
{
	ASSERT(f->user == ctx);
}

static void on_data(void *ctx, struct tcp_flow *f, int side, struct str bytes)
{
	const struct tcp_half *h = &f->half[side];

	ASSERT(f->user == ctx && bytes.len > 0);
	for (size_t i = 0; i < bytes.len; i++) {
		ASSERT(bytes.ptr[i] == octet_of(h->next + (uint32_t)i));
	}
	ASSERT((uint32_t)h->offset == h->next - h->base);
	ASSERT(tcp_acked(f, side) <= h->offset);
}

static void on_gap(void *ctx, struct tcp_flow *f, int side, uint32_t n)
{
	ASSERT(f->user == ctx && n > 0 && f->half[side].lost >= n);
}

static void on_closed(void *ctx, struct tcp_flow *f, enum tcp_close how)
{
	struct watch *w = ctx;

	ASSERT(f->user == ctx && how < TCP_CLOSE_COUNT && w->open > 0);
	w->open--;
}

static const struct tcp_ops ops = {opened, quiet, quiet, on_data, on_gap, on_closed};

static void feed(struct watch *w, const uint8_t r[8], int64_t *now_ms)
{
	static char payload[256];
	int side = r[0] & 1;
	unsigned flow = (r[0] >> 1) % 5;
	struct packet p = {
		.src = addr_v4((const uint8_t[]){192, 0, 2, (uint8_t)(side == 0 ? 7 : 25)}),
		.dst = addr_v4((const uint8_t[]){192, 0, 2, (uint8_t)(side == 0 ? 25 : 7)}),
		.sport = (uint16_t)(side == 0 ? 1000 + flow : 25),
		.dport = (uint16_t)(side == 0 ? 25 : 1000 + flow),
		.flags = r[1],
		.seq = 0xFFFFFF80U + (uint32_t)(side * 7 + r[2] * 4 + (r[6] >> 6)),
		.ack = 0xFFFFFF80U + (uint32_t)((!side) * 7 + r[3] * 4),
		.payload = {payload, (size_t)r[4]},
		.cut = r[5] % 16 == 0 ? r[5] : 0,
	};
	/* A far number now and then. */
	p.seq += r[6] % 32 == 31 ? 0x40000000U : 0;
	uint32_t first = p.seq + ((p.flags & TCP_SYN) != 0);
	for (size_t i = 0; i < p.payload.len; i++) {
		payload[i] = octet_of(first + (uint32_t)i);
	}
	*now_ms += r[7] < 250 ? r[7] : 700000;
	const struct tcp_arrival at = {.time = {*now_ms * NS_PER_MS}, .trusted = r[6] % 32 == 7};
	tcp_step(w->tcp, &p, &at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tcp_conf conf = {.flows_max = FLOWS_MAX,
				      .bytes_max = BYTES_MAX,
				      .half_max = HALF_MAX,
				      .idle_s = 600,
				      .lateness_ms = 1000,
				      .key = {1, 2}};
	struct watch w = {0};
	int64_t now_ms = 0;

	w.tcp = tcp_new(&conf, &ops, &w);
	if (w.tcp == NULL) {
		return 0;
	}
	for (; size >= 8; data += 8, size -= 8) {
		feed(&w, data, &now_ms);
		ASSERT(tcp_flow_count(w.tcp) <= FLOWS_MAX);
		size_t pos = 0;
		struct tcp_flow *f;
		while ((f = tcp_next(w.tcp, &pos)) != NULL) {
			ASSERT(f->half[0].queue.bytes <= HALF_MAX);
			ASSERT(f->half[1].queue.bytes <= HALF_MAX);
		}
	}
	tcp_end(w.tcp);
	ASSERT(w.open == 0 && tcp_flow_count(w.tcp) == 0);
	tcp_free(w.tcp);
	return 0;
}
