/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_filter: the program run here, by an interpreter of classic BPF, over frames of every kind.
 */
#include "daemon/tap/port_filter.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static struct port_filter filter;

static uint32_t at(const uint8_t *p, size_t len, size_t i, size_t n)
{
	uint32_t v = 0;

	for (size_t k = 0; k < n; k++) {
		v = v << 8 | (i + k < len ? p[i + k] : 0);
	}
	return v;
}

/* As the kernel does it: a load outside of the frame leaves it. */
static bool run(const uint8_t *p, size_t len)
{
	uint32_t a = 0;
	uint32_t x = 0;

	for (size_t pc = 0; pc < filter.len; pc++) {
		const struct sock_filter *f = &filter.code[pc];
		size_t n = BPF_SIZE(f->code) == BPF_B ? 1 : 2;
		size_t from = f->k + (BPF_MODE(f->code) == BPF_IND ? x : 0);
		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			if (from + n > len) {
				return false;
			}
			a = at(p, len, from, n);
			break;
		case BPF_LDX:
			if (f->k >= len) {
				return false;
			}
			x = (p[f->k] & 15U) * 4;
			break;
		case BPF_ALU:
			a &= f->k;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA) {
				pc += f->k;
			} else {
				bool yes = BPF_OP(f->code) == BPF_JSET ? (a & f->k) != 0
								       : a == f->k;
				pc += yes ? f->jt : f->jf;
			}
			break;
		default:
			return f->k != 0;
		}
	}
	fail_msg("the program has no end");
	return false;
}

struct frame {
	uint8_t octets[200];
	size_t len;
};

static void add(struct frame *f, const void *data, size_t n)
{
	memcpy(f->octets + f->len, data, n);
	f->len += n;
}

static void add16(struct frame *f, unsigned v)
{
	add(f, &(uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void tcp(struct frame *f, unsigned sport, unsigned dport)
{
	add16(f, sport);
	add16(f, dport);
	add(f, (uint8_t[16]){0}, 16);
}

static void ipv4(struct frame *f, unsigned options, unsigned proto, unsigned frag)
{
	uint8_t h[60] = {(uint8_t)(0x45 + options)};

	h[6] = (uint8_t)(frag >> 8);
	h[7] = (uint8_t)frag;
	h[9] = (uint8_t)proto;
	add(f, h, 20 + options * 4);
}

static void ipv6(struct frame *f, unsigned next)
{
	uint8_t h[40] = {0x60};

	h[6] = (uint8_t)next;
	add(f, h, sizeof(h));
}

static struct frame ethernet(unsigned tags, unsigned type)
{
	static const unsigned tag_types[] = {0x88A8, 0x8100, 0x8100};
	struct frame f = {.len = 12};

	for (unsigned i = 0; i < tags; i++) {
		add16(&f, tag_types[i]);
		add16(&f, 7);
	}
	add16(&f, type);
	return f;
}

static void frames_of_every_kind(void **state)
{
	(void)state;
	static const uint16_t ports[] = {25, 465, 2525};
	static const struct {
		unsigned sport;
		unsigned dport;
		bool passes;
	} rows[] = {{40000, 25, true}, {25, 40000, true},  {1, 2525, true},
		    {465, 9, true},    {40000, 80, false}, {26, 24, false}};

	port_filter_make(&filter, ports, COUNT_OF(ports), false);
	assert_in_range(filter.len, 1, PORT_FILTER_SIZE_MAX);
	for (unsigned tags = 0; tags <= 3; tags++) {
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			bool want = rows[i].passes && tags <= 2;
			struct frame f = ethernet(tags, 0x0800);
			ipv4(&f, (unsigned)i % 3, 6, 0x4000);
			tcp(&f, rows[i].sport, rows[i].dport);
			assert_int_equal(run(f.octets, f.len), want);
			f = ethernet(tags, 0x86DD);
			ipv6(&f, 6);
			tcp(&f, rows[i].sport, rows[i].dport);
			assert_int_equal(run(f.octets, f.len), want);
		}
	}
}

static void what_must_be_walked_passes(void **state)
{
	(void)state;
	static const uint16_t ports[] = {25};
	static const unsigned extensions[] = {0, 43, 44, 51, 60, 135};
	struct frame f;

	port_filter_make(&filter, ports, 1, false);
	for (size_t i = 0; i < COUNT_OF(extensions); i++) {
		f = ethernet(1, 0x86DD);
		ipv6(&f, extensions[i]);
		tcp(&f, 1, 2);
		assert_true(run(f.octets, f.len));
	}
	f = ethernet(0, 0x0800);
	ipv4(&f, 0, 6, 0x00B9);
	assert_true(run(f.octets, f.len));
	f = ethernet(0, 0x0800);
	ipv4(&f, 0, 17, 0);
	tcp(&f, 25, 25); /* UDP */
	assert_false(run(f.octets, f.len));
	f = ethernet(0, 0x86DD);
	ipv6(&f, 58);
	tcp(&f, 25, 25);
	assert_false(run(f.octets, f.len));
	f = ethernet(0, 0x0806);
	tcp(&f, 25, 25);
	assert_false(run(f.octets, f.len));
}

static void raw_ip_and_many_ports(void **state)
{
	(void)state;
	uint16_t ports[PORT_FILTER_PORTS_MAX + 1];
	struct frame f = {.len = 0};

	for (size_t i = 0; i < COUNT_OF(ports); i++) {
		ports[i] = (uint16_t)(1000 + i);
	}
	port_filter_make(&filter, ports, PORT_FILTER_PORTS_MAX, true);
	ipv4(&f, 0, 6, 0);
	tcp(&f, 1, 1000 + PORT_FILTER_PORTS_MAX - 1);
	assert_true(run(f.octets, f.len));
	f.len = 0;
	ipv6(&f, 6);
	tcp(&f, 1, 1000 + PORT_FILTER_PORTS_MAX);
	assert_false(run(f.octets, f.len));
	/* More than fit: better all than some. */
	port_filter_make(&filter, ports, COUNT_OF(ports), false);
	f = ethernet(2, 0x86DD);
	ipv6(&f, 6);
	tcp(&f, 1, 2);
	assert_true(run(f.octets, f.len));
	port_filter_make(&filter, ports, PORT_FILTER_PORTS_MAX, false);
	assert_in_range(filter.len, 1, PORT_FILTER_SIZE_MAX);
	/* Short frames are left. */
	for (size_t n = 0; n < 20; n++) {
		assert_false(run(f.octets, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_every_kind),
		cmocka_unit_test(what_must_be_walked_passes),
		cmocka_unit_test(raw_ip_and_many_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
