/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_book: servers by prefix. Layer: core (pure).
 */
#include "core/server_book.h"

#include "base/assert.h"
#include "base/map.h"

#include <stdlib.h>

#include "base/poison.h"

struct entry {
	struct prefix prefix;
	uint32_t server;
};

struct server_book {
	const struct server **servers;
	uint32_t server_count;
	struct entry *entries;
	size_t entry_count;
	struct map *by_prefix;
	bool has_len_v4[33]; /* lengths that occur: no others are looked for */
	bool has_len_v6[129];
};

static struct str entry_key(const void *item)
{
	const struct entry *e = item;

	return (struct str){(const char *)&e->prefix, sizeof(e->prefix)};
}

void server_book_free(struct server_book *b)
{
	if (b != NULL) {
		map_free(b->by_prefix);
		free(b->entries);
		free(b->servers);
		free(b);
	}
}

static int add(struct server_book *b, const struct prefix *p, uint32_t server)
{
	struct entry *e = &b->entries[b->entry_count];

	*e = (struct entry){.prefix = *p, .server = server};
	if (map_find(b->by_prefix, entry_key(e)) != NULL) {
		return 0; /* the first in the file counts; the configuration refuses doubles */
	}
	if (p->addr.family == 6) {
		b->has_len_v6[p->len] = true;
	} else {
		b->has_len_v4[p->len] = true;
	}
	b->entry_count++;
	return map_add(b->by_prefix, e);
}

static int fill(struct server_book *b, const struct policy *p)
{
	for (size_t t = 0; t < p->tenant_count; t++) {
		for (size_t i = 0; i < p->tenants[t].server_count; i++) {
			const struct server *server = &p->tenants[t].servers[i];
			b->servers[b->server_count] = server;
			for (size_t s = 0; s < server->source_count; s++) {
				int r = add(b, &server->sources[s], b->server_count);
				if (r < 0) {
					return r;
				}
			}
			b->server_count++;
		}
	}
	return 0;
}

struct server_book *server_book_new(const struct policy *p, const struct siphash_key *key)
{
	struct server_book *b = calloc(1, sizeof(*b));
	size_t servers = 0;
	size_t entries = 0;

	if (b == NULL) {
		return NULL;
	}
	for (size_t t = 0; t < p->tenant_count; t++) {
		servers += p->tenants[t].server_count;
		for (size_t i = 0; i < p->tenants[t].server_count; i++) {
			entries += p->tenants[t].servers[i].source_count;
		}
	}
	b->servers = calloc(servers + 1, sizeof(struct server *));
	b->entries = calloc(entries + 1, sizeof(*b->entries));
	b->by_prefix = map_new(entries + 1, key, entry_key);
	if (b->servers == NULL || b->entries == NULL || b->by_prefix == NULL || fill(b, p) < 0) {
		server_book_free(b);
		return NULL;
	}
	return b;
}

uint32_t server_book_count(const struct server_book *b)
{
	return b->server_count;
}

uint32_t server_book_find(const struct server_book *b, const struct prefix *source)
{
	const bool *has_len = source->addr.family == 6 ? b->has_len_v6 : b->has_len_v4;

	for (unsigned len = source->len + 1U; len-- > 0;) {
		if (!has_len[len]) {
			continue;
		}
		struct entry key = {.prefix = prefix_of(&source->addr, len)};
		const struct entry *e = map_find(b->by_prefix, entry_key(&key));
		if (e != NULL) {
			return e->server;
		}
	}
	return SERVER_BOOK_NONE;
}

const struct server *server_book_get(const struct server_book *b, uint32_t server)
{
	ASSERT(server < b->server_count);
	return b->servers[server];
}
