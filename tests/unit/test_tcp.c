/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp: one conversation in every disorder gives one transcript.
 */
#include "base/buf.h"
#include "base/prng.h"
#include "proto/tcp.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define CLIENT_ISN 0xFFFFFF00U /* wraps within the conversation */
#define SERVER_ISN 0x7FFFFFF0U

static const char *const close_names[] = {"fin", "rst", "timeout", "open"};

struct watch {
	struct tcp *tcp;
	struct buf said;
	struct tcp_flow *flow; /* the newest */
	int64_t now_ms;
	char last;
	bool is_quiet; /* of handshakes */
};

/* Octets of a side, joined as long as nothing else happens. */
static void said(struct watch *w, char tag, struct str text)
{
	if (w->last != tag || (tag != 'c' && tag != 's')) {
		buf_add_char(&w->said, '|');
		buf_add_char(&w->said, tag);
		buf_add_char(&w->said, ':');
	}
	buf_add(&w->said, text);
	w->last = tag;
}

static void opened(void *ctx, struct tcp_flow *f)
{
	struct watch *w = ctx;
	w->flow = f;
	f->user = w;
}

static void established(void *ctx, struct tcp_flow *f)
{
	struct watch *w = ctx;
	(void)f;
	if (!w->is_quiet) {
		said(w, 'E', STR_EMPTY);
	}
}

static void tried(void *ctx, struct tcp_flow *f)
{
	(void)f;
	said(ctx, 'T', STR_EMPTY);
}

/* The client has the port over 1024. */
static char tag_of(const struct tcp_flow *f, int side, const char *tags)
{
	return f->key.port[side] > 1024 ? tags[0] : tags[1];
}

static void data(void *ctx, struct tcp_flow *f, int side, struct str bytes)
{
	said(ctx, tag_of(f, side, "cs"), bytes);
}

static void gap(void *ctx, struct tcp_flow *f, int side, uint32_t n)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", (unsigned)n);
	said(ctx, tag_of(f, side, "gh"), str_of(text));
}

static void closed(void *ctx, struct tcp_flow *f, enum tcp_close how)
{
	(void)f;
	said(ctx, 'X', str_of(close_names[how]));
}

static const struct tcp_ops ops = {opened, established, tried, data, gap, closed};

static void watch_begin_sized(struct watch *w, size_t flows_max, uint32_t half_max,
			      size_t bytes_max)
{
	const struct tcp_conf conf = {.flows_max = flows_max,
				      .bytes_max = bytes_max,
				      .half_max = half_max,
				      .idle_s = 600,
				      .lateness_ms = 1000,
				      .key = {1, 2}};
	*w = (struct watch){.now_ms = 1000000};
	buf_init(&w->said, 1 << 20);
	w->tcp = tcp_new(&conf, &ops, w);
	assert_non_null(w->tcp);
}

static void watch_begin(struct watch *w, size_t flows_max, uint32_t half_max)
{
	watch_begin_sized(w, flows_max, half_max, 1 << 20);
}

static void watch_end(struct watch *w)
{
	tcp_end(w->tcp);
	assert_int_equal(tcp_flow_count(w->tcp), 0);
	tcp_free(w->tcp);
	buf_done(&w->said);
}

static void check(struct watch *w, const char *want)
{
	const char *got = buf_cstr(&w->said);
	assert_non_null(got);
	assert_string_equal(got, want);
}

struct seg {
	bool from_client;
	uint8_t flags;
	uint32_t seq; /* from the first octet: 0 is after the SYN */
	uint32_t ack;
	const char *text;
	uint32_t cut;
};

static void feed_from(struct watch *w, const struct seg *s, uint16_t port, bool trusted)
{
	static const uint8_t client[4] = {192, 0, 2, 7};
	static const uint8_t server[4] = {198, 51, 100, 25};
	uint32_t isn[2] = {SERVER_ISN + 1, CLIENT_ISN + 1};
	const struct packet p = {
		.src = addr_v4(s->from_client ? client : server),
		.dst = addr_v4(s->from_client ? server : client),
		.sport = s->from_client ? port : 25,
		.dport = s->from_client ? 25 : port,
		.vlan = PACKET_VLAN_NONE,
		.flags = s->flags,
		.seq = isn[s->from_client] + s->seq - ((s->flags & TCP_SYN) != 0),
		.ack = isn[!s->from_client] + s->ack,
		.payload = str_of(s->text),
		.cut = s->cut,
	};
	const struct tcp_arrival at = {.time = {w->now_ms * NS_PER_MS}, .trusted = trusted};
	tcp_step(w->tcp, &p, &at);
}

static void feed(struct watch *w, const struct seg *s)
{
	w->now_ms += 1;
	feed_from(w, s, 40000, false);
}

static void feed_all(struct watch *w, const struct seg *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		feed(w, &s[i]);
	}
}

#define A TCP_ACK
#define HANDSHAKE                                                                                  \
	{true, TCP_SYN, 0, 0, "", 0}, {false, TCP_SYN | A, 0, 0, "", 0},                           \
	{                                                                                          \
		true, A, 0, 0, "", 0                                                               \
	}

static const struct seg plain[] = {
	HANDSHAKE,
	{false, A, 0, 0, "220 hi\r\n", 0},
	{true, A, 0, 8, "EHLO a\r\n", 0},
	{false, A, 8, 8, "250 ok\r\n", 0},
	{true, A, 8, 16, "MAIL 1\r\nRCPT 2\r\n", 0},
	{false, A, 16, 24, "250 1\r\n250 2\r\n", 0},
	{true, A | TCP_FIN, 24, 30, "QUIT\r\n", 0},
	{false, A | TCP_FIN, 30, 31, "221 bye\r\n", 0},
	{true, A, 31, 40, "", 0},
};
#define PLAIN_SAID "|E:" PLAIN_TALK
#define PLAIN_TALK                                                                                 \
	"|s:220 hi\r\n|c:EHLO a\r\n|s:250 ok\r\n|c:MAIL 1\r\nRCPT 2\r\n|s:250 1\r\n250 2\r\n"      \
	"|c:QUIT\r\n|s:221 bye\r\n|X:fin"

static void in_order_passes_through(void **state)
{
	(void)state;
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, plain, COUNT_OF(plain));
	check(&w, PLAIN_SAID);
	assert_int_equal(w.flow->half[0].lost + w.flow->half[1].lost, 0);
	watch_end(&w);
}

/* Cut into any pieces, doubled, and mixed within what a mirror port mixes. */
static size_t disorder(struct prng *rng, struct seg *out, char (*texts)[32], size_t max)
{
	size_t n = 0;
	size_t handshake = 0;

	for (size_t i = 0; i < COUNT_OF(plain); i++) {
		struct seg s = plain[i];
		handshake = i == 3 ? n : handshake;
		size_t len = strlen(s.text);
		size_t done = 0;
		do {
			size_t part = len - done;
			if (part > 1 && prng_below(rng, 2) == 0) {
				part = 1 + prng_below(rng, (uint32_t)part);
			}
			snprintf(texts[n], 32, "%.*s", (int)part, s.text + done);
			out[n] = s;
			out[n].text = texts[n];
			out[n].seq = s.seq + (uint32_t)done;
			done += part;
			if (done < len) {
				out[n].flags &= (uint8_t)~TCP_FIN;
			}
			n++;
			if (prng_below(rng, 4) == 0) {
				out[n] = out[n - 1];
				n++;
			}
			assert_true(n + 2 < max);
		} while (done < len);
	}
	/* The handshake stays: joining in the middle is another test. */
	for (size_t i = handshake; i + 1 < n; i++) {
		size_t j = i + prng_below(rng, 3);
		if (j < n) {
			struct seg keep = out[i];
			out[i] = out[j];
			out[j] = keep;
		}
	}
	return n;
}

static void any_disorder_gives_the_same(void **state)
{
	(void)state;
	struct seg segs[256];
	char texts[256][32];

	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct prng rng = {seed};
		struct watch w;
		watch_begin(&w, 4, 65536);
		w.is_quiet = true; /* its last ACK may come anywhere */
		size_t n = disorder(&rng, segs, texts, COUNT_OF(segs));
		feed_all(&w, segs, n);
		w.now_ms += 5000;
		tcp_tick(w.tcp, (struct wall){w.now_ms * NS_PER_MS});
		check(&w, PLAIN_TALK);
		watch_end(&w);
	}
}

static void what_was_acknowledged_is_a_gap(void **state)
{
	(void)state;
	static const struct seg segs[] = {
		HANDSHAKE,
		{false, A, 0, 0, "220 hi\r\n", 0},
		/* EHLO (8) was not captured */
		{false, A, 8, 8, "250 ok\r\n", 0},
		{true, A, 8, 16, "MAIL 1\r\n", 0},
	};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, segs, COUNT_OF(segs));
	check(&w, "|E:|s:220 hi\r\n"); /* it may still come */
	w.now_ms += 1001;
	tcp_tick(w.tcp, (struct wall){w.now_ms * NS_PER_MS});
	check(&w, "|E:|s:220 hi\r\n|g:8|s:250 ok\r\n|c:MAIL 1\r\n");
	assert_int_equal(tcp_counts(w.tcp)->lost, 8);
	watch_end(&w);
}

static void a_hole_nobody_acknowledged_waits(void **state)
{
	(void)state;
	static const struct seg lost[] = {HANDSHAKE, {true, A, 4, 0, "5678", 0}};
	static const struct seg again = {true, A, 0, 0, "12345678", 0};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, lost, COUNT_OF(lost));
	w.now_ms += 30000;
	feed(&w, &again);
	check(&w, "|E:|c:12345678");
	assert_int_equal(tcp_counts(w.tcp)->lost, 0);
	watch_end(&w);

	/* At the end it is dropped: it never reached the far side. */
	watch_begin(&w, 4, 65536);
	feed_all(&w, lost, COUNT_OF(lost));
	tcp_end(w.tcp);
	check(&w, "|E:|X:open");
	watch_end(&w);
}

static void the_first_octets_stay(void **state)
{
	(void)state;
	static const struct seg segs[] = {
		HANDSHAKE,
		{true, A, 0, 0, "abcd", 0},
		{true, A, 2, 0, "XXef", 0}, /* overlaps what was delivered */
		{true, A, 8, 0, "ij", 0},
		{true, A, 6, 0, "ghZZkl", 0}, /* and what waits */
	};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, segs, COUNT_OF(segs));
	check(&w, "|E:|c:abcdefghijkl");
	assert_int_equal(tcp_counts(w.tcp)->repeated, 4);
	watch_end(&w);
}

static void one_side_alone(void **state)
{
	(void)state;
	static const struct seg client[] = {
		{true, TCP_SYN, 0, 0, "", 0},       {true, A, 0, 0, "", 0},
		{true, A, 0, 8, "EHLO a\r\n", 0},   {true, A, 12, 20, "RCPT\r\n", 0},
		{true, A | TCP_FIN, 18, 40, "", 0},
	};
	static const struct seg server[] = {
		{false, TCP_SYN | A, 0, 0, "", 0},
		{false, A, 0, 0, "220 hi\r\n", 0},
		{false, A | TCP_FIN, 8, 20, "221\r\n", 0},
	};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, client, COUNT_OF(client));
	assert_int_equal(tcp_acked(w.flow, w.flow->opener), 0);
	tcp_end(w.tcp);
	check(&w, "|c:EHLO a\r\n|g:4|c:RCPT\r\n|X:fin");
	watch_end(&w);

	watch_begin(&w, 4, 65536);
	feed_all(&w, server, COUNT_OF(server));
	tcp_end(w.tcp);
	check(&w, "|s:220 hi\r\n221\r\n|X:fin");
	watch_end(&w);
}

static void joined_in_the_middle(void **state)
{
	(void)state;
	static const struct seg segs[] = {
		{true, A, 1000, 500, "MAIL\r\n", 0},
		{false, A, 500, 1006, "250\r\n", 0},
		{false, TCP_RST, 505, 0, "", 0},
		{true, A, 1006, 505, "late", 0},
	};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, segs, COUNT_OF(segs));
	check(&w, "|c:MAIL\r\n|s:250\r\n|X:rst");
	watch_end(&w);
}

static void a_reset_must_fit(void **state)
{
	(void)state;
	static const struct seg segs[] = {
		HANDSHAKE,
		{true, TCP_RST, 0x50000000, 0, "", 0},
		{true, A, 0, 0, "on\r\n", 0},
	};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, segs, COUNT_OF(segs));
	check(&w, "|E:|c:on\r\n");
	assert_int_equal(tcp_counts(w.tcp)->odd, 1);
	watch_end(&w);
}

static void attempts_are_told_once(void **state)
{
	(void)state;
	static const struct seg syn = {true, TCP_SYN, 0, 0, "", 0};
	static const struct seg refusal = {false, TCP_RST | A, 0, 0, "", 0};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed(&w, &syn);
	feed(&w, &refusal);
	check(&w, "|T:|X:rst");
	w.last = 0;
	buf_clear(&w.said);
	/* The port is used again at once, and nobody answers. */
	feed(&w, &syn);
	w.now_ms += 2000;
	feed(&w, &syn);
	check(&w, "");
	w.now_ms += 2000;
	feed(&w, &syn);
	check(&w, "|T:");
	w.now_ms += 71000;
	tcp_tick(w.tcp, (struct wall){w.now_ms * NS_PER_MS});
	check(&w, "|T:|X:timeout");
	watch_end(&w);
}

static void a_forged_syn_changes_nothing(void **state)
{
	(void)state;
	static const struct seg segs[] = {
		HANDSHAKE,
		{true, A, 0, 0, "one ", 0},
		{true, TCP_SYN, 500000, 0, "", 0},
		{true, A, 4, 0, "two", 0},
	};
	/* But an answered one is a new connection. */
	static const struct seg anew = {false, TCP_SYN | A, 900, 500000, "", 0};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, segs, COUNT_OF(segs));
	check(&w, "|E:|c:one two");
	feed(&w, &segs[4]);
	feed(&w, &anew);
	feed(&w, &(struct seg){true, A, 500000, 900, "new", 0});
	check(&w, "|E:|c:one two|X:timeout|E:|c:new");
	watch_end(&w);
}

static void a_trusted_side_takes_no_strangers(void **state)
{
	(void)state;
	static const struct seg hand[] = {HANDSHAKE};
	static const struct seg spam = {true, A, 0, 0, "SPAM", 0};
	static const struct seg mail = {true, A, 0, 0, "mail", 0};
	struct watch w;

	watch_begin(&w, 4, 65536);
	for (size_t i = 0; i < COUNT_OF(hand); i++) {
		feed_from(&w, &hand[i], 40000, hand[i].from_client);
	}
	feed_from(&w, &spam, 40000, false);
	feed_from(&w, &mail, 40000, true);
	check(&w, "|E:|c:mail");
	assert_int_equal(tcp_counts(w.tcp)->foreign, 1);
	watch_end(&w);
}

/* What waited or was said of an end before the first trusted frame may have been forged. */
static void trust_takes_nothing_of_before(void **state)
{
	(void)state;
	static const struct seg hand[] = {HANDSHAKE};
	static const struct seg forged[] = {
		{true, A, 4, 0, "SPAM", 0},
		{true, A | TCP_FIN, 8, 0, "", 0},
		{true, A | TCP_RST, 8, 0, "", 0},
	};
	static const struct seg mail = {true, A, 0, 0, "mail", 0};
	static const struct seg reply = {false, A, 0, 4, "250", 0};
	struct watch w;

	watch_begin(&w, 4, 65536);
	for (size_t i = 0; i < COUNT_OF(hand); i++) {
		feed_from(&w, &hand[i], 40000, false);
	}
	for (size_t i = 0; i < COUNT_OF(forged); i++) {
		feed_from(&w, &forged[i], 40000, false);
	}
	feed_from(&w, &mail, 40000, true);
	feed_from(&w, &reply, 40000, false);
	check(&w, "|E:|c:mail|s:250");
	watch_end(&w);
}

static void cut_frames_are_gaps_at_once(void **state)
{
	(void)state;
	static const struct seg segs[] = {
		HANDSHAKE,
		{true, A, 0, 0, "MAIL", 100},
		{true, A, 104, 0, "RCPT", 50},
		{true, A, 158, 0, "DATA", 0},
	};
	struct watch w;

	watch_begin(&w, 4, 65536);
	feed_all(&w, segs, COUNT_OF(segs));
	check(&w, "|E:|c:MAIL|g:100|c:RCPT|g:50|c:DATA");
	watch_end(&w);
}

static void memory_is_bounded(void **state)
{
	(void)state;
	struct watch w;

	watch_begin(&w, 4, 8192);
	static const struct seg hand[] = {HANDSHAKE};
	feed_all(&w, hand, COUNT_OF(hand));
	for (uint32_t i = 0; i < 1000; i++) {
		/* every second octet only, backwards and forwards */
		uint32_t at = i % 2 == 0 ? i : 2000 - i;
		feed(&w, &(struct seg){true, A, 1 + at * 2, 0, "x", 0});
		assert_true(w.flow->half[0].queue.bytes <= 8192);
		assert_true(w.flow->half[1].queue.bytes <= 8192);
	}
	watch_end(&w);
	/* A full table ends who has been idle longest. */
	watch_begin(&w, 4, 8192);
	for (uint16_t port = 0; port < 6; port++) {
		feed_from(&w, &(struct seg){true, A, 0, 0, "x", 0}, (uint16_t)(30000 + port),
			  false);
		assert_true(tcp_flow_count(w.tcp) <= 4);
	}
	assert_int_equal(tcp_counts(w.tcp)->evicted, 2);
	watch_end(&w);
}

/* What has no room is delivered up to there: nothing that is at hand is lost, and it ends. */
static void a_segment_without_room_is_delivered(void **state)
{
	(void)state;
	static const struct seg hand[] = {HANDSHAKE};
	const size_t piece = sizeof(struct tcp_piece) + 512;
	struct watch w;

	watch_begin_sized(&w, 4, 8192, 3 * piece);
	feed_from(&w, &(struct seg){true, A, 5, 0, "x", 0}, 40001, false);
	feed_from(&w, &(struct seg){true, A, 8, 0, "y", 0}, 40001, false);
	buf_clear(&w.said);
	feed_all(&w, hand, COUNT_OF(hand));
	feed(&w, &(struct seg){true, A, 10, 0, "KL", 0});
	/* Another knowledge of the other side, so that it gets pieces of its own. */
	feed(&w, &(struct seg){true, 0, 0, 0, "abcdefghijKLmnopqrst", 0});
	feed(&w, &(struct seg){false, A, 0, 20, "250", 0});
	check(&w, "|E:|c:abcdefghijKLmnopqrst|s:250");
	watch_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_passes_through),
		cmocka_unit_test(any_disorder_gives_the_same),
		cmocka_unit_test(what_was_acknowledged_is_a_gap),
		cmocka_unit_test(a_hole_nobody_acknowledged_waits),
		cmocka_unit_test(the_first_octets_stay),
		cmocka_unit_test(one_side_alone),
		cmocka_unit_test(joined_in_the_middle),
		cmocka_unit_test(a_reset_must_fit),
		cmocka_unit_test(attempts_are_told_once),
		cmocka_unit_test(a_forged_syn_changes_nothing),
		cmocka_unit_test(a_trusted_side_takes_no_strangers),
		cmocka_unit_test(trust_takes_nothing_of_before),
		cmocka_unit_test(cut_frames_are_gaps_at_once),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(a_segment_without_room_is_delivered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
