/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: one file at a time, in pieces. Layer: daemon.
 */
#include "daemon/desk/lists.h"

#include "conf/suffixes.h"
#include "core/url_list.h"
#include "daemon/desk/list_cache.h"
#include "sys/entropy.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define PIECE_MS 1
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Which file it was: another one in its place, or another content. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct one {
	const struct list_policy *policy;
	struct identity seen; /* what was read, or could not be */
	bool is_known;
	bool is_due;
	int set; /* sealed memory; -1: none yet */
	/* for people */
	struct wall read_at;
	uint64_t entries;
	uint64_t lines;
	uint64_t left_out;
	struct url_list_lines malformed;
	struct url_list_lines public;
	char trouble[256];
};

struct lists {
	struct lists_opts opts;
	struct loop_event *look;
	struct loop_event *piece;
	struct one all[LISTS_MAX];
	size_t count;
	/* the one that is being read */
	struct one *now; /* NULL: none */
	int fd;
	struct url_list reader;
	char *room;
	struct suffixes *suffixes;
};

/* Said once, however often a file is looked at. */
static void say(struct lists *o, struct one *one, const char *text)
{
	if (strcmp(one->trouble, text) == 0) {
		return;
	}
	snprintf(one->trouble, sizeof(one->trouble), "%s", text);
	if (o->opts.said != NULL) {
		o->opts.said(o->opts.ctx, one->policy->name, text[0] != '\0' ? one->trouble : NULL);
	}
}

static void trouble(struct lists *o, struct one *one, const char *what, int r)
{
	char text[sizeof(one->trouble)];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(-r));
	say(o, one, text);
}

static struct identity identity_of(const struct stat *st)
{
	return (struct identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Memory that nobody can change any more, with the set in it. */
static int seal_set(struct str block)
{
	int fd = memfd_create("postern-list", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : file_write_all(fd, block);

	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		r = -errno;
	}
	if (r < 0) {
		fd_close(&fd);
	}
	return r < 0 ? r : fd;
}

static int build_set(const struct lists *o, const struct one *one, struct wall now)
{
	const struct url_list *reader = &o->reader;
	size_t size = url_set_size(reader->count);
	void *block = aligned_alloc(16, (size + 15) / 16 * 16);

	if (block == NULL) {
		return -ENOMEM;
	}
	url_set_build(&reader->key, reader->hashes, reader->count, reader->kinds, block);
	const struct str whole = {block, size};
	int fd = seal_set(whole);
	if (fd >= 0 && o->opts.folder != NULL) {
		/* A full disk costs the list after the next restart at most. */
		(void)!list_cache_put(o->opts.folder, one->policy, whole, now);
	}
	free(block);
	return fd;
}

/* Most of its lines hold no entry: that is no list, or not any more. */
static bool is_damaged(const struct url_list *l, char *why, size_t size)
{
	if (l->lines == 0) {
		snprintf(why, size, "the file is empty: not taken");
		return true;
	}
	if (l->malformed.count <= l->count + l->left_out) {
		return false;
	}
	snprintf(why, size, "line %llu ('%s'): %llu of %llu lines hold no entry: not taken",
		 (unsigned long long)l->malformed.first, l->malformed.text,
		 (unsigned long long)l->malformed.count, (unsigned long long)l->lines);
	return true;
}

static void stop_reading(struct lists *o)
{
	fd_close(&o->fd);
	url_list_done(&o->reader);
	o->now = NULL;
}

static void finish(struct lists *o)
{
	struct one *one = o->now;
	char why[sizeof(one->trouble)];
	struct wall now = wall_now();

	int r = url_list_end(&o->reader);
	if (r == 0 && is_damaged(&o->reader, why, sizeof(why))) {
		say(o, one, why);
		stop_reading(o);
		return;
	}
	int fd = r < 0 ? r : build_set(o, one, now);
	if (fd < 0) {
		trouble(o, one, "cannot hold the list", fd);
		stop_reading(o);
		return;
	}
	fd_close(&one->set);
	one->set = fd;
	one->read_at = now;
	one->entries = o->reader.count;
	one->lines = o->reader.lines;
	one->malformed = o->reader.malformed;
	one->public = o->reader.public;
	one->left_out = o->reader.left_out;
	say(o, one, "");
	stop_reading(o);
	o->opts.ready(o->opts.ctx, (size_t)(one - o->all), one->set);
}

static void start_reading(struct lists *o, struct one *one)
{
	struct stat st;
	const struct siphash_key key = entropy_siphash_key();

	one->is_due = false;
	o->fd = open(one->policy->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (o->fd < 0 || fstat(o->fd, &st) < 0) {
		trouble(o, one, "cannot read it", -errno);
		fd_close(&o->fd);
		return;
	}
	one->seen = identity_of(&st);
	one->is_known = true;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > LISTS_FILE_MAX) {
		trouble(o, one, "is no file of up to 1 GiB",
			S_ISREG(st.st_mode) ? -EFBIG : -EINVAL);
		fd_close(&o->fd);
		return;
	}
	url_list_init(&o->reader, &one->policy->format, &key, one->policy->entries_max);
	url_list_know_suffixes(&o->reader, suffixes_has, o->suffixes);
	o->now = one;
}

static void read_piece(void *ctx)
{
	struct lists *o = ctx;

	for (size_t i = 0; i < o->count && o->now == NULL; i++) {
		if (o->all[i].is_due) {
			start_reading(o, &o->all[i]);
		}
	}
	if (o->now == NULL) {
		return;
	}
	ssize_t n = read(o->fd, o->room, LISTS_PIECE);
	if (n > 0) {
		url_list_step(&o->reader, (struct str){o->room, (size_t)n});
	} else if (n == 0) {
		finish(o);
	} else if (errno != EINTR && errno != EAGAIN) {
		trouble(o, o->now, "cannot read it", -errno);
		stop_reading(o);
	}
	loop_timer_once(o->piece, PIECE_MS);
}

void lists_look(struct lists *o)
{
	struct stat st;

	for (size_t i = 0; i < o->count; i++) {
		struct one *one = &o->all[i];
		if (one == o->now) {
			continue; /* if it changes under our hands it is another next time */
		}
		if (stat(one->policy->file, &st) < 0) {
			trouble(o, one, "cannot read it", -errno);
			continue;
		}
		const struct identity id = identity_of(&st);
		one->is_due = one->is_due || !one->is_known || !is_same(&id, &one->seen);
	}
	loop_timer_once(o->piece, PIECE_MS);
}

static void look(void *ctx)
{
	lists_look(ctx);
}

void lists_tell(struct lists *o)
{
	for (size_t i = 0; i < o->count; i++) {
		if (o->all[i].set >= 0) {
			o->opts.ready(o->opts.ctx, i, o->all[i].set);
		}
	}
}

/* What was known before the restart, until the file itself is read. */
static void take_back(struct lists *o, struct one *one)
{
	struct cached_list kept;

	if (list_cache_get(o->opts.folder, one->policy, &kept) < 0) {
		return;
	}
	int fd = seal_set((struct str){kept.block, kept.size});
	if (fd >= 0) {
		one->set = fd;
		one->entries = kept.entries;
		one->read_at = kept.read_at;
	}
	free(kept.block);
}

int lists_new(const struct lists_opts *opts, struct lists **ret, struct errmsg *reterr)
{
	struct lists *o = calloc(1, sizeof(*o));
	const struct policy *p = opts->policy;
	struct loop *l = opts->loop;

	if (o == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	o->opts = *opts;
	o->fd = -1;
	o->count = p->list_count < LISTS_MAX ? p->list_count : LISTS_MAX;
	for (size_t i = 0; i < o->count; i++) {
		o->all[i].policy = &p->lists[i];
		o->all[i].set = -1;
	}
	if (opts->folder != NULL) {
		list_cache_sweep(opts->folder, p);
		for (size_t i = 0; i < o->count; i++) {
			take_back(o, &o->all[i]);
		}
	}
	int r = o->count > 0 ? suffixes_load(&o->suffixes, reterr) : 0;
	if (r < 0) {
		lists_free(o);
		return r;
	}
	o->room = malloc(LISTS_PIECE);
	o->look = loop_timer(l, look, o);
	o->piece = loop_timer(l, read_piece, o);
	if (o->room == NULL || o->look == NULL || o->piece == NULL) {
		lists_free(o);
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	if (o->count > 0) {
		lists_look(o);
		loop_timer_every(o->look, LISTS_LOOK_MS);
	}
	*ret = o;
	return 0;
}

void lists_free(struct lists *o)
{
	if (o == NULL) {
		return;
	}
	if (o->now != NULL) {
		stop_reading(o);
	}
	for (size_t i = 0; i < o->count; i++) {
		fd_close(&o->all[i].set);
	}
	loop_event_free(o->look);
	loop_event_free(o->piece);
	suffixes_free(o->suffixes);
	free(o->room);
	free(o);
}

static void write_lines(struct jsonw *w, const char *count, const char *first,
			const struct url_list_lines *l)
{
	jsonw_u64(w, count, l->count);
	if (l->count > 0) {
		jsonw_u64(w, first, l->first);
	} else {
		jsonw_null(w, first);
	}
}

void lists_write(const struct lists *o, struct jsonw *w, const char *key)
{
	jsonw_array(w, key);
	for (size_t i = 0; o != NULL && i < o->count; i++) {
		const struct one *one = &o->all[i];
		jsonw_object(w, NULL);
		jsonw_cstr(w, "name", one->policy->name);
		jsonw_cstr(w, "file", one->policy->file);
		jsonw_u64(w, "entries", one->entries);
		jsonw_u64(w, "lines", one->lines);
		jsonw_u64(w, "left_out", one->left_out);
		write_lines(w, "malformed", "first_malformed_line", &one->malformed);
		write_lines(w, "public_suffixes", "first_public_suffix_line", &one->public);
		if (one->read_at.ns > 0) {
			jsonw_time(w, "read_at", one->read_at);
		} else {
			jsonw_null(w, "read_at");
		}
		jsonw_cstr(w, "trouble", one->trouble[0] != '\0' ? one->trouble : NULL);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}
