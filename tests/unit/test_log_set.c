/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_set: what is found below a folder: no link leads out of it, and the journal counts for what
 * came after syslog's last line, once. A program of ours plays journalctl.
 */
#include "doctor/diagnose.h"
#include "doctor/live.h"
#include "doctor/log_set.h"
#include "doctor/queue_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"

#include "base/poison.h"

#define DAY "2020-06-12T04:"
#define S " s postfix/"
#define ARRIVAL(time, id)                                                                          \
	time S "smtpd[2]: " id ": client=x[203.0.113.7], sasl_method=PLAIN, sasl_username=a@b\n"
#define SENT(time, id)                                                                             \
	time S "smtp[3]: " id ": to=<c@d>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, "      \
	       "dsn=2.0.0, status=sent (ok)\n" time S "qmgr[1]: " id ": removed\n"
#define MAIL(time, id) ARRIVAL(time, id) SENT(time, id)
/* Of DAY "05:00Z" */
#define DAY_S INT64_C(1591934700)

static char top[64];
static char root[80];

static const char *below(const char *path)
{
	static char full[2][512];
	static unsigned turn;
	char *at = full[turn++ % 2];

	(void)snprintf(at, sizeof(full[0]), "%s/%s", top, path);
	return at;
}

static void write_file(const char *path, const char *text, unsigned mode)
{
	int fd = open(below(path), O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void write_packed(const char *path, const char *text)
{
	gzFile out = gzopen(below(path), "wb");

	assert_non_null(out);
	assert_int_equal(gzwrite(out, text, (unsigned)strlen(text)), strlen(text));
	assert_int_equal(gzclose(out), Z_OK);
}

static void set_time(const char *path, int64_t seconds)
{
	const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

	assert_int_equal(utimensat(AT_FDCWD, below(path), times, 0), 0);
}

/* Entries are lines "SECONDS PROGRAM TEXT"; it hears --since and notes how it was called. */
static const char journalctl[] =
	"#!/bin/sh\n"
	"here=${0%/*}\n"
	"since=0\n"
	"for a in \"$@\"; do case $a in --since=@*) since=${a#--since=@} ;; esac; done\n"
	"echo \"$@\" >>$here/called\n"
	"while read -r s program text; do\n"
	"	[ $s -ge $since ] || continue\n"
	"	printf '__REALTIME_TIMESTAMP=%s000000\\nSYSLOG_IDENTIFIER=%s\\n_HOSTNAME=s\\n' $s "
	"$program\n"
	"	printf 'MESSAGE=%s\\n\\n' \"$text\"\n"
	"done <$here/entries\n";

static int set_up(void **state)
{
	static const char *const folders[] = {
		"bin",
		"root",
		"root/var",
		"root/var/log",
		"root/var/log/journal",
		"root/var/log/journal/0123456789abcdef0123456789abcdef"};
	char path[PATH_MAX];

	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/log-set-XXXXXX");
	assert_non_null(mkdtemp(top));
	(void)snprintf(root, sizeof(root), "%s/root", top);
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		assert_int_equal(mkdir(below(folders[i]), 0700), 0);
	}
	write_file("bin/journalctl", journalctl, 0700);
	write_file("bin/entries", "", 0600);
	(void)snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", top);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return tree_remove(top);
}

/* An arrival and a delivery as the journal has them. */
static void add_entries(struct buf *to, int64_t seconds, const char *id)
{
	buf_printf(to,
		   "%lld postfix/smtpd %s: client=x[203.0.113.7], sasl_method=PLAIN, "
		   "sasl_username=a@b\n",
		   (long long)seconds, id);
	buf_printf(to,
		   "%lld postfix/smtp %s: to=<c@d>, relay=mx[192.0.2.1]:25, delay=1, "
		   "delays=0/0/0/1, dsn=2.0.0, status=sent (ok)\n%lld postfix/qmgr %s: removed\n",
		   (long long)seconds, id, (long long)seconds, id);
}

static void write_entries(const struct buf *entries)
{
	struct str text = buf_str(entries);
	char *copy = strndup(text.ptr, text.len);

	assert_non_null(copy);
	write_file("bin/entries", copy, 0600);
	free(copy);
}

static void find_all(struct log_set *set, const char *where)
{
	struct errmsg err = {.text = ""};

	*set = (struct log_set){.count = 0};
	if (log_set_find(set, where, &err) < 0) {
		print_message("%s\n", err.text);
		fail();
	}
	log_set_sort(set);
}

/* @return Messages that left, over all that was found. */
static uint64_t messages_in(size_t *ret_files)
{
	struct log_set set;
	struct diagnosis d;
	struct errmsg err = {.text = ""};

	find_all(&set, root);
	assert_int_equal(diagnose_run(&(struct diagnose_opts){.set = &set}, &d, &err), 0);
	assert_false(d.damaged);
	uint64_t n = attribution_totals(d.attribution)->messages;
	*ret_files = set.count;
	diagnosis_done(&d);
	log_set_done(&set);
	return n;
}

static void after_syslogs_last_line_the_journal_counts(void **state)
{
	(void)state;
	struct buf entries;
	size_t files;

	buf_init(&entries, 1 << 20);
	write_file("root/var/log/mail.log",
		   MAIL(DAY "05:00Z", "AAAAAAAA01") MAIL(DAY "05:09Z", "AAAAAAAA02"), 0600);
	assert_int_equal(messages_in(&files), 2);
	assert_int_equal(files, 1);
	/* Both have the same, up to the file's end. */
	add_entries(&entries, DAY_S - 3600, "AAAAAAAA00");
	add_entries(&entries, DAY_S, "AAAAAAAA01");
	add_entries(&entries, DAY_S + 9, "AAAAAAAA02");
	write_entries(&entries);
	assert_int_equal(messages_in(&files), 2);
	assert_int_equal(files, 1);
	/* And the journal goes on. */
	add_entries(&entries, DAY_S + 10, "AAAAAAAA03");
	add_entries(&entries, DAY_S + 90000, "AAAAAAAA04");
	write_entries(&entries);
	assert_int_equal(messages_in(&files), 4);
	assert_int_equal(files, 2);
	/* The newest file is packed. */
	write_packed("root/var/log/mail.log.1.gz", MAIL(DAY "05:10Z", "AAAAAAAA03"));
	assert_int_equal(messages_in(&files), 4);
	assert_int_equal(files, 3);
	assert_int_equal(unlink(below("root/var/log/mail.log")), 0);
	assert_int_equal(messages_in(&files), 2);
	assert_int_equal(unlink(below("root/var/log/mail.log.1.gz")), 0);
	/* Without any file all of the journal counts. */
	assert_int_equal(messages_in(&files), 5);
	assert_int_equal(files, 1);
	buf_done(&entries);
}

static void a_syslog_that_runs_is_enough(void **state)
{
	(void)state;
	struct buf entries;
	size_t files;

	buf_init(&entries, 1 << 20);
	write_file("root/var/log/mail.log", MAIL(DAY "05:00Z", "AAAAAAAA01"), 0600);
	add_entries(&entries, DAY_S, "AAAAAAAA01");
	/* What came just now may come into the file while it is read. */
	add_entries(&entries, (int64_t)time(NULL) - 5, "AAAAAAAA02");
	write_entries(&entries);
	assert_int_equal(messages_in(&files), 1);
	assert_int_equal(files, 1);
	/* What journald says of itself does not tell that syslog has stopped. */
	buf_clear(&entries);
	buf_printf(&entries, "%lld systemd-journald Journal started\n", (long long)DAY_S + 100);
	write_entries(&entries);
	assert_int_equal(messages_in(&files), 1);
	assert_int_equal(files, 1);
	buf_done(&entries);
}

/* A line without a zone may be of another one: what the file's own time covers is not read again.
 */
static void a_zone_that_is_not_said_makes_no_doubles(void **state)
{
	(void)state;
	struct buf entries;
	size_t files;

	buf_init(&entries, 1 << 20);
	/* Written at New York, where it was four hours earlier. */
	write_file("root/var/log/mail.log", MAIL("Jun 12 00:05:00", "AAAAAAAA01"), 0600);
	set_time("root/var/log/mail.log", DAY_S);
	add_entries(&entries, DAY_S, "AAAAAAAA01");
	add_entries(&entries, DAY_S + 1, "AAAAAAAA02");
	write_entries(&entries);
	assert_int_equal(messages_in(&files), 2);
	assert_int_equal(files, 2);
	buf_done(&entries);
}

/* The last line is found behind a long one, without one, and in a large file. */
static void the_end_of_a_file_is_its_last_line_with_a_time(void **state)
{
	(void)state;
	size_t size = 5 * LOG_FILE_LINE_MAX;
	char *text = calloc(1, size + 1024);
	struct log_set set;
	bool has_zone;

	assert_non_null(text);
	size_t len = 0;
	for (unsigned i = 0; len < size; i++) {
		len += (size_t)snprintf(text + len, 512, DAY "05:%02uZ s x: y\n", i % 9);
	}
	(void)snprintf(text + len, 512, DAY "06:01Z s x: y\nnothing\n\n" DAY "05");
	write_file("root/var/log/mail.log", text, 0600);
	find_all(&set, root);
	assert_int_equal(log_set_file_end(&set, &set.files[0], &has_zone).ns,
			 (DAY_S + 61) * NS_PER_S);
	assert_true(has_zone);
	log_set_done(&set);
	write_file("root/var/log/mail.log", "nothing\n", 0600);
	find_all(&set, root);
	assert_int_equal(log_set_file_end(&set, &set.files[0], &has_zone).ns, 0);
	log_set_done(&set);
	free(text);
}

static void assert_files(const char *where, size_t count)
{
	struct log_set set;

	find_all(&set, where);
	assert_int_equal(set.count, count);
	log_set_done(&set);
}

static void no_link_leads_out(void **state)
{
	(void)state;
	static const char *const targets[] = {NULL, "../../../secret", "../../../../../../secret"};
	const char *log = "root/var/log/maillog";

	assert_int_equal(rename(below("root/var/log/journal"), below("journal")), 0);
	assert_int_equal(unlink(below("root/var/log/mail.log")), 0);
	write_file("secret", MAIL(DAY "05:00Z", "AAAAAAAA01"), 0600);
	assert_files(root, 0);
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		const char *to = targets[i] == NULL ? below("secret") : targets[i];
		assert_int_equal(symlink(to, below(log)), 0);
		assert_files(root, 0);
		assert_int_equal(unlink(below(log)), 0);
	}
	/* Inside they are followed, as the machine itself would. */
	write_file("root/inside", MAIL(DAY "05:00Z", "AAAAAAAA01"), 0600);
	assert_int_equal(symlink("/inside", below(log)), 0);
	assert_files(root, 1);
	/* Nor over the journal's folder. */
	assert_int_equal(unlink(below(log)), 0);
	write_file("bin/entries", "1 postfix/smtpd x\n", 0600);
	assert_int_equal(symlink(below("journal"), below("root/var/log/journal")), 0);
	assert_files(root, 0);
	assert_int_equal(unlink(below("root/var/log/journal")), 0);
	assert_int_equal(rename(below("journal"), below("root/var/log/journal")), 0);
	assert_files(root, 1);
	assert_int_equal(symlink("/etc", below("root/var/log/journal/link")), 0);
	assert_files(root, 0);
	assert_int_equal(unlink(below("root/var/log/journal/link")), 0);
	const char *in = "root/var/log/journal/0123456789abcdef0123456789abcdef/system.journal";
	assert_int_equal(symlink("/etc/passwd", below(in)), 0);
	assert_files(root, 0);
	assert_int_equal(unlink(below(in)), 0);
	assert_files(root, 1);
}

/* A folder that is changed between finding and reading. */
static void nor_when_it_is_put_there_later(void **state)
{
	(void)state;
	struct log_set set;
	struct log_file *log;
	struct errmsg err = {.text = ""};
	const char *path = "root/var/log/maillog";

	write_file(path, MAIL(DAY "05:00Z", "AAAAAAAA01"), 0600);
	find_all(&set, root);
	assert_int_equal(set.count, 1);
	assert_int_equal(unlink(below(path)), 0);
	assert_int_equal(symlink(below("secret"), below(path)), 0);
	assert_int_equal(log_set_open(&set, &set.files[0], &log, &err), -ENOENT);
	assert_int_equal(unlink(below(path)), 0);
	log_set_done(&set);
	assert_int_equal(log_set_find(&set, below("none"), &err), -ENOENT);
	assert_non_null(strstr(err.text, "none"));
	log_set_done(&set);
}

/* The queue, and what is read of a copy's connections and panel. */
static void nor_to_a_queue_or_a_table(void **state)
{
	(void)state;
	static const char *const folders[] = {"away",     "away/deferred",  "away/net",
					      "root/usr", "root/usr/local", "root/var/spool",
					      "root/proc"};
	struct errmsg err = {.text = ""};
	struct live_opts opts = {.root = root};
	struct queue_dir queue;
	struct live live;

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		assert_int_equal(mkdir(below(folders[i]), 0700), 0);
	}
	write_file("away/net/tcp", "", 0600);
	assert_int_equal(symlink(below("away"), below("root/var/spool/postfix")), 0);
	assert_int_equal(symlink("../../../../away", below("root/var/spool/exim4")), 0);
	assert_int_equal(symlink(below("away/net"), below("root/proc/net")), 0);
	assert_int_equal(symlink(below("away"), below("root/usr/local/psa")), 0);
	assert_int_equal(queue_dir_open(root, NULL, LOG_MTA_NONE, &queue, &err), -ENOENT);
	assert_int_equal(queue_dir_open(root, "/var/spool/postfix", LOG_MTA_NONE, &queue, &err),
			 -ENOENT);
	assert_int_equal(live_begin(&opts, &live, &err), -ENOENT);
	live_done(&live);
	assert_int_equal(advice_find_panel(root), PANEL_NONE);
	/* Inside they are followed. */
	assert_int_equal(rename(below("away"), below("root/away")), 0);
	assert_int_equal(unlink(below("root/proc/net")), 0);
	assert_int_equal(symlink("/away/net", below("root/proc/net")), 0);
	assert_int_equal(live_begin(&opts, &live, &err), 0);
	live_done(&live);
	assert_int_equal(unlink(below("root/var/spool/postfix")), 0);
	assert_int_equal(symlink("/away", below("root/var/spool/postfix")), 0);
	assert_int_equal(queue_dir_open(root, NULL, LOG_MTA_NONE, &queue, &err), 0);
	queue_dir_close(&queue);
	assert_int_equal(unlink(below("root/usr/local/psa")), 0);
	assert_int_equal(symlink("../../away", below("root/usr/local/psa")), 0);
	assert_int_equal(advice_find_panel(root), PANEL_PLESK);
}

/* A stream of counted frames, whole and cut at each of its octets, plain and packed. */
static void frames_without_line_ends_are_lines(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"<22>1 2020-06-12T04:05:00Z s postfix/smtpd 2 - - AAAAAAAA01: "
		"client=x[203.0.113.7], sasl_method=PLAIN, sasl_username=a@b",
		"<22>1 2020-06-12T04:05:01Z s postfix/smtp 3 - - AAAAAAAA01: to=<c@d>, "
		"relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)",
		"<22>1 2020-06-12T04:05:02Z s postfix/qmgr 1 - - AAAAAAAA01: removed",
	};
	char text[1024];
	size_t ends[COUNT_OF(texts)];
	size_t len = 0;
	size_t files;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%zu %s", strlen(texts[i]),
					texts[i]);
		ends[i] = len;
	}
	write_file("root/var/log/maillog", text, 0600);
	assert_int_equal(messages_in(&files), 1);
	for (size_t cut = ends[0] + 8; cut <= len; cut++) {
		struct errmsg err = {.text = ""};
		struct log_file *log;
		struct str piece;
		size_t lines = 0;
		char kept = text[cut];
		text[cut] = '\0';
		if (cut % 2 == 0) {
			write_file("frames", text, 0600);
		} else {
			write_packed("frames", text);
		}
		text[cut] = kept;
		assert_int_equal(log_file_open(below("frames"), &log, &err), 0);
		while (log_file_read(log, &piece, &err) > 0) {
			while (piece.len > 0) {
				struct str line = str_take_until(&piece, '\n');
				assert_true(str_is_equal(line, str_of(texts[lines++])));
			}
		}
		log_file_close(log);
		assert_int_equal(lines, 1 + (cut >= ends[1] ? 1 : 0) + (cut >= ends[2] ? 1 : 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_syslogs_last_line_the_journal_counts),
		cmocka_unit_test(a_syslog_that_runs_is_enough),
		cmocka_unit_test(a_zone_that_is_not_said_makes_no_doubles),
		cmocka_unit_test(the_end_of_a_file_is_its_last_line_with_a_time),
		cmocka_unit_test(no_link_leads_out),
		cmocka_unit_test(nor_when_it_is_put_there_later),
		cmocka_unit_test(nor_to_a_queue_or_a_table),
		cmocka_unit_test(frames_without_line_ends_are_lines),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
