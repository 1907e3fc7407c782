/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_read, web_set: of a large plain log only the stretches are read and the answer is that of all
 * of it; packed, cut and turned logs; logs are found where they are, and never outside of the
 * folder.
 */
#include "doctor/web_look.h"
#include "doctor/web_read.h"

#include "base/prng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"

#include "base/poison.h"

/* 2026-06-16T00:00:00Z */
#define BEGIN 1781568000
#define SPAN 86400
#define ROOM ((size_t)1 << 20)

struct place {
	char root[64];
	size_t room;
};

static void line_to(FILE *f, int64_t second, const char *request)
{
	fprintf(f,
		"192.0.2.%d - - [%02d/Jun/2026:%02d:%02d:%02d +0000] \"%s HTTP/1.1\" 200 5 \"-\" "
		"\"Mozilla/5.0 (X11; Linux x86_64) something of the length that it has\"\n",
		(int)(second % 250), (int)(16 + (second - BEGIN) / 86400),
		(int)(second / 3600 % 24), (int)(second / 60 % 60), (int)(second % 60), request);
}

/* A day: a visitor each second, a form once every half hour, lines that are none. Apache's lines
 * may be older than those before them. */
static void write_day(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int64_t s = BEGIN; s < BEGIN + SPAN; s++) {
		bool is_late = s % 7 == 0 && s > BEGIN + 30;
		/* And once the clock was wrong. */
		line_to(f, s == BEGIN + 20000 ? s + 50000 : s - (is_late ? 30 : 0),
			"GET /a/page/with/a/name");
		if ((s - BEGIN) % 1800 == 900) {
			line_to(f, s - 1, "POST /contact/");
		}
		if (s % 10000 == 0) {
			for (int i = 0; i < 200; i++) {
				fprintf(f, "no such line %0600d\n", i);
			}
			fprintf(f, "%0300000d\n", 0);
		}
	}
	assert_int_equal(fclose(f), 0);
}

static void pack(const char *from, const char *to)
{
	static char octets[1 << 16];
	FILE *in = fopen(from, "r");
	gzFile out = gzopen(to, "w1");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(octets, 1, sizeof(octets), in)) > 0) {
		assert_int_equal(gzwrite(out, octets, (unsigned)n), (int)n);
	}
	assert_int_equal(gzclose(out), Z_OK);
	assert_int_equal(fclose(in), 0);
}

static struct web_join *new_join(struct moments *m, size_t *room)
{
	/* A mail for each form, but for some of the day. */
	for (int64_t s = BEGIN + 36000 + 900; s < BEGIN + 60000; s += 1800) {
		moments_add(m, (struct wall){s * NS_PER_S}, room);
	}
	struct web_join *j = web_join_new(&(struct web_join_opts){.moments = m, .key = {1, 2}});
	assert_non_null(j);
	return j;
}

static int read_file(const char *path, struct web_join *j, int64_t *left)
{
	struct errmsg err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return web_read(fd, &(struct web_read_opts){.path = path, .octets_left = left}, j, &err);
}

static void only_stretches_are_read(void **state)
{
	struct place *p = *state;
	struct moments m = {.at = NULL};
	struct web_finding plain;
	struct web_finding packed;
	char path[128];
	char gz[128];
	struct stat st;
	int64_t left = INT64_C(1) << 40;

	(void)snprintf(path, sizeof(path), "%s/day", p->root);
	(void)snprintf(gz, sizeof(gz), "%s/day.gz", p->root);
	write_day(path);
	pack(path, gz);
	assert_int_equal(stat(path, &st), 0);
	struct web_join *j = new_join(&m, &p->room);
	assert_int_equal(read_file(path, j, &left), 0);
	assert_true((INT64_C(1) << 40) - left < st.st_size / 2);
	assert_true(web_join_find(j, &plain));
	web_join_free(j);
	moments_done(&m, &p->room);

	j = new_join(&m, &p->room);
	assert_int_equal(read_file(gz, j, &left), 0);
	assert_true(web_join_find(j, &packed));
	web_join_free(j);
	moments_done(&m, &p->room);
	assert_string_equal(plain.path, "/contact/");
	assert_int_equal(plain.mails, 13);
	assert_int_equal(plain.mails_with, 13);
	assert_int_equal(plain.requests, packed.requests);
	assert_int_equal(plain.requests_with, packed.requests_with);
	assert_int_equal(plain.by_chance, packed.by_chance);
	assert_int_equal(plain.evidence_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(plain.evidence[i].text, packed.evidence[i].text);
		assert_int_equal(plain.evidence[i].place.line, 0);
		assert_int_equal(web_read_line(open(path, O_RDONLY | O_CLOEXEC),
					       plain.evidence[i].place.offset),
				 packed.evidence[i].place.line);
	}
	/* Too much is asked for. */
	for (int i = 0; i < 2; i++) {
		j = new_join(&m, &p->room);
		left = 4096;
		assert_int_equal(read_file(i == 0 ? path : gz, j, &left), 1);
		web_join_free(j);
		moments_done(&m, &p->room);
	}
	assert_int_equal(web_read_begin(open(path, O_RDONLY | O_CLOEXEC), path), BEGIN);
	assert_int_equal(web_read_begin(open(gz, O_RDONLY | O_CLOEXEC), gz), BEGIN);
}

/* A small log, plain and packed, cut anywhere and with turned bits. */
static void damaged_logs(void **state)
{
	struct place *p = *state;
	struct prng rnd = {.state = 3};
	struct moments m = {.at = NULL};
	static char octets[2][1 << 16];
	size_t size[2];
	char path[128];
	char gz[128];

	(void)snprintf(path, sizeof(path), "%s/small", p->root);
	(void)snprintf(gz, sizeof(gz), "%s/small.gz", p->root);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (int64_t s = BEGIN + 36880; s < BEGIN + 36920; s += 2) {
		line_to(f, s, s % 3 == 0 ? "POST /contact/" : "GET /\\x22");
	}
	assert_int_equal(fclose(f), 0);
	pack(path, gz);
	for (int i = 0; i < 2; i++) {
		f = fopen(i == 0 ? path : gz, "r");
		assert_non_null(f);
		size[i] = fread(octets[i], 1, sizeof(octets[i]), f);
		assert_int_equal(fclose(f), 0);
	}
	struct web_join *j = new_join(&m, &p->room);
	for (int i = 0; i < 2; i++) {
		for (size_t cut = 0; cut < size[i]; cut++) {
			struct errmsg err;
			int64_t left = 1 << 20;
			int fd = memfd_create("log", MFD_CLOEXEC);
			bool turns = cut % 2 == 1;
			char c = octets[i][cut];
			octets[i][cut] ^= (char)(turns ? 1U << prng_below(&rnd, 8) : 0);
			size_t len = turns ? size[i] : cut;
			assert_int_equal(write(fd, octets[i], len), (ssize_t)len);
			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
			octets[i][cut] = c;
			int r = web_read(
				fd, &(struct web_read_opts){.path = path, .octets_left = &left}, j,
				&err);
			assert_true(r == 0 || (i == 1 && r == -EBADMSG));
		}
	}
	web_join_free(j);
	moments_done(&m, &p->room);
}

static void put(const struct place *p, const char *name)
{
	char path[256];
	char *slash;

	(void)snprintf(path, sizeof(path), "%s/%s", p->root, name);
	for (slash = path + strlen(p->root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	line_to(f, BEGIN, "GET /");
	assert_int_equal(fclose(f), 0);
}

static void link_to(const struct place *p, const char *target, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", p->root, name);
	assert_int_equal(symlink(target, path), 0);
}

static const struct web_set_file *file_of(const struct web_set *set, const struct place *p,
					  const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/root/%s", p->root, name);
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->files[i].path, path) == 0) {
			return &set->files[i];
		}
	}
	return NULL;
}

static void logs_are_found_inside(void **state)
{
	struct place *p = *state;
	struct errmsg err;
	struct web_set set;
	char root[128];

	(void)snprintf(root, sizeof(root), "%s/root", p->root);
	put(p, "outside/access.log");
	put(p, "root/var/log/apache2/access.log");
	put(p, "root/var/log/apache2/access.log.1");
	put(p, "root/var/log/apache2/access.log.2.gz");
	put(p, "root/var/log/apache2/error.log");
	put(p, "root/var/log/apache2/s.example-access.log");
	put(p, "root/var/log/nginx/access.log-20261121");
	put(p, "root/var/www/vhosts/system/p.example/logs/access_ssl_log.processed");
	put(p, "root/var/www/vhosts/system/p.example/logs/error_log");
	put(p, "root/etc/apache2/logs/domlogs/c.example-ssl_log");
	put(p, "root/etc/apache2/logs/domlogs/c.example-bytes_log");
	put(p, "root/var/log/httpd/domains/d.example.log");
	put(p, "root/home/jo/x");
	link_to(p, "/etc/apache2/logs/domlogs", "root/home/jo/access-logs");
	link_to(p, "../../../../outside/access.log", "root/var/log/nginx/access.up.log");
	link_to(p, "/outside/access.log", "root/var/log/nginx/access.abs.log");
	char fifo[256];
	(void)snprintf(fifo, sizeof(fifo), "%s/var/log/nginx/access.fifo", root);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(web_set_init(&set, root, &err), 0);
	assert_int_equal(web_set_find(&set, root, &err), 0);
	assert_int_equal(set.count, 8);
	const struct web_set_file *a = file_of(&set, p, "var/log/apache2/access.log");
	assert_int_equal(a->log, file_of(&set, p, "var/log/apache2/access.log.1")->log);
	assert_int_equal(a->log, file_of(&set, p, "var/log/apache2/access.log.2.gz")->log);
	assert_int_not_equal(a->log, file_of(&set, p, "var/log/nginx/access.log-20261121")->log);
	assert_string_equal(a->site, "");
	assert_string_equal(file_of(&set, p, "var/log/apache2/s.example-access.log")->site,
			    "s.example");
	assert_string_equal(
		file_of(&set, p, "var/www/vhosts/system/p.example/logs/access_ssl_log.processed")
			->site,
		"p.example");
	assert_string_equal(file_of(&set, p, "etc/apache2/logs/domlogs/c.example-ssl_log")->site,
			    "c.example");
	a = file_of(&set, p, "var/log/httpd/domains/d.example.log");
	assert_string_equal(a->site, "d.example");
	struct attribution_sender s = {.kind = SOURCE_USER, .name = "jo"};
	s.script = "/home/jo/domains/d.example/public_html/x.php";
	assert_true(web_set_is_of(a, &s));
	s.script = "/home/jo/domains/xd.example/public_html/x.php";
	assert_false(web_set_is_of(a, &s));
	for (size_t i = 0; i < set.count; i++) {
		int fd = web_set_open(&set, i);
		assert_true(fd >= 0);
		close(fd);
	}
	web_set_done(&set);
}

static int make_place(void **state)
{
	static struct place p = {.root = "/tmp/postern-web-XXXXXX", .room = ROOM};

	*state = &p;
	return mkdtemp(p.root) == NULL ? -1 : 0;
}

static int remove_place(void **state)
{
	const struct place *p = *state;

	assert_int_equal(p->room, ROOM);
	return tree_remove(p->root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_stretches_are_read),
		cmocka_unit_test(damaged_logs),
		cmocka_unit_test(logs_are_found_inside),
	};
	return cmocka_run_group_tests(tests, make_place, remove_place);
}
