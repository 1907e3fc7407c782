/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_nl: netlink messages as they are written, and hostile ones as they are read; the packets
 * of poke.
 */
#include "enforce/nl.h"
#include "enforce/poke.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

struct seen {
	size_t count;
	struct nl_reply last;
};

static void see(void *ctx, const struct nl_reply *r)
{
	struct seen *s = ctx;

	s->count++;
	s->last = *r;
}

static struct nl_batch *make(void)
{
	struct nl_batch *b = nl_batch_new();

	assert_non_null(b);
	nl_batch_begin(b, NULL, false);
	nl_msg(b, NFT_MSG_NEWTABLE, 0);
	nl_put_cstr(b, NFTA_TABLE_NAME, "postern");
	size_t nest = nl_nest(b, NFTA_TABLE_USERDATA);
	nl_put_u32(b, 1, 0x01020304);
	nl_put_u64(b, 2, 0x0102030405060708);
	nl_nest_end(b, nest);
	nl_msg(b, NFT_MSG_DELTABLE, 0);
	nl_put_u8(b, 3, 7);
	assert_int_equal(nl_batch_end(b), 0);
	return b;
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	struct nl_batch *b = make();
	struct seen s = {0};
	struct nl_attr a;

	assert_int_equal(nl_parse(buf_str(&b->out), see, &s), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.last.type, NFT_MSG_DELTABLE);
	assert_true(nl_attr_next(&s.last.attrs, &a));
	assert_int_equal(a.type, 3);
	assert_int_equal(a.data.len, 1);
	assert_false(nl_attr_next(&s.last.attrs, &a));
	nl_batch_free(b);
}

static void see_first(void *ctx, const struct nl_reply *r)
{
	struct seen *s = ctx;

	if (s->count++ == 0) {
		struct str nest = nl_attr_find(r->attrs, NFTA_TABLE_USERDATA);
		assert_int_equal(nl_attr_uint(nl_attr_find(nest, 1)), 0x01020304);
		assert_int_equal(nl_attr_uint(nl_attr_find(nest, 2)), 0x0102030405060708);
		assert_null(nl_attr_find(nest, 9).ptr);
	}
}

static void nests_and_numbers(void **state)
{
	(void)state;
	struct nl_batch *b = make();
	struct seen s = {0};

	assert_int_equal(nl_parse(buf_str(&b->out), see_first, &s), 0);
	nl_batch_free(b);
}

static void any_cut_is_survived(void **state)
{
	(void)state;
	struct nl_batch *b = make();

	for (size_t cut = 0; cut <= b->out.len; cut++) {
		struct seen s = {0};
		int r = nl_parse(str_head(buf_str(&b->out), cut), see, &s);
		assert_true(r == 0 || r == -EBADMSG);
		assert_true(s.count <= 2);
	}
	nl_batch_free(b);
}

/* As a signed number this length is small. */
static void a_length_beyond_all_is_refused(void **state)
{
	(void)state;
	static const uint32_t datagram[4] = {0x95959595, 0, 0, 0};
	struct seen s = {0};

	assert_int_equal(nl_parse((struct str){(const char *)datagram, 16}, see, &s), -EBADMSG);
	assert_int_equal(s.count, 0);
}

static void what_does_not_fit_is_an_error(void **state)
{
	(void)state;
	static const char large[60000];
	struct nl_batch *b = nl_batch_new();

	assert_non_null(b);
	nl_batch_begin(b, NULL, true);
	nl_msg(b, NFT_MSG_NEWTABLE, 0);
	nl_put(b, 1, large, sizeof(large));
	nl_put(b, 2, large, sizeof(large));
	nl_put_u8(b, 3, 1);
	assert_int_equal(nl_batch_end(b), -EMSGSIZE);
	nl_batch_begin(b, NULL, true); /* and the next batch is a new one */
	nl_msg(b, NFT_MSG_NEWTABLE, 0);
	assert_int_equal(nl_batch_end(b), 0);
	nl_batch_free(b);
}

static void poke_packets_are_right(void **state)
{
	(void)state;
	/* Checksums by hand: the sum over pseudo header and segment, checksum included, is 0xffff.
	 */
	const uint8_t c4[4] = {192, 0, 2, 20};
	const uint8_t s4[4] = {198, 51, 100, 25};
	struct poke_flow f = {.client = addr_v4(c4),
			      .server = addr_v4(s4),
			      .client_port = 40000,
			      .server_port = 25};
	uint8_t p[POKE_PACKET_MAX];
	uint32_t sum = 6 + 20;

	assert_int_equal(poke_packet(&f, false, p), 40);
	assert_int_equal(p[0], 0x45);
	assert_memory_equal(p + 12, c4, 4);
	assert_memory_equal(p + 16, s4, 4);
	assert_int_equal(p[22] << 8 | p[23], 25);
	assert_int_equal(p[33], 0x02); /* SYN alone */
	for (size_t i = 12; i < 40; i += 2) {
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	}
	assert_int_equal((sum & 0xFFFF) + (sum >> 16), 0xFFFF);
	assert_int_equal(poke_packet(&f, true, p), 40);
	assert_memory_equal(p + 12, s4, 4);
	assert_int_equal(p[20] << 8 | p[21], 25);
	f.server.family = 6;
	assert_int_equal(poke_packet(&f, false, p), 0);
	f.client.family = 6;
	assert_int_equal(poke_packet(&f, false, p), 60);
	assert_int_equal(p[0], 0x60);
	assert_int_equal(p[6], 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(nests_and_numbers),
		cmocka_unit_test(any_cut_is_survived),
		cmocka_unit_test(a_length_beyond_all_is_refused),
		cmocka_unit_test(what_does_not_fit_is_an_error),
		cmocka_unit_test(poke_packets_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
