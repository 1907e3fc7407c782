/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: every link layer and header, and every cut of a frame.
 */
#include "proto/packet.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

struct frame {
	uint8_t octets[512];
	size_t len;
};

static void put(struct frame *f, const void *data, size_t n)
{
	assert_true(f->len + n <= sizeof(f->octets));
	memcpy(f->octets + f->len, data, n);
	f->len += n;
}

static void put_hex(struct frame *f, const char *hex)
{
	for (; *hex != '\0'; hex += *hex == ' ') {
		unsigned v = 0;
		for (int i = 0; i < 2; i++, hex++) {
			v = v * 16 + (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
		}
		put(f, &(uint8_t){(uint8_t)v}, 1);
	}
}

#define MACS "020000000001 020000000002 "
#define TCP_HEADER "9c40 0019 00000064 000000c8 5018 ffff 0000 0000 "
#define TCP_WITH_OPTIONS "9c40 0019 00000064 000000c8 7018 ffff 0000 0000 0101080a 00000000 "
#define V4(total, frag, proto) "4500 " total " 0000 " frag " 40" proto " 0000 c0000207 c6336419 "
#define V6(payload, next)                                                                          \
	"60000000 " payload " " next "40 "                                                         \
	"20010db8000000000000000000000007 20010db8000000000000000000000019 "

static struct str view(const struct frame *f)
{
	return (struct str){(const char *)f->octets, f->len};
}

static enum packet_out parse(enum link_type link, const char *hex, const char *payload,
			     struct packet *ret)
{
	struct frame f = {.len = 0};

	put_hex(&f, hex);
	put(&f, payload, strlen(payload));
	/* Exactly as large as the frame, so that a sanitizer sees every octet too far. */
	char *exact = malloc(f.len > 0 ? f.len : 1);
	assert_non_null(exact);
	memcpy(exact, f.octets, f.len);
	enum packet_out out = packet_parse(link, (struct str){exact, f.len}, f.len, ret);
	if (out == PACKET_TCP && ret->payload.len > 0) {
		assert_int_equal(ret->sport, 0x9c40);
		assert_int_equal(ret->dport, 25);
		assert_int_equal(ret->seq, 100);
		assert_int_equal(ret->ack, 200);
		assert_int_equal(ret->flags, 0x18);
		ret->payload.len = ret->payload.len == strlen(payload) &&
						   memcmp(ret->payload.ptr, payload,
							  ret->payload.len) == 0
					   ? ret->payload.len
					   : 9999;
	}
	free(exact);
	return out;
}

static void every_link_layer(void **state)
{
	(void)state;
	static const struct {
		enum link_type link;
		const char *hex;
		uint16_t vlan;
	} rows[] = {
		{LINK_ETHERNET, MACS "0800 " V4("002b", "0000", "06") TCP_HEADER, PACKET_VLAN_NONE},
		{LINK_ETHERNET, MACS "8100 a007 0800 " V4("002b", "4000", "06") TCP_HEADER, 7},
		{LINK_ETHERNET, MACS "88a8 0064 8100 0007 86dd " V6("0017", "06") TCP_HEADER, 7},
		{LINK_ETHERNET,
		 MACS "9100 0064 9200 0001 8100 0002 8100 0003 0800 " V4("002b", "0000", "06")
			 TCP_HEADER,
		 3},
		{LINK_SLL,
		 "0000 0001 0006 0200000000010000 0800 " V4("002b", "0000", "06") TCP_HEADER,
		 PACKET_VLAN_NONE},
		{LINK_SLL2,
		 "86dd 0000 00000002 0001 00 06 0200000000010000 " V6("0017", "06") TCP_HEADER,
		 PACKET_VLAN_NONE},
		{LINK_NULL, "02000000 " V4("002b", "0000", "06") TCP_HEADER, PACKET_VLAN_NONE},
		{LINK_LOOP, "0000001c " V6("0017", "06") TCP_HEADER, PACKET_VLAN_NONE},
		{LINK_RAW, V4("002b", "0000", "06") TCP_HEADER, PACKET_VLAN_NONE},
		{LINK_RAW, V6("0017", "06") TCP_HEADER, PACKET_VLAN_NONE},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct packet p;
		assert_int_equal(parse(rows[i].link, rows[i].hex, "abc", &p), PACKET_TCP);
		assert_int_equal(p.payload.len, 3);
		assert_int_equal(p.vlan, rows[i].vlan);
		assert_int_equal(p.cut, 0);
	}
}

static void extension_headers_and_options(void **state)
{
	(void)state;
	struct packet p;
	char text[ADDR_TEXT_SIZE];

	/* hop by hop, destination options, routing, an atomic fragment, AH */
	assert_int_equal(
		parse(LINK_RAW,
		      V6("004f", "00") "3c00010400000000 2b00010400000000 2c00000000000000 "
				       "3300000000000001 0604000000000001 00000002aabbccdd "
				       "00000000 00000000 " TCP_HEADER,
		      "abc", &p),
		PACKET_TCP);
	assert_int_equal(p.payload.len, 3);
	assert_string_equal(addr_format(&p.src, text), "2001:db8::7");
	/* Payload length 0 is a jumbo packet. */
	assert_int_equal(
		parse(LINK_RAW, V6("0000", "00") "0600c20400000017 " TCP_HEADER, "abc", &p),
		PACKET_TCP);
	assert_int_equal(p.payload.len, 3);
	/* IPv4 and TCP options, and a total length that was still to be filled in */
	assert_int_equal(
		parse(LINK_RAW,
		      "4600 0037 0000 0000 40 06 0000 c0000207 c6336419 01010101 " TCP_WITH_OPTIONS,
		      "abc", &p),
		PACKET_TCP);
	assert_int_equal(p.payload.len, 3);
	assert_int_equal(parse(LINK_RAW, V4("0000", "0000", "06") TCP_HEADER, "abc", &p),
			 PACKET_TCP);
	assert_int_equal(p.payload.len, 3);
	assert_string_equal(addr_format(&p.dst, text), "198.51.100.25");
}

static void what_is_not_ours(void **state)
{
	(void)state;
	static const struct {
		enum packet_out out;
		enum link_type link;
		const char *hex;
	} rows[] = {
		{PACKET_OTHER, LINK_ETHERNET, MACS "0806 0001 0800"},
		{PACKET_OTHER, LINK_RAW, V4("001c", "0000", "11") "0035 0035 0008 0000"},
		{PACKET_OTHER, LINK_RAW, V6("0008", "3a") "8000000000000000"},
		{PACKET_OTHER, LINK_RAW, "00"},
		{PACKET_FRAGMENT, LINK_RAW, V4("002b", "2000", "06") TCP_HEADER},
		{PACKET_FRAGMENT, LINK_RAW, V4("002b", "0010", "06") TCP_HEADER},
		{PACKET_FRAGMENT, LINK_RAW, V6("001f", "2c") "0600000100000001 " TCP_HEADER},
		{PACKET_BAD, LINK_ETHERNET,
		 MACS "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 0800 " V4(
			 "002b", "0000", "06") TCP_HEADER},
		{PACKET_BAD, LINK_RAW,
		 V4("00ff", "0000", "06") TCP_HEADER}, /* longer than the frame */
		{PACKET_BAD, LINK_RAW,
		 V4("0010", "0000", "06") TCP_HEADER}, /* shorter than itself */
		{PACKET_BAD, LINK_RAW, V6("00ff", "06") TCP_HEADER},
		{PACKET_BAD, LINK_RAW,
		 V4("002b", "0000", "06") "9c40001900000064000000c84018ffff00000000"},
		{PACKET_BAD, LINK_RAW,
		 V4("002b", "0000", "06") "9c40001900000064000000c8f018ffff00000000"},
		{PACKET_BAD, LINK_RAW, V6("0080", "00") "00ff000000000000 " TCP_HEADER},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct packet p;
		assert_int_equal(parse(rows[i].link, rows[i].hex, "abc", &p), rows[i].out);
	}
}

/* A capture that kept less than the frame: what is missing is told; within headers it is bad. */
static void every_cut_is_told(void **state)
{
	(void)state;
	struct frame f = {.len = 0};

	put_hex(&f, MACS "8100 0007 86dd " V6("001f", "00") "0600010400000000 " TCP_HEADER);
	put(&f, "abc", 3);
	for (size_t n = 0; n <= f.len; n++) {
		struct packet p = {.cut = 77};
		char *exact = malloc(n > 0 ? n : 1);
		assert_non_null(exact);
		memcpy(exact, f.octets, n);
		enum packet_out out = packet_parse(LINK_ETHERNET, (struct str){exact, n}, f.len,
						   &p);
		free(exact);
		assert_int_equal(out, n + 3 >= f.len ? PACKET_TCP : PACKET_BAD);
		assert_int_equal(p.cut, out == PACKET_TCP ? f.len - n : 77);
	}
	/* Padding of a short frame is not payload. */
	size_t len = f.len;
	put_hex(&f, "0000 0000");
	struct packet p;
	assert_int_equal(packet_parse(LINK_ETHERNET, view(&f), f.len, &p), PACKET_TCP);
	assert_int_equal(p.payload.len, 3);
	f.len = len;
	assert_int_equal(packet_parse(LINK_ETHERNET, view(&f), PACKET_WIRE_MAX + 1, &p),
			 PACKET_BAD);
}

static void link_types_have_numbers(void **state)
{
	(void)state;
	assert_int_equal(link_type_of(1), LINK_ETHERNET);
	assert_int_equal(link_type_of(113), LINK_SLL);
	assert_int_equal(link_type_of(276), LINK_SLL2);
	assert_int_equal(link_type_of(0), LINK_NULL);
	assert_int_equal(link_type_of(108), LINK_LOOP);
	assert_int_equal(link_type_of(12), LINK_RAW);
	assert_int_equal(link_type_of(101), LINK_RAW);
	assert_int_equal(link_type_of(105), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_layer),
		cmocka_unit_test(extension_headers_and_options),
		cmocka_unit_test(what_is_not_ours),
		cmocka_unit_test(every_cut_is_told),
		cmocka_unit_test(link_types_have_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
