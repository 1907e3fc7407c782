/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: pages in a chain, the newest first. Layer: base.
 */
#include "base/arena.h"

#include "base/assert.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define PAGE_SIZE_FIRST 1024

struct page {
	struct page *older;
	size_t used;
	size_t size; /* of data */
	alignas(max_align_t) char data[];
};

struct arena {
	size_t max;
	size_t taken;
	struct page *newest; /* the oldest one holds the arena's first octets and stays */
};

static struct page *page_new(struct arena *a, size_t size)
{
	if (size > a->max || a->taken + sizeof(struct page) > a->max - size) {
		return NULL;
	}
	struct page *p = malloc(sizeof(*p) + size);
	if (p == NULL) {
		return NULL;
	}
	*p = (struct page){.older = a->newest, .size = size};
	a->newest = p;
	a->taken += sizeof(*p) + size;
	return p;
}

struct arena *arena_new(size_t max)
{
	ASSERT(max >= 256);
	struct arena *a = malloc(sizeof(*a));

	if (a != NULL) {
		*a = (struct arena){.max = max, .taken = sizeof(*a)};
	}
	return a;
}

void arena_clear(struct arena *a)
{
	while (a->newest != NULL && a->newest->older != NULL) {
		struct page *p = a->newest;
		a->newest = p->older;
		a->taken -= sizeof(*p) + p->size;
		free(p);
	}
	if (a->newest != NULL) {
		a->newest->used = 0;
	}
}

void arena_free(struct arena *a)
{
	if (a != NULL) {
		arena_clear(a);
		free(a->newest);
		free(a);
	}
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);

	if (size > a->max) {
		return NULL;
	}
	size = (size + align - 1) / align * align;
	struct page *p = a->newest;
	if (p == NULL || p->size - p->used < size) {
		size_t wanted = p == NULL ? PAGE_SIZE_FIRST : p->size * 2;
		size_t room = a->max - a->taken;
		room = room > sizeof(*p) ? room - sizeof(*p) : 0;
		wanted = wanted > room ? room : wanted;
		p = page_new(a, wanted > size ? wanted : size);
		if (p == NULL) {
			return NULL;
		}
	}
	void *at = p->data + p->used;
	p->used += size;
	memset(at, 0, size);
	return at;
}

struct str arena_copy(struct arena *a, struct str s)
{
	char *at = arena_alloc(a, s.len);

	if (at == NULL) {
		return STR_EMPTY;
	}
	if (s.len > 0) {
		memcpy(at, s.ptr, s.len);
	}
	return (struct str){at, s.len};
}

size_t arena_size(const struct arena *a)
{
	return a->taken;
}
