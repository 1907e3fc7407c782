/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_set_find: where mail servers write, and whether the journal knows more. Layer: doctor.
 */
#include "doctor/jail_glob.h"
#include "doctor/log_set.h"
#include "doctor/php_log.h"
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

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

struct finding {
	struct log_set *set;
	const char *root;
	struct errmsg *reterr;
};

static int take_log(void *ctx, const char *path)
{
	const struct finding *f = ctx;

	return log_set_add_inside(f->set, f->root, path, f->reterr);
}

static int take_php(void *ctx, const char *path, struct errmsg *reterr)
{
	struct stat st;

	return stat(path, &st) < 0 || st.st_size == 0 ? 0 : log_set_add(ctx, path, reterr);
}

/* ---- the journal ---- */

/* When did syslog last write? A copy's lines without a zone may be of another zone than this
 * machine's: then its files' times count too, so that nothing is read twice.
 * @return ns 0: syslog wrote nothing. */
static struct wall syslog_end(const struct log_set *set, const char *root)
{
	struct wall end = {0};

	for (size_t i = 0; i < set->count; i++) {
		const struct log_set_file *f = &set->files[i];
		struct str path = str_of(f->path);
		bool has_zone = true;
		if (f->inside == NULL || str_find(path, STR("/log/mail")) == path.len) {
			continue;
		}
		struct wall last = log_set_file_end(set, f, &has_zone);
		/* A file without any time still says that there is a syslog. */
		last.ns = last.ns > 0 ? last.ns : 1;
		if (!has_zone && root[0] != '\0' && f->written_s * NS_PER_S > last.ns) {
			last.ns = f->written_s * NS_PER_S;
		}
		end = last.ns > end.ns ? last : end;
	}
	return end;
}

/* The next name of a folder, and whether it is a link. */
static const struct dirent *next_name(DIR *d, bool *ret_is_link)
{
	const struct dirent *e = readdir(d);
	struct stat st;

	*ret_is_link = e != NULL && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       S_ISLNK(st.st_mode);
	return e;
}

static bool has_link(DIR *d)
{
	bool is_link = false;

	while (!is_link && next_name(d, &is_link) != NULL) {
	}
	return is_link;
}

static DIR *open_below(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL) {
		fd_close(&fd);
	}
	return d;
}

/* A copy's journal is read by a program that follows links: there may be none. It looks one folder
 * deep. */
static bool is_whole(int fd)
{
	DIR *d = open_below(fd, ".");
	bool is_link = d == NULL;
	const struct dirent *e;

	while (!is_link && (e = next_name(d, &is_link)) != NULL) {
		DIR *sub = e->d_name[0] == '.' ? NULL : open_below(dirfd(d), e->d_name);
		if (sub != NULL) {
			is_link = is_link || has_link(sub);
			closedir(sub);
		}
	}
	if (d != NULL) {
		closedir(d);
	}
	return !is_link;
}

/* Where a folder is, all links on the way followed inside. @return false: not to be used */
static bool journal_path(const struct jail *jail, const char *folder, char *ret, size_t size)
{
	char link[64];
	size_t len = strlen(LOG_FILE_JOURNAL);
	int fd = jail_open_dir(jail, folder);
	bool is_good = fd >= 0 && is_whole(fd) && len < size;

	if (is_good) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		(void)snprintf(ret, size, "%s", LOG_FILE_JOURNAL);
		ssize_t n = readlink(link, ret + len, size - len - 1);
		is_good = n > 0 && (size_t)n < size - len - 1 && ret[len] == '/';
		ret[len + (is_good ? (size_t)n : 0)] = '\0';
	}
	fd_close(&fd);
	return is_good;
}

/* Debian 12 and others have no syslog: mail servers write to the journal only. */
static int find_journal(const struct finding *f)
{
	static const char *const folders[] = {"/var/log/journal", "/run/log/journal"};
	struct wall after = syslog_end(f->set, f->root);
	struct errmsg unsaid; /* a machine without the program has its logs elsewhere or nowhere */
	char path[PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		bool is_here = f->root[0] == '\0';
		bool is_there = is_here ? jail_has(&f->set->jail, folders[i])
					: journal_path(&f->set->jail, folders[i], path,
						       sizeof(path));
		if (is_there) {
			int r = log_set_add_journal(f->set, is_here ? LOG_FILE_JOURNAL : path,
						    after, &unsaid);
			return r == -ENOMEM ? err_set(f->reterr, r, "no memory") : 0;
		}
	}
	return 0;
}

int log_set_find(struct log_set *set, const char *root, struct errmsg *reterr)
{
	struct finding f = {.set = set, .root = root, .reterr = reterr};
	int r = jail_open(&set->jail, root);

	if (r < 0) {
		return err_set(reterr, r, "cannot open %s: %s", root, strerror(-r));
	}
	set->has_jail = true;
	for (size_t i = 0; i < COUNT_OF(places) && r == 0; i++) {
		r = jail_glob(&set->jail, places[i], take_log, &f);
	}
	r = r < 0 ? r : find_journal(&f);
	return r < 0 ? r : php_log_find(root, take_php, set, reterr);
}
