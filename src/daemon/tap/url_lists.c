/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_lists: maps and swaps. Layer: daemon.
 */
#include "daemon/tap/url_lists.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/poison.h"

/* Without these a set could shrink under our reading. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

void url_lists_init(struct url_lists *l, const struct policy *p)
{
	*l = (struct url_lists){.count = p->list_count < LISTS_MAX ? p->list_count : LISTS_MAX};
	for (size_t i = 0; i < l->count; i++) {
		l->lists[i].name = p->lists[i].name;
	}
}

static void let_go(struct url_lists *l, size_t list)
{
	if (l->blocks[list] != NULL) {
		(void)munmap(l->blocks[list], l->sizes[list]);
		l->blocks[list] = NULL;
	}
	l->lists[list].set = (struct url_set){.count = 0};
}

void url_lists_done(struct url_lists *l)
{
	for (size_t i = 0; i < l->count; i++) {
		let_go(l, i);
	}
}

bool url_lists_take(struct url_lists *l, size_t list, int fd)
{
	struct stat st;
	struct url_set set;

	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
	if (list >= l->count || seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 ||
	    st.st_size <= 0) {
		l->refused++;
		return false;
	}
	size_t size = (size_t)st.st_size;
	void *block = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (block == MAP_FAILED) {
		l->refused++;
		return false;
	}
	if (url_set_open(block, size, &set) < 0) {
		(void)munmap(block, size);
		l->refused++;
		return false;
	}
	let_go(l, list);
	l->blocks[list] = block;
	l->sizes[list] = size;
	l->lists[list].set = set;
	return true;
}

void url_lists_match(struct url_lists *l, const struct mail_view *mail, struct score *score)
{
	url_match(mail, l->lists, l->count, score);
	for (size_t i = 0; i < l->count && score->listed != 0; i++) {
		l->hits[i] += (score->listed & 1U << i) != 0;
	}
}

void url_lists_write(const struct url_lists *l, struct jsonw *w)
{
	jsonw_object(w, "list_hits");
	for (size_t i = 0; i < l->count; i++) {
		jsonw_u64(w, l->lists[i].name, l->hits[i]);
	}
	jsonw_object_end(w);
	jsonw_object(w, "list_entries");
	for (size_t i = 0; i < l->count; i++) {
		jsonw_u64(w, l->lists[i].name, l->lists[i].set.count);
	}
	jsonw_object_end(w);
	jsonw_u64(w, "lists_refused", l->refused);
}
