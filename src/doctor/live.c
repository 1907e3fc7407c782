/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: /proc/net/tcp, tcp6 and /proc/PID. Layer: doctor.
 */
#include "doctor/live.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/str.h"
#include "doctor/jail.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

/* Octets of a table that are read: some 400,000 connections. */
#define TABLE_MAX ((size_t)64 << 20)
#define PASSWD_MAX ((size_t)16 << 20)
/* Processes and open files that are looked at. */
#define PROCESSES_MAX 200000
#define FILES_MAX 2000000
#define MTA_UIDS_MAX 32
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2

/* Users that mail servers deliver as, on the systems that we know. */
static const char *const mta_users[] = {
	"postfix", "Debian-exim", "exim",  "mailnull",  "mail",     "smmta", "smmsp",   "qmailr",
	"courier", "_smtpd",      "smtpd", "opensmtpd", "nullmail", "dma",   "masqmail"};

struct uids {
	uint32_t of[MTA_UIDS_MAX];
	size_t count;
	struct buf passwd;
};

/* The machine's own files are asked for by their names; below a copy no link leads out of it. */
static int open_jail(const char *root, struct jail *j)
{
	*j = (struct jail){.root = -1};
	return root[0] == '\0' ? 0 : jail_open(j, root);
}

static bool exists(const char *root, const char *path)
{
	struct jail j;
	bool is_there = open_jail(root, &j) == 0 &&
			(root[0] == '\0' ? access(path, F_OK) == 0 : jail_has(&j, path));

	jail_close(&j);
	return is_there;
}

static int read_below(const char *root, const char *path, struct buf *out, struct errmsg *reterr)
{
	struct jail j;

	if (root[0] == '\0') {
		return file_read(path, out, reterr);
	}
	int r = open_jail(root, &j);
	r = r < 0 ? r : jail_read(&j, path, out);
	jail_close(&j);
	return r < 0 ? err_set(reterr, r, "cannot read %s%s: %s", root, path, strerror(-r)) : 0;
}

/* @return Its descriptor, or a negative errno. */
static int open_folder(const char *root, const char *path)
{
	struct jail j;
	int r = open_jail(root, &j);

	if (r == 0 && root[0] == '\0') {
		r = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = r < 0 ? -errno : r;
	} else if (r == 0) {
		r = jail_open_dir(&j, path);
	}
	jail_close(&j);
	return r;
}

static DIR *list_folder(const char *root, const char *path)
{
	int fd = open_folder(root, path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		int r = fd < 0 ? -fd : errno;
		fd_close(&fd);
		errno = r;
	}
	return dir;
}

/* A line of passwd: @return false when it is none. */
static bool passwd_line(struct str line, struct str *ret_name, uint32_t *ret_uid)
{
	uint64_t uid = 0;

	*ret_name = str_take_until(&line, ':');
	(void)str_take_until(&line, ':');
	if (num_parse_u64(str_take_until(&line, ':'), UINT32_MAX, &uid) < 0) {
		return false;
	}
	*ret_uid = (uint32_t)uid;
	return true;
}

static bool is_mta_name(const struct live_opts *o, struct str name)
{
	for (size_t i = 0; i < COUNT_OF(mta_users); i++) {
		if (str_is_equal(name, str_of(mta_users[i]))) {
			return true;
		}
	}
	for (size_t i = 0; i < o->mta_user_count; i++) {
		if (str_is_equal(name, str_of(o->mta_users[i]))) {
			return true;
		}
	}
	return false;
}

static void load_uids(const struct live_opts *o, struct uids *u)
{
	struct str name;
	uint32_t uid;

	u->count = 0;
	buf_init(&u->passwd, PASSWD_MAX);
	(void)(read_below(o->root, "/etc/passwd", &u->passwd, NULL) < 0);
	/* sendmail alone delivers as root. */
	if (exists(o->root, "/etc/mail/sendmail.cf") && !exists(o->root, "/etc/postfix/main.cf") &&
	    !exists(o->root, "/etc/exim4") && !exists(o->root, "/etc/exim")) {
		u->of[u->count++] = 0;
	}
	struct str rest = buf_str(&u->passwd);
	while (rest.len > 0 && u->count < MTA_UIDS_MAX) {
		if (passwd_line(str_take_until(&rest, '\n'), &name, &uid) && uid != 0 &&
		    is_mta_name(o, name)) {
			u->of[u->count++] = uid;
		}
	}
}

static bool is_mta(const struct uids *u, uint32_t uid)
{
	for (size_t i = 0; i < u->count; i++) {
		if (u->of[i] == uid) {
			return true;
		}
	}
	return false;
}

static void name_user(const struct uids *u, struct live_socket *s)
{
	struct str rest = buf_str(&u->passwd);
	struct str name;
	uint32_t uid;

	while (rest.len > 0) {
		if (passwd_line(str_take_until(&rest, '\n'), &name, &uid) && uid == s->uid) {
			(void)str_copy(s->user, sizeof(s->user), name);
			return;
		}
	}
}

/* ---- the table ---- */

static bool is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->family == 4 ? a->octets[0] == 127 : memcmp(a->octets, one, sizeof(one)) == 0;
}

static struct str take_word(struct str *line)
{
	while (line->len > 0 && line->ptr[0] == ' ') {
		*line = str_skip(*line, 1);
	}
	return str_take_until(line, ' ');
}

/* "0100007F:0019": words of 32 bits in the machine's order, then the port. */
static bool take_end(struct str text, struct addr *ret, uint16_t *ret_port)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct str hex = str_take_until(&text, ':');
	uint8_t octets[16] = {0};
	uint64_t v = 0;

	if ((hex.len != 8 && hex.len != 32) || num_parse_hex(text, UINT16_MAX, &v) < 0) {
		return false;
	}
	*ret_port = (uint16_t)v;
	bool is_v4 = hex.len == 8;
	for (size_t i = 0; hex.len > 0; i += 4) {
		if (num_parse_hex(str_take(&hex, 8), UINT32_MAX, &v) < 0) {
			return false;
		}
		uint32_t word = (uint32_t)v;
		memcpy(octets + i, &word, sizeof(word));
	}
	bool is_mapped = !is_v4 && memcmp(octets, mapped, sizeof(mapped)) == 0;
	*ret = is_v4 ? addr_v4(octets) : is_mapped ? addr_v4(octets + 12) : addr_v6(octets);
	return true;
}

/* @return false: the line is of no interest. */
static bool take_line(struct str line, struct live_socket *ret)
{
	struct live_socket s = {0};
	uint64_t v = 0;

	(void)take_word(&line);
	if (!take_end(take_word(&line), &s.local, &s.local_port) ||
	    !take_end(take_word(&line), &s.remote, &s.port) ||
	    num_parse_hex(take_word(&line), 255, &v) < 0) {
		return false;
	}
	s.is_open = v == TCP_ESTABLISHED;
	bool is_mail = s.port == 25 || s.port == 465 || s.port == 587;
	if (!is_mail || (v != TCP_ESTABLISHED && v != TCP_SYN_SENT)) {
		return false;
	}
	for (int skip = 0; skip < 3; skip++) {
		(void)take_word(&line); /* queues, timer, retransmissions */
	}
	if (num_parse_u64(take_word(&line), UINT32_MAX, &v) < 0) {
		return false;
	}
	s.uid = (uint32_t)v;
	(void)take_word(&line);
	if (num_parse_u64(take_word(&line), UINT64_MAX, &s.inode) < 0) {
		return false;
	}
	*ret = s;
	/* To itself is no delivery elsewhere. */
	return !is_loopback(&s.remote) && !addr_is_equal(&s.remote, &s.local);
}

static struct live_socket *find(struct live *l, const struct live_socket *s)
{
	for (size_t i = 0; i < l->count; i++) {
		struct live_socket *x = &l->sockets[i];
		if (x->local_port == s->local_port && x->port == s->port &&
		    addr_is_equal(&x->remote, &s->remote) && x->uid == s->uid) {
			return x;
		}
	}
	return NULL;
}

static void take_table(struct live *l, const struct uids *u, struct str text)
{
	struct live_socket s;

	while (text.len > 0) {
		if (!take_line(str_take_until(&text, '\n'), &s)) {
			continue;
		}
		if (is_mta(u, s.uid)) {
			l->by_mta++;
			continue;
		}
		struct live_socket *known = find(l, &s);
		if (known != NULL) {
			known->is_open = known->is_open || s.is_open;
			known->inode = s.inode != 0 ? s.inode : known->inode;
		} else if (l->count == LIVE_SOCKETS_MAX) {
			l->left_out++;
		} else {
			name_user(u, &s);
			l->sockets[l->count++] = s;
		}
	}
}

/* ---- processes ---- */

static void read_link(int process, const char *what, char *ret, size_t size)
{
	ssize_t got = process < 0 ? -1 : readlinkat(process, what, ret, size - 1);

	ret[got > 0 ? got : 0] = '\0';
}

static void describe(const char *root, const char *pid, struct live_process *p)
{
	char path[64];
	struct buf text;
	uint64_t number = 0;

	if (num_parse_u64(str_of(pid), UINT32_MAX, &number) < 0 || number == 0) {
		return;
	}
	p->pid = (uint32_t)number;
	(void)snprintf(path, sizeof(path), "/proc/%.10s", pid);
	int fd = open_folder(root, path);
	read_link(fd, "exe", p->exe, sizeof(p->exe));
	read_link(fd, "cwd", p->cwd, sizeof(p->cwd));
	fd_close(&fd);
	(void)snprintf(path, sizeof(path), "/proc/%.10s/cmdline", pid);
	buf_init(&text, 65536);
	(void)(read_below(root, path, &text, NULL) < 0);
	for (size_t i = 0; i < text.len; i++) {
		text.ptr[i] = text.ptr[i] == '\0' ? ' ' : text.ptr[i];
	}
	(void)str_copy(p->cmdline, sizeof(p->cmdline), str_trim(buf_str(&text)));
	buf_done(&text);
}

/* "1234 (any name)) S 77 …": the parent stands after the last parenthesis. */
static void describe_parent(const char *root, const char *pid, struct live_process *p)
{
	char path[64];
	char parent[16];
	struct buf text;

	(void)snprintf(path, sizeof(path), "/proc/%.10s/stat", pid);
	buf_init(&text, 4096);
	(void)(read_below(root, path, &text, NULL) < 0);
	struct str rest = buf_str(&text);
	size_t at = rest.len;
	while (at > 0 && rest.ptr[at - 1] != ')') {
		at--;
	}
	rest = str_skip(rest, at);
	(void)take_word(&rest);
	(void)str_copy(parent, sizeof(parent), take_word(&rest));
	buf_done(&text);
	describe(root, parent, p);
}

/* Does one of its open files belong to a connection that is looked for? */
static void look_into(const char *root, const char *pid, struct live *l, size_t *files)
{
	char path[64];
	char link[64];
	(void)snprintf(path, sizeof(path), "/proc/%.10s/fd", pid);
	DIR *dir = list_folder(root, path);
	const struct dirent *e;

	if (dir == NULL) {
		l->is_blind = l->is_blind || errno == EACCES;
		return;
	}
	while ((e = readdir(dir)) != NULL && (*files)++ < FILES_MAX) {
		ssize_t got = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
		struct str text = {link, got > 0 ? (size_t)got : 0};
		uint64_t inode = 0;
		if (!str_has_prefix(text, STR("socket:[")) || text.len < 10 ||
		    num_parse_u64((struct str){text.ptr + 8, text.len - 9}, UINT64_MAX, &inode) <
			    0) {
			continue;
		}
		for (size_t i = 0; i < l->count; i++) {
			struct live_socket *s = &l->sockets[i];
			if (s->inode == inode && s->process.pid == 0) {
				describe(root, pid, &s->process);
				describe_parent(root, pid, &s->parent);
			}
		}
	}
	closedir(dir);
}

static void find_processes(const char *root, struct live *l)
{
	DIR *dir = list_folder(root, "/proc");
	size_t processes = 0;
	size_t files = 0;
	const struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL && processes < PROCESSES_MAX) {
		if (char_is_digit(e->d_name[0]) && strlen(e->d_name) <= 10) {
			processes++;
			look_into(root, e->d_name, l, &files);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

int live_begin(const struct live_opts *o, struct live *ret, struct errmsg *reterr)
{
	*ret = (struct live){.sockets = calloc(LIVE_SOCKETS_MAX, sizeof(*ret->sockets))};
	if (ret->sockets == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	int r = live_look(o, ret, reterr);
	if (r < 0) {
		live_done(ret);
	}
	return r;
}

int live_look(const struct live_opts *o, struct live *l, struct errmsg *reterr)
{
	struct uids u;
	struct buf table;

	load_uids(o, &u);
	l->by_mta = 0;
	buf_init(&table, TABLE_MAX);
	int r = read_below(o->root, "/proc/net/tcp", &table, reterr);
	if (r == 0) {
		take_table(l, &u, buf_str(&table));
		buf_clear(&table);
		if (read_below(o->root, "/proc/net/tcp6", &table, NULL) == 0) {
			take_table(l, &u, buf_str(&table));
		}
	}
	buf_done(&table);
	buf_done(&u.passwd);
	bool is_asked = false;
	for (size_t i = 0; i < l->count; i++) {
		is_asked = is_asked || (l->sockets[i].process.pid == 0 && l->sockets[i].inode != 0);
	}
	if (r == 0 && is_asked) {
		find_processes(o->root, l);
	}
	return r;
}

void live_done(struct live *l)
{
	free(l->sockets);
	*l = (struct live){0};
}

bool live_is_direct(const struct live_socket *s)
{
	return s->port == 25;
}
