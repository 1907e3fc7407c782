/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log, inflate: a log of every grammar, cut at every octet and with turned bits, plain and packed
 * by every packer: never a crash, never a loop, and what was read before the damage is what it was.
 */
#include "base/prng.h"
#include "core/attribution.h"
#include "doctor/inflate.h"
#include "doctor/log_file.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static const char sample[] =
	"Jun 12 04:05:06 s postfix/submission/smtpd[2]: 9F4C2DE00A1: client=u[203.0.113.7], "
	"sasl_method=LOGIN, sasl_username=a@b.example\n"
	"Jun 12 04:05:06 s postfix/cleanup[2]: 9F4C2DE00A1: message-id=<1$2@b.example>\n"
	"Jun 12 04:05:06 s postfix/qmgr[2]: 9F4C2DE00A1: from=<a@b.example>, size=8120, nrcpt=2 "
	"(queue active)\n"
	"Jun 12 04:05:09 s postfix/smtp[3]: 9F4C2DE00A1: to=<\"x y\"@c>, orig_to=<z@b.example>, "
	"relay=mx.c[192.0.2.26]:25, delay=3.1, delays=0.2/0/0.9/2, dsn=5.1.1, status=bounced (host "
	"mx.c said: 550 no)\n"
	"Jun 12 04:06:01 s postfix/bounce[3]: 9F4C2DE00A1: sender non-delivery notification: "
	"A86569525F2\n"
	"2026-06-12T04:06:00.123456+02:00 s postfix/pickup[1]: 4bGXyz3tBrz3tG5: uid=33 from=<w>\n"
	"Jun 12 04:06:02 s postfix/qmgr[2]: 9F4C2DE00A1: removed\n"
	"2026-11-21 17:49:28 cwd=/home/u/public_html 4 args: /usr/sbin/sendmail -t -i\n"
	"2026-11-21 17:49:28.123 +0100 [77] 1xUpDM-00082o-1Y <= x@b.example H=(h \"q) "
	"[203.0.113.7]:5 U=u P=esmtpa A=plain:a@b:c S=408 id=x@y T=\"s \\\"q\\\" <= x\" from <x> "
	"for v@c w@d\n"
	"2026-11-21 17:49:29 1xUpDM-00082o-1Y => v@c <o@c> R=r T=remote_smtp H=mx [192.0.2.1] "
	"C=\"250 ok\"\n"
	"2026-11-21 17:49:29 1xUpDM-00082o-1Y ** w@d: Unrouteable address\n"
	"2026-11-21 17:49:29 1xUpDM-00082o-1Y Completed\n"
	"@4000000037c219bf2ef02e94 info msg 93869: bytes 2343 from <a@b> qp 18695 uid 49491\n"
	"@4000000037c219bf2ef02e95 starting delivery 392: msg 93869 to remote c@d\n"
	"@4000000037c219bf2ef02e96 delivery 392: success: ok/\n"
	"@4000000037c219bf2ef02e97 end msg 93869\n"
	"Jun 12 04:05:06 s sm-mta[2]: s1OHA28u032053: from=<a@b>, size=1, class=0, nrcpts=1, "
	"msgid=<m@b>, relay=u@localhost\n"
	"Jun 12 04:05:06 s sm-mta[2]: s1OHA28u032053: to=<c@d>,<e@f>, ctladdr=u (1/1), "
	"delay=00:00:01, relay=mx [192.0.2.1], dsn=2.0.0, stat=Sent (ok)\n"
	"Jun 12 04:05:06 s dovecot: imap-login: Login: user=<a@b>, method=PLAIN, rip=203.0.113.7, "
	"lip=192.0.2.1, TLS\n"
	"[21-Nov-2026 17:49:28 UTC] mail() on [/home/u/a(3) : eval()'d code:12]: To: c@d -- "
	"Headers: X: y -- Subject: z\n"
	"<22>1 2026-06-12T04:05:06.5Z s postfix/smtpd 2 - [a@1 b=\"c \\\"]d\"][e] \xEF\xBB\xBF"
	"9F4C2DE00A1: client=u[203.0.113.7]\n"
	"98 <22>1 2026-06-12T04:05:06Z - exim - - - 2026-06-12 04:05:06 1xUpDM-00082o-1Y "
	"Completed\n"
	"Jun 12 04:05:06 s journal: Suppressed 77 messages from postfix\n"
	"Jun 12 04:05:06 s last message repeated 5 times";

#define PACKED_MAX 8192
#define FLIPS 100

static char path[] = "/tmp/postern-log-damage-XXXXXX";

static void write_file(const char *octets, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(octets, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Reads the file as the doctor does, line by line into an attribution. @return Its plain octets. */
static size_t read_all(char *plain, size_t size, int *ret_r)
{
	struct attribution *a = attribution_new(&(struct attribution_opts){.key = {1, 2}});
	struct log_time lt = {.year = 2026};
	struct errmsg err = {.text = ""};
	struct log_file *f = NULL;
	struct str piece;
	size_t len = 0;

	assert_non_null(a);
	*ret_r = log_file_open(path, &f, &err);
	while (*ret_r >= 0 && (*ret_r = log_file_read(f, &piece, &err)) > 0) {
		assert_true(piece.len <= size - len);
		memcpy(plain + len, piece.ptr, piece.len);
		len += piece.len;
		while (piece.len > 0) {
			struct log_line l;
			struct log_event e;
			if (log_line_parse(&lt, str_take_until(&piece, '\n'), &l)) {
				log_event_parse(&l, &e);
				attribution_step(a, &l, &e, (struct attribution_place){.line = 1});
			}
		}
	}
	attribution_end(a);
	attribution_free(a);
	if (f != NULL) {
		log_file_close(f);
	}
	return len;
}

static size_t pack(enum inflate_format format, char *to)
{
	const size_t len = sizeof(sample) - 1;
	unsigned bz_len = PACKED_MAX;
	size_t n = 0;
	char plain[sizeof(sample)];
	z_stream z = {.next_in = (unsigned char *)plain,
		      .avail_in = (unsigned)len,
		      .next_out = (unsigned char *)to,
		      .avail_out = PACKED_MAX};

	memcpy(plain, sample, sizeof(sample));
	switch (format) {
	case INFLATE_PLAIN:
		memcpy(to, sample, len);
		return len;
	case INFLATE_GZIP:
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		(void)deflateEnd(&z);
		return PACKED_MAX - z.avail_out;
	case INFLATE_XZ:
		assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL,
							 (uint8_t *)plain, len, (uint8_t *)to, &n,
							 PACKED_MAX),
				 LZMA_OK);
		return n;
	case INFLATE_ZSTD:
		n = ZSTD_compress(to, PACKED_MAX, sample, len, 3);
		assert_false(ZSTD_isError(n));
		return n;
	case INFLATE_BZIP2:
		assert_int_equal(
			BZ2_bzBuffToBuffCompress(to, &bz_len, plain, (unsigned)len, 1, 0, 0),
			BZ_OK);
		return bz_len;
	case INFLATE_FORMAT_COUNT:
		break;
	}
	return 0;
}

static void cut_anywhere(void **state)
{
	(void)state;
	static char packed[PACKED_MAX];
	static char plain[PACKED_MAX];
	int r;

	for (unsigned format = 0; format < INFLATE_FORMAT_COUNT; format++) {
		size_t n = pack((enum inflate_format)format, packed);
		for (size_t cut = 0; cut <= n; cut++) {
			write_file(packed, cut);
			size_t len = read_all(plain, sizeof(plain), &r);
			if (cut < INFLATE_MAGIC_MAX) {
				continue; /* too little to tell what it is: read as it stands */
			}
			assert_true(len < sizeof(sample));
			assert_memory_equal(plain, sample, len);
			if (cut == n) {
				assert_int_equal(r, 0);
				assert_int_equal(len, sizeof(sample) - 1);
			} else if (format != INFLATE_PLAIN) {
				assert_int_equal(r, -EBADMSG);
			}
		}
	}
}

static void turned_bits(void **state)
{
	(void)state;
	static char packed[PACKED_MAX];
	static char damaged[PACKED_MAX];
	static char plain[1 << 20];
	struct prng rnd = {.state = 1};
	int r;

	for (unsigned format = 0; format < INFLATE_FORMAT_COUNT; format++) {
		size_t n = pack((enum inflate_format)format, packed);
		for (int flip = 0; flip < FLIPS; flip++) {
			memcpy(damaged, packed, n);
			for (uint64_t k = prng_below(&rnd, 8) + 1; k > 0; k--) {
				damaged[prng_below(&rnd, (uint32_t)n)] ^= (char)(1U << prng_below(
											 &rnd, 8));
			}
			write_file(damaged, n);
			(void)read_all(plain, sizeof(plain), &r);
		}
	}
}

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(cut_anywhere),
					   cmocka_unit_test(turned_bits)};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
