/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture: both formats in both byte orders, packed and not, whole and cut at every octet.
 */
#include "base/buf.h"
#include "capture/capture.h"
#include "proto/packet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static struct buf file;
static bool big;

static void u16(unsigned v)
{
	buf_add_char(&file, (char)(big ? v >> 8 : v));
	buf_add_char(&file, (char)(big ? v : v >> 8));
}

static void u32(uint32_t v)
{
	u16(big ? v >> 16 : v & 0xFFFF);
	u16(big ? v & 0xFFFF : v >> 16);
}

static void begin(bool is_big)
{
	big = is_big;
	buf_done(&file);
	buf_init(&file, 1 << 20);
}

static void pcap_header(uint32_t magic, uint32_t link)
{
	u32(magic);
	u16(2);
	u16(4);
	u32(0);
	u32(0);
	u32(65535);
	u32(link);
}

static void pcap_record(uint32_t s, uint32_t fraction, const char *text, uint32_t wire_len)
{
	u32(s);
	u32(fraction);
	u32((uint32_t)strlen(text));
	u32(wire_len);
	buf_add_cstr(&file, text);
}

static void ng_begin(uint32_t type, uint32_t len)
{
	u32(type);
	u32(len);
}

static void ng_section(void)
{
	ng_begin(0x0A0D0D0A, 28);
	u32(0x1A2B3C4D);
	u16(1);
	u16(0);
	u32(0xFFFFFFFF);
	u32(0xFFFFFFFF);
	u32(28);
}

static void ng_interface(unsigned link, int resolution)
{
	uint32_t len = resolution >= 0 ? 32 : 20;

	ng_begin(1, len);
	u16(link);
	u16(0);
	u32(0);
	if (resolution >= 0) {
		u16(9);
		u16(1);
		buf_add(&file, (struct str){(char[]){(char)resolution, 0, 0, 0}, 4});
		u32(0); /* end of options */
	}
	u32(len);
}

static void ng_packet(uint32_t interface, uint64_t time, const char *text, uint32_t wire_len)
{
	uint32_t n = (uint32_t)strlen(text);
	uint32_t padded = (n + 3) / 4 * 4;

	ng_begin(6, 32 + padded);
	u32(interface);
	u32((uint32_t)(time >> 32));
	u32((uint32_t)time);
	u32(n);
	u32(wire_len);
	buf_add_cstr(&file, text);
	buf_add(&file, (struct str){"\0\0\0", padded - n});
	u32(32 + padded);
}

static int open_str(struct str s, struct capture **ret, struct errmsg *err)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.ptr, s.len), s.len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return capture_open_fd(fd, ret, err);
}

/* Everything in it as text: "[time link octets/wire]" and the end. */
static void transcript(struct str s, char *ret, size_t size)
{
	struct capture *c = NULL;
	struct errmsg err;
	struct capture_frame f;
	size_t n = 0;
	int r = open_str(s, &c, &err);

	ret[0] = '\0';
	while (r >= 0) {
		r = capture_next(c, &f, &err);
		if (r != CAPTURE_FRAME) {
			break;
		}
		n += (size_t)snprintf(ret + n, size - n, "[%lld %d %.*s/%u]", (long long)f.time.ns,
				      f.link, STR_ARG(f.octets), f.wire_len);
	}
	assert_true(r == CAPTURE_END || r == -EBADMSG);
	snprintf(ret + n, size - n, r == CAPTURE_END ? "end" : "cut");
	capture_close(c);
}

static void check(const char *want)
{
	char got[1024];

	transcript(buf_str(&file), got, sizeof(got));
	assert_string_equal(got, want);
}

static void pcap_in_every_form(void **state)
{
	(void)state;
	for (int is_big = 0; is_big < 2; is_big++) {
		begin(is_big);
		pcap_header(0xA1B2C3D4, 1);
		pcap_record(10, 5, "abc", 3);
		pcap_record(11, 999999, "defg", 100);
		check("[10000005000 0 abc/3][11999999000 0 defg/100]end");
		begin(is_big);
		pcap_header(0xA1B23C4D, 0x10000000 | 113);
		pcap_record(10, 5, "abc", 3);
		check("[10000000005 1 abc/3]end");
		begin(is_big);
		pcap_header(0xA1B2C3D4, 147);
		pcap_record(0, 0, "", 0);
		check("[0 -1 /0]end");
	}
}

static void pcapng_in_every_form(void **state)
{
	(void)state;
	for (int is_big = 0; is_big < 2; is_big++) {
		begin(is_big);
		ng_section();
		ng_interface(1, -1);
		ng_interface(101, 9);
		ng_interface(276, 0x80 | 10);
		ng_packet(0, 10000005, "abc", 3);
		ng_packet(1, 10000000005, "defg", 100);
		ng_begin(0x0BAD, 16); /* a block nobody knows */
		u32(0);
		u32(16);
		ng_packet(2, 5 << 10 | 512, "h", 1);
		ng_begin(3, 20); /* a simple one takes the time of the one before */
		u32(4);
		buf_add_cstr(&file, "ijkl");
		u32(20);
		/* A second section, in the other byte order, with interfaces of its own. */
		big = !big;
		ng_section();
		ng_interface(113, 0);
		ng_packet(0, 7, "m", 1);
		check("[10000005000 0 abc/3][10000000005 5 defg/100][5500000000 2 h/1]"
		      "[5500000000 0 ijkl/4][7000000000 1 m/1]end");
	}
}

static void every_cut_gives_what_was_before_it(void **state)
{
	(void)state;
	char whole[1024];
	char part[1024];

	for (int ng = 0; ng < 2; ng++) {
		begin(false);
		if (ng == 1) {
			ng_section();
			ng_interface(1, -1);
			ng_packet(0, 1, "abcde", 5);
			ng_packet(0, 2, "fgh", 3);
		} else {
			pcap_header(0xA1B2C3D4, 1);
			pcap_record(0, 1, "abcde", 5);
			pcap_record(0, 2, "fgh", 3);
		}
		struct str all = buf_str(&file);
		transcript(all, whole, sizeof(whole));
		for (size_t n = 0; n < all.len; n++) {
			struct capture *c = NULL;
			struct errmsg err = {""};
			transcript(str_head(all, n), part, sizeof(part));
			/* What there is, is the beginning of the whole. */
			assert_memory_equal(part, whole, strlen(part) - 3);
			if (n < 24) {
				assert_int_equal(open_str(str_head(all, n), &c, &err),
						 ng == 1 && n >= 12 ? 0 : -EBADMSG);
				assert_true(c != NULL || err.text[0] != '\0');
				capture_close(c);
			}
		}
	}
}

static void damage_names_its_place(void **state)
{
	(void)state;
	struct capture *c;
	struct errmsg err;
	struct capture_frame f;

	begin(false);
	pcap_header(0xA1B2C3D4, 1);
	pcap_record(0, 1, "abcde", 5);
	u32(0);
	u32(0);
	u32(0x7FFFFFFF);
	u32(0);
	assert_int_equal(open_str(buf_str(&file), &c, &err), 0);
	assert_int_equal(capture_next(c, &f, &err), CAPTURE_FRAME);
	assert_int_equal(capture_next(c, &f, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "octet 45"));
	assert_int_equal(capture_next(c, &f, &err), -EBADMSG); /* and stays there */
	capture_close(c);
	assert_int_equal(open_str(STR("%PDF-1.4 and more of this"), &c, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "not a capture"));
}

static struct str pack(struct str s, char *to, size_t size)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)s.ptr,
		      .avail_in = (uInt)s.len,
		      .next_out = (Bytef *)to,
		      .avail_out = (uInt)size};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return (struct str){to, z.total_out};
}

static void gzip_too(void **state)
{
	(void)state;
	char packed[2048];
	char got[1024];

	begin(false);
	pcap_header(0xA1B2C3D4, 1);
	pcap_record(0, 1, "abcde", 5);
	struct str one = pack(str_head(buf_str(&file), 30), packed, sizeof(packed));
	/* Two members follow each other, as cat of two files makes them. */
	struct str two = pack(str_skip(buf_str(&file), 30), packed + one.len,
			      sizeof(packed) - one.len);
	struct str both = {packed, one.len + two.len};
	transcript(both, got, sizeof(got));
	assert_string_equal(got, "[1000 0 abcde/5]end");
	for (size_t n = 2; n < both.len; n++) {
		transcript(str_head(both, n), got, sizeof(got));
		assert_non_null(strstr("[1000 0 abcde/5]cut", got));
	}
}

static int tear_down(void **state)
{
	(void)state;
	buf_done(&file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(pcap_in_every_form, tear_down),
		cmocka_unit_test_teardown(pcapng_in_every_form, tear_down),
		cmocka_unit_test_teardown(every_cut_gives_what_was_before_it, tear_down),
		cmocka_unit_test_teardown(damage_names_its_place, tear_down),
		cmocka_unit_test_teardown(gzip_too, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
