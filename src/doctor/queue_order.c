/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_order: a plan read back from its file, which is checked like a stranger's text.
 * Layer: doctor.
 */
#include "base/num.h"
#include "doctor/queue_plan.h"
#include "proto/queue_exim.h"
#include "proto/queue_postfix.h"
#include "sys/files.h"
#include "sys/jsonr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define TEXTS_MAX ((size_t)64 << 20)

static bool check_parse(struct str text, uint8_t ret[static QUEUE_CHECK_OCTETS])
{
	if (text.len != 2 * QUEUE_CHECK_OCTETS) {
		return false;
	}
	for (size_t i = 0; i < QUEUE_CHECK_OCTETS; i++) {
		int high = num_hex_digit(text.ptr[2 * i]);
		int low = num_hex_digit(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0) {
			return false;
		}
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* An id goes to a program of the mail server: it is an id or nothing. */
static bool is_id(enum log_mta mta, struct str id)
{
	return mta == LOG_MTA_EXIM ? queue_exim_is_id(id) : queue_postfix_is_id(id);
}

static int read_items(struct queue_order *o, const struct jsonr *list, struct sha256 *hash)
{
	size_t n = jsonr_count(list);

	if (jsonr_type(list) != JSONR_ARRAY || n > QUEUE_LIST_MAX) {
		return -EBADMSG;
	}
	o->items = calloc(n + 1, sizeof(*o->items));
	if (o->items == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const struct jsonr *one = jsonr_at(list, i);
		struct queue_order_item *it = &o->items[o->count++];
		struct str check = jsonr_str(jsonr_get(one, "check"));
		struct str place = jsonr_str(jsonr_get(one, "queue"));
		struct str id = jsonr_str(jsonr_get(one, "id"));
		if (!is_id(o->mta, id) || !check_parse(check, it->check)) {
			return -EBADMSG;
		}
		it->id = arena_copy(o->texts, id);
		if (it->id.len == 0) {
			return -ENOMEM;
		}
		it->was_held = str_is_equal(place, STR("hold")) ||
			       str_is_equal(place, STR("frozen"));
		sha256_add(hash, id.ptr, id.len);
		sha256_add(hash, " ", 1);
		sha256_add(hash, check.ptr, check.len);
		sha256_add(hash, "\n", 1);
	}
	return 0;
}

static int read_sources(struct queue_order *o, const struct jsonr *list)
{
	size_t n = jsonr_count(list);

	for (size_t i = 0; i < n; i++) {
		const struct jsonr *one = jsonr_at(list, i);
		struct str kind = jsonr_str(jsonr_get(one, "kind"));
		struct str name = jsonr_str(jsonr_get(one, "name"));
		if (o->source_count == QUEUE_GROUPS_MAX) {
			return -EBADMSG;
		}
		int k = 0;
		while (k < SOURCE_KIND_COUNT &&
		       !str_is_equal(kind, str_of(source_kind_name((enum source_kind)k)))) {
			k++;
		}
		if (k == SOURCE_KIND_COUNT || name.len == 0) {
			return -EBADMSG;
		}
		o->sources[o->source_count].kind = (enum source_kind)k;
		o->sources[o->source_count++].name = arena_copy(o->texts, name);
	}
	return n > 0 ? 0 : -EBADMSG;
}

static int read_plan(struct queue_order *o, const struct jsonr *plan)
{
	struct sha256 hash;
	uint8_t octets[SHA256_OCTETS];
	char text[SHA256_TEXT_SIZE];
	struct str queue = jsonr_str(jsonr_get(plan, "queue"));

	o->mta = queue_mta_of(jsonr_str(jsonr_get(plan, "mta")));
	o->is_copy = jsonr_bool(jsonr_get(plan, "copy"));
	if (!str_is_equal(jsonr_str(jsonr_get(plan, "type")), STR("queue_plan")) ||
	    jsonr_i64(jsonr_get(plan, "version")) != 1 || o->mta == LOG_MTA_NONE ||
	    queue.len == 0 || !str_copy(o->queue, sizeof(o->queue), queue) ||
	    wall_parse(jsonr_str(jsonr_get(plan, "made_at")), &o->made_at) < 0) {
		return -EBADMSG;
	}
	int r = read_sources(o, jsonr_get(plan, "sources"));
	if (r < 0) {
		return r;
	}
	sha256_init(&hash);
	r = read_items(o, jsonr_get(plan, "messages"), &hash);
	if (r < 0) {
		return r;
	}
	sha256_end(&hash, octets);
	struct str said = jsonr_str(jsonr_get(plan, "list_hash"));
	return str_is_equal(said, str_of(sha256_format(octets, text))) ? 0 : -ESTALE;
}

int queue_order_read(const char *path, struct queue_order *ret, struct errmsg *reterr)
{
	struct queue_order o = {.texts = arena_new(TEXTS_MAX)};
	struct buf text;
	struct jsonr *plan = NULL;

	buf_init(&text, QUEUE_PLAN_MAX);
	int r = o.texts == NULL ? err_set(reterr, -ENOMEM, "no memory")
				: file_read(path, &text, reterr);
	if (r == 0) {
		plan = jsonr_parse(buf_str(&text), reterr);
		r = plan == NULL ? err_prefix(reterr, -EBADMSG, "%s", path) : read_plan(&o, plan);
		if (r == -ESTALE) {
			r = err_set(reterr, r, "%s: its list of messages was changed", path);
		} else if (plan != NULL && r < 0) {
			r = err_set(reterr, r, "%s is no plan of this program", path);
		}
	}
	jsonr_free(plan);
	buf_done(&text);
	if (r < 0) {
		queue_order_done(&o);
		return r;
	}
	*ret = o;
	return 0;
}

void queue_order_done(struct queue_order *o)
{
	free(o->items);
	o->items = NULL;
	o->count = 0;
	arena_free(o->texts);
	o->texts = NULL;
}
