/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_save: the checkpoint. Layer: core (pure).
 *
 * Version, names of the networks, brake and counters; then one record a source (length, state,,
 * its vote on f0 when there is one), a length of zero, and how many there were. The shared
 * campaigns of the last hour are not kept.
 */
#include "core/judge_inside.h"

#include "base/cur.h"

#include <errno.h>
#include <string.h>

#include "core/wire.h"

#include "base/poison.h"

/* 2: with f0 of each network and the votes. */
#define SAVE_VERSION 2
#define SAVE_VERSION_BEFORE 1
#define RECORD_MAX (SOURCE_STATE_ENCODED_MAX + SITE_VOTE_ENCODED_MAX)
#define NAME_MAX_OCTETS 255

static_assert(BRAKE_ENCODED_MAX + NETWORKS_MAX * (NAME_MAX_OCTETS + 4) + JUDGE_SITE_ENCODED_MAX +
			      RECORD_MAX + 256 <=
		      JUDGE_SAVE_OVER,
	      "a part is never much longer than asked for");

/* Make room, write with a cursor, keep what was written. */
static void add(struct buf *out, size_t most, void (*put)(struct enc *e, const void *what),
		const void *what)
{
	char *at = buf_reserve(out, most);

	if (at != NULL) {
		struct enc e = enc_of(at, most);
		put(&e, what);
		int n = enc_end(&e);
		if (n < 0) {
			out->err = n;
			return;
		}
		out->len += (size_t)n;
	}
}

/* Which lists the hits of a source are on: their names, in order. */
static uint64_t lists_hash(const struct policy *p)
{
	static const struct siphash_key key = {0x6c69737473, 1};
	uint64_t h = p->list_count;

	for (size_t i = 0; i < p->list_count && i < LISTS_MAX; i++) {
		struct str name = str_of(p->lists[i].name);
		h = h * UINT64_C(0x100000001b3) ^ siphash(&key, name.ptr, name.len);
	}
	return h;
}

static void put_head(struct enc *e, const void *what)
{
	const struct judge *j = what;
	const struct policy *p = j->opts.policy;

	enc_uint(e, 1, SAVE_VERSION);
	enc_uint(e, 2, p->network_count);
	for (size_t i = 0; i < p->network_count; i++) {
		enc_str(e, str_head(str_of(p->networks[i].name), NAME_MAX_OCTETS));
	}
	brake_put(e, &j->brake);
	enc_bool(e, j->is_guarded);
	enc_uint(e, 4, j->day);
	enc_uint(e, 4, j->active_today);
	enc_uint(e, 4, j->active_yesterday);
	enc_uint(e, 8, j->stats.messages);
	enc_uint(e, 8, j->stats.sessions);
	enc_uint(e, 8, j->stats.one_sided);
	enc_uint(e, 8, j->stats.forgotten);
	judge_site_put(e, j);
	enc_uint(e, 8, lists_hash(p));
}

struct source_of {
	const struct judge *judge;
	const struct source_state *source;
};

static void put_source(struct enc *e, const void *what)
{
	const struct source_of *one = what;
	uint8_t state[RECORD_MAX];
	struct enc inner = enc_of(state, sizeof(state));

	source_state_put(&inner, one->source);
	judge_site_put_vote(&inner, one->judge, one->source);
	int n = enc_end(&inner);
	if (n < 0) {
		e->err = n;
		return;
	}
	enc_uint(e, 2, (uint64_t)n);
	enc_bytes(e, state, (size_t)n);
}

static void put_end(struct enc *e, const void *what)
{
	const struct judge_save *s = what;

	enc_uint(e, 2, 0);
	enc_uint(e, 4, s->count);
}

bool judge_save(const struct judge *j, struct judge_save *s, size_t part, struct buf *out)
{
	size_t start = out->len;

	if (!s->is_begun) {
		size_t names = j->opts.policy->network_count * (NAME_MAX_OCTETS + 4);
		add(out, BRAKE_ENCODED_MAX + names + JUDGE_SITE_ENCODED_MAX + 256, put_head, j);
		s->is_begun = true;
	}
	while (s->next < source_table_end(j->table)) {
		if (out->len - start >= part) {
			return false;
		}
		const struct source_state *source = source_table_at(j->table, s->next++);
		if (source != NULL) {
			const struct source_of one = {.judge = j, .source = source};
			add(out, 2 + RECORD_MAX, put_source, &one);
			s->count++;
		}
	}
	add(out, 6, put_end, s);
	return true;
}

/* Where the networks of the checkpoint are now. */
struct network_map {
	uint16_t to[NETWORKS_MAX]; /* NETWORK_NONE: gone */
	size_t count;
	unsigned version;    /* of the checkpoint */
	bool has_same_lists; /* of URLs */
};

static void get_networks(struct cur *c, const struct policy *p, struct network_map *ret)
{
	ret->count = (size_t)cur_uint(c, 2, NETWORKS_MAX);
	for (size_t i = 0; i < ret->count; i++) {
		struct str name = cur_str(c, NAME_MAX_OCTETS);
		ret->to[i] = NETWORK_NONE;
		for (size_t n = 0; n < p->network_count && n < NETWORKS_MAX; n++) {
			if (str_is_equal(str_of(p->networks[n].name), name)) {
				ret->to[i] = (uint16_t)n;
			}
		}
	}
}

static void get_head(struct cur *c, struct judge *j, struct network_map *map)
{
	static_assert(SAVE_VERSION == SOURCE_STATE_VERSION, "they change together");
	map->version = wire_get_version_of(c, SAVE_VERSION_BEFORE, SAVE_VERSION);
	get_networks(c, j->opts.policy, map);
	brake_get(c, &j->brake);
	j->is_guarded = cur_bool(c);
	j->day = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	j->active_today = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	j->active_yesterday = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	j->stats.messages = cur_uint(c, 8, UINT64_MAX);
	j->stats.sessions = cur_uint(c, 8, UINT64_MAX);
	j->stats.one_sided = cur_uint(c, 8, UINT64_MAX);
	j->stats.forgotten = cur_uint(c, 8, UINT64_MAX);
	if (map->version > SAVE_VERSION_BEFORE) {
		judge_site_get(c, j, map->to, map->count);
		map->has_same_lists = cur_uint(c, 8, UINT64_MAX) == lists_hash(j->opts.policy);
	}
}

static void never_called(struct source_state *s, void *ctx)
{
	(void)s;
	(void)ctx;
}

/* Put one state into the table; a full table leaves it out. */
static int take_state(struct judge *j, struct source_state *read, const struct site_vote *vote)
{
	if (source_table_count(j->table) ==
	    (j->opts.sources_max == 0 ? JUDGE_SOURCES_MAX : j->opts.sources_max)) {
		source_state_forget(read, source_table_budget(j->table));
		return 0;
	}
	if (source_table_find(j->table, &read->key) != NULL) {
		source_state_forget(read, source_table_budget(j->table));
		return -EBADMSG;
	}
	struct source_state *s = source_table_touch(j->table, &read->key, never_called, NULL);
	if (s == NULL) {
		source_state_forget(read, source_table_budget(j->table));
		return -ENOMEM;
	}
	uint32_t index = s->index;
	*s = *read;
	s->index = index;
	s->flags |= STATE_IS_USED;
	judge_link(j, s);
	judge_vote(j, s, true);
	judge_hold(j, s, s->last_s);
	j->stats.by_rung[s->rung]++;
	if (vote != NULL) {
		judge_site_set_vote(j, s, vote);
	}
	return 0;
}

static int get_source(struct cur *c, struct judge *j, const struct network_map *map, size_t len)
{
	struct str record = cur_bytes(c, len);
	struct cur inner = cur_of(record.ptr, record.len);
	struct source_state s;
	struct site_vote vote;

	source_state_get(&inner, map->version, &s, source_table_budget(j->table));
	if (s.facts != NULL && !map->has_same_lists) {
		s.facts->list_since_s = 0; /* hits on lists that are others now */
		s.facts->list_micro = 0;
	}
	bool has_vote = map->version > SAVE_VERSION_BEFORE && judge_site_get_vote(&inner, &vote);
	if (cur_end(&inner) < 0 || s.first_s == 0 ||
	    (s.key.network != NETWORK_NONE && s.key.network >= map->count)) {
		source_state_forget(&s, source_table_budget(j->table));
		return -EBADMSG;
	}
	if (s.key.network != NETWORK_NONE) {
		if (map->to[s.key.network] == NETWORK_NONE) {
			source_state_forget(&s, source_table_budget(j->table));
			return 0;
		}
		s.key.network = map->to[s.key.network];
	}
	return take_state(j, &s, has_vote ? &vote : NULL);
}

static int get_sources(struct cur *c, struct judge *j, const struct network_map *map)
{
	uint32_t count = 0;

	for (;;) {
		size_t len = (size_t)cur_uint(c, 2, RECORD_MAX);
		if (len == 0 || c->err != 0) {
			break;
		}
		int r = get_source(c, j, map, len);
		if (r < 0) {
			return r;
		}
		count++;
	}
	if (cur_uint(c, 4, UINT32_MAX) != count) {
		return -EBADMSG;
	}
	return cur_end(c);
}

static void start_over(struct judge *j)
{
	judge_drop_logs(j);
	judge_site_reset(j);
	source_table_clear(j->table);
	for (uint32_t i = 0; i < server_book_count(j->servers); i++) {
		j->server_first[i] = SOURCE_NONE;
	}
	brake_lift(&j->brake);
	memset(&j->flagged_share, 0, sizeof(j->flagged_share));
	memset(&j->stats, 0, sizeof(j->stats));
	j->is_guarded = false;
	j->held.count = 0;
	j->changed.count = 0;
	j->day = 0;
	j->active_today = 0;
	j->active_yesterday = 0;
}

int judge_load(struct judge *j, struct str data, struct errmsg *reterr)
{
	struct cur c = cur_of(data.ptr, data.len);
	struct network_map map = {0};

	start_over(j);
	get_head(&c, j, &map);
	int r = c.err != 0 ? c.err : get_sources(&c, j, &map);
	if (r < 0) {
		start_over(j);
		return err_set(reterr, r, "the checkpoint is not whole, or of another version");
	}
	return 0;
}
