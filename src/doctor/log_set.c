/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_set: the logs of a machine. Layer: doctor.
 */
#include "doctor/log_set.h"

#include "base/str.h"
#include "doctor/log_file.h"
#include "doctor/php_log.h"
#include "proto/log_line.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

/* Lines of a file that are looked at for its first time. */
#define HEAD_LINES 200

/* Where mail servers, PHP and mailboxes write, on every system that we know. */
static const char *const places[] = {
	"/var/log/mail.log*",
	"/var/log/maillog*",
	"/var/log/mail.info*",
	"/var/log/mail",
	"/var/log/exim4/mainlog*",
	"/var/log/exim/mainlog*",
	"/var/log/exim/main.log*",
	"/var/log/exim_mainlog*",
	"/var/log/qmail/current",
	"/var/log/qmail/@*",
	"/var/log/qmail/send/current",
	"/var/log/qmail/send/@*",
	"/var/log/qmail/qmail-send/current",
	"/var/log/qmail/qmail-send/@*",
	"/usr/local/psa/var/log/maillog*",
	"/var/log/phpmail.log*",
	"/var/log/php_mail.log*",
	"/var/log/php/mail.log*",
	"/var/log/dovecot.log*",
	"/var/www/*/logs/mail.log",
	"/var/www/vhosts/*/logs/mail.log",
	"/var/www/vhosts/*/httpdocs/logs/mail.log",
	"/home/*/logs/mail.log",
	"/home/*/public_html/logs/mail.log",
	"/home/*/domains/*/public_html/logs/mail.log",
};

/* The machine's own offset, for logs that name no zone. */
static int32_t local_zone_s(time_t when)
{
	struct tm tm;

	return localtime_r(&when, &tm) == NULL ? 0 : (int32_t)tm.tm_gmtoff;
}

static struct log_time time_of_file(const struct stat *st)
{
	struct tm tm = {0};

	(void)localtime_r(&st->st_mtime, &tm);
	return (struct log_time){.year = tm.tm_year + 1900, .zone_s = local_zone_s(st->st_mtime)};
}

/* The time of the first line that has one. A log without years was last written in the year of its
 * file's time: when its first month comes after its last, it began a year earlier. */
static int learn_begin(struct log_set_file *f, const struct stat *st, struct errmsg *reterr)
{
	struct log_file *log;
	struct str piece;
	int r = log_file_open(f->path, &log, reterr);

	if (r < 0) {
		return r;
	}
	r = log_file_read(log, &piece, reterr);
	f->time = time_of_file(st);
	for (int i = 0; i < HEAD_LINES && r > 0 && piece.len > 0; i++) {
		struct str line = str_take_until(&piece, '\n');
		struct tm tm = {0};
		(void)localtime_r(&st->st_mtime, &tm);
		unsigned month = log_time_month(line);
		if (month > (unsigned)tm.tm_mon + 1) {
			f->time.year--;
		}
		struct log_time probe = f->time;
		struct log_line first;
		if (log_line_parse(&probe, line, &first)) {
			f->begin = first.time;
			f->is_lead = first.form == LOG_TIME_PHP;
			break;
		}
	}
	log_file_close(log);
	return 0;
}

static bool is_in(const struct log_set *set, const struct stat *st)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->files[i].dev == st->st_dev && set->files[i].ino == st->st_ino) {
			return true;
		}
	}
	return false;
}

static int make_room(struct log_set *set, struct errmsg *reterr)
{
	if (set->count < set->size) {
		return 0;
	}
	size_t size = set->size == 0 ? 16 : set->size * 2;
	struct log_set_file *grown = realloc(set->files, size * sizeof(*grown));
	if (grown == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	set->files = grown;
	set->size = size;
	return 0;
}

int log_set_add_queue(struct log_set *set, const char *path, struct errmsg *reterr)
{
	int r = make_room(set, reterr);

	if (r < 0) {
		return r;
	}
	struct log_set_file f = {.path = strdup(path), .is_queue = true};
	if (f.path == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	set->files[set->count++] = f;
	return 0;
}

int log_set_add(struct log_set *set, const char *path, struct errmsg *reterr)
{
	struct stat st;
	bool is_journal = log_file_is_journal(path);

	if (is_journal) {
		/* As new as now: its lines have full times anyway. */
		st = (struct stat){.st_ino = 1, .st_mtime = time(NULL)};
	} else if (stat(path, &st) < 0) {
		int r = -errno;
		return err_set(reterr, r, "cannot open %s: %s", path, strerror(-r));
	}
	if (is_in(set, &st)) {
		return 0;
	}
	if (set->count == LOG_SET_MAX) {
		set->left_out++;
		return 0;
	}
	int r = make_room(set, reterr);
	if (r < 0) {
		return r;
	}
	struct log_set_file f = {.path = strdup(path), .dev = st.st_dev, .ino = st.st_ino};
	if (f.path == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	r = learn_begin(&f, &st, reterr);
	if (r < 0) {
		free(f.path);
		return r;
	}
	set->files[set->count++] = f;
	return 0;
}

/* Does a file of the set hold what syslog writes? Then the journal has the same once more. */
static bool has_syslog(const struct log_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct str path = str_of(set->files[i].path);
		if (str_find(path, STR("/log/mail")) < path.len) {
			return true;
		}
	}
	return false;
}

static bool is_folder(const char *root, const char *path)
{
	char name[PATH_MAX];
	struct stat st;
	int n = snprintf(name, sizeof(name), "%s%s", root, path);

	return n > 0 && (size_t)n < sizeof(name) && stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Debian 12 and others have no syslog: mail servers write to the journal only. */
static int find_journal(struct log_set *set, const char *root)
{
	static const char *const folders[] = {"/var/log/journal", "/run/log/journal"};
	struct errmsg unsaid; /* a machine without the program has its logs elsewhere or nowhere */
	char path[PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		if (!is_folder(root, folders[i])) {
			continue;
		}
		int n = snprintf(path, sizeof(path), "%s%s%s", LOG_FILE_JOURNAL,
				 root[0] == '\0' ? "" : root, root[0] == '\0' ? "" : folders[i]);
		if (n < 0 || (size_t)n >= sizeof(path)) {
			return 0;
		}
		int r = log_set_add(set, path, &unsaid);
		return r == -ENOMEM ? r : 0;
	}
	return 0;
}

static int add_php(void *ctx, const char *path, struct errmsg *reterr)
{
	struct stat st;

	return stat(path, &st) < 0 || st.st_size == 0 ? 0 : log_set_add(ctx, path, reterr);
}

int log_set_find(struct log_set *set, const char *root, struct errmsg *reterr)
{
	char pattern[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(places) && r == 0; i++) {
		glob_t found = {0};
		int n = snprintf(pattern, sizeof(pattern), "%s%s", root, places[i]);
		if (n < 0 || (size_t)n >= sizeof(pattern)) {
			return err_set(reterr, -ENAMETOOLONG, "the path %s is too long", root);
		}
		if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
			for (size_t k = 0; k < found.gl_pathc && r == 0; k++) {
				struct stat st;
				if (stat(found.gl_pathv[k], &st) == 0 && S_ISREG(st.st_mode) &&
				    st.st_size > 0) {
					r = log_set_add(set, found.gl_pathv[k], reterr);
				}
			}
		}
		globfree(&found);
	}
	if (r == 0 && !has_syslog(set)) {
		r = find_journal(set, root);
	}
	return r < 0 ? r : php_log_find(root, add_php, set, reterr);
}

static int by_begin(const void *a, const void *b)
{
	const struct log_set_file *x = a;
	const struct log_set_file *y = b;

	if (x->is_lead != y->is_lead) {
		return x->is_lead ? -1 : 1;
	}
	if (x->begin.ns != y->begin.ns) {
		return x->begin.ns < y->begin.ns ? -1 : 1;
	}
	return strcmp(x->path, y->path);
}

void log_set_sort(struct log_set *set)
{
	if (set->count > 1) {
		qsort(set->files, set->count, sizeof(set->files[0]), by_begin);
	}
}

void log_set_done(struct log_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->files[i].path);
	}
	free(set->files);
	*set = (struct log_set){0};
}
