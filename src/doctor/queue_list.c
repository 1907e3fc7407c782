/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_list: the messages of a queue in memory. Layer: doctor.
 */
#include "doctor/queue_list.h"

#include "doctor/queue_read.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* All texts together; what does not fit is left empty, and the message stays in the queue. */
#define TEXTS_MAX ((size_t)192 << 20)
#define SUBJECT_MAX 96
#define ADDRESS_MAX 256
#define PROGRESS_EVERY 1000

static struct str source_key(const void *item)
{
	return str_of(((const struct queue_source *)item)->key);
}

static struct str known_key(const void *item)
{
	return ((const struct queue_known *)item)->id;
}

struct queue_list *queue_list_new(void)
{
	struct queue_list *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return NULL;
	}
	l->key = entropy_siphash_key();
	l->by_source = map_new(QUEUE_SOURCES_MAX, &l->key, source_key);
	l->by_id = map_new(QUEUE_LIST_MAX, &l->key, known_key);
	l->texts = arena_new(TEXTS_MAX);
	if (l->by_source == NULL || l->by_id == NULL || l->texts == NULL) {
		queue_list_free(l);
		return NULL;
	}
	return l;
}

void queue_list_free(struct queue_list *l)
{
	if (l == NULL) {
		return;
	}
	for (size_t i = 0; i < l->source_count; i++) {
		free(l->sources[i]);
	}
	map_free(l->by_source);
	map_free(l->by_id);
	arena_free(l->texts);
	free(l->items);
	free(l->infos);
	free(l);
}

/* ---- sources ---- */

static void write_key(char key[static ATTRIBUTION_TEXT_MAX + 1], enum source_kind kind,
		      struct str name)
{
	key[0] = (char)('a' + kind);
	(void)str_copy(key + 1, ATTRIBUTION_TEXT_MAX, name);
}

static struct queue_source *source_get(struct queue_list *l, enum source_kind kind, struct str name)
{
	char key[ATTRIBUTION_TEXT_MAX + 1];

	write_key(key, kind, name);
	struct queue_source *s = map_find(l->by_source, str_of(key));
	if (s != NULL || l->source_count == QUEUE_SOURCES_MAX) {
		return s;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return NULL;
	}
	memcpy(s->key, key, sizeof(key));
	s->kind = kind;
	s->name = s->key + 1;
	s->number = (uint32_t)l->source_count;
	if (map_add(l->by_source, s) < 0) {
		free(s);
		return NULL;
	}
	l->sources[l->source_count++] = s;
	return s;
}

const struct queue_source *queue_list_find_source(const struct queue_list *l, enum source_kind kind,
						  struct str name)
{
	char key[ATTRIBUTION_TEXT_MAX + 1];

	write_key(key, kind, name);
	return map_find(l->by_source, str_of(key));
}

static bool is_this_machine(struct str addr)
{
	return str_is_equal(addr, STR("127.0.0.1")) || str_is_equal(addr, STR("::1"));
}

/* The same names as core/attribution gives to what it reads in a log. */
static struct queue_source *source_of(struct queue_list *l, const struct queue_mail *m,
				      bool is_bounce)
{
	char name[32];

	if (is_bounce) {
		return source_get(l, SOURCE_SERVER, STR("bounces"));
	}
	if (m->account.len > 0) {
		return source_get(l, SOURCE_ACCOUNT, m->account);
	}
	if (m->client_addr.len > 0 && !is_this_machine(m->client_addr)) {
		return source_get(l, SOURCE_ADDRESS, m->client_addr);
	}
	if (m->login.len > 0) {
		return source_get(l, SOURCE_USER, m->login);
	}
	if (m->has_uid) {
		(void)snprintf(name, sizeof(name), "uid %u", m->uid);
		return source_get(l, SOURCE_USER, str_of(name));
	}
	return source_get(l, SOURCE_SERVER, STR("localhost"));
}

/* ---- loading ---- */

struct load {
	struct queue_list *list;
	const struct queue_dir *queue;
	const struct queue_load_opts *opts;
	struct queue_reader reader;
	size_t visited;
};

static void hash_text(struct sha256 *h, struct str s)
{
	uint32_t len = (uint32_t)s.len;

	/* With its length: "a","bc" is not "ab","c". */
	sha256_add(h, &len, sizeof(len));
	sha256_add(h, s.ptr == NULL ? "" : s.ptr, s.len);
}

/* What stays the same while a message waits, whatever folder it is in and how often it was tried.
 */
static void check_of(const struct queue_reader *r, struct str id, const struct queue_source *s,
		     uint8_t ret[static QUEUE_CHECK_OCTETS])
{
	struct sha256 h;
	uint8_t whole[SHA256_OCTETS];

	sha256_init(&h);
	hash_text(&h, id);
	hash_text(&h, r->mail.sender);
	hash_text(&h, str_of(s->key));
	hash_text(&h, r->view->message_id);
	hash_text(&h, r->view->subject);
	sha256_add(&h, &r->mail.arrival.ns, sizeof(r->mail.arrival.ns));
	sha256_end(&h, whole);
	memcpy(ret, whole, QUEUE_CHECK_OCTETS);
}

static int make_room(struct queue_list *l)
{
	if (l->count < l->size) {
		return 0;
	}
	size_t size = l->size == 0 ? 1024 : l->size * 2;
	struct queue_item *items = realloc(l->items, size * sizeof(*items));
	if (items == NULL) {
		return -ENOMEM;
	}
	l->items = items;
	struct queue_info *infos = realloc(l->infos, size * sizeof(*infos));
	if (infos == NULL) {
		return -ENOMEM;
	}
	l->infos = infos;
	l->size = size;
	return 0;
}

static int add(struct load *x, const struct queue_file *f)
{
	struct queue_list *l = x->list;
	const struct queue_reader *r = &x->reader;
	struct str rcpts = buf_str(&r->rcpts);
	struct queue_source *s = source_of(l, &r->mail, r->is_bounce);

	if (s == NULL || make_room(l) < 0) {
		return -ENOMEM;
	}
	struct queue_item *it = &l->items[l->count];
	struct queue_info *in = &l->infos[l->count];
	*it = (struct queue_item){.source = s->number,
				  .rcpts = r->mail.rcpts,
				  .arrival = r->mail.arrival,
				  .marks = r->marks,
				  .is_bounce = r->is_bounce,
				  .is_odd = r->is_odd};
	*in = (struct queue_info){
		.id = arena_copy(l->texts, f->id),
		.sender = arena_copy(l->texts, str_head(r->mail.sender, ADDRESS_MAX)),
		.subject = arena_copy(l->texts, str_head(r->view->subject, SUBJECT_MAX)),
		.message_id = arena_copy(l->texts, str_head(r->view->message_id, ADDRESS_MAX)),
		.rcpt = arena_copy(l->texts, str_head(str_take_until(&rcpts, '\n'), ADDRESS_MAX)),
		.client = arena_copy(l->texts, str_head(r->mail.client_addr, ADDRESS_MAX)),
		.place = f->place,
		.size_bytes = r->size_bytes,
		.is_frozen = r->mail.is_frozen};
	struct queue_known *known = ARENA_ZNEW(l->texts, struct queue_known);
	if (in->id.len == 0 || known == NULL) {
		return -ENOMEM;
	}
	*known = (struct queue_known){.id = in->id, .at = (uint32_t)l->count};
	if (map_add(l->by_id, known) < 0) {
		return -ENOMEM;
	}
	check_of(r, f->id, s, in->check);
	l->count++;
	s->messages++;
	s->newest = it->arrival.ns > s->newest.ns ? it->arrival : s->newest;
	return 0;
}

static int tell(struct load *x, const struct queue_file *f)
{
	struct str content = buf_str(&x->reader.content);
	size_t end = str_find(content, STR("\n\n"));
	struct queue_seen seen = {.file = f,
				  .mail = &x->reader.mail,
				  .header = str_head(content, end + 1),
				  .rcpts = buf_str(&x->reader.rcpts),
				  .info = &x->list->infos[x->list->count - 1],
				  .item = &x->list->items[x->list->count - 1]};

	return x->opts->on_seen(x->opts->ctx, &seen);
}

static int visit(void *ctx, const struct queue_file *f)
{
	struct load *x = ctx;

	if (x->opts->ids != NULL && map_find(x->opts->ids, f->id) == NULL) {
		return 0;
	}
	ssize_t at = queue_list_find(x->list, f->id);
	if (at >= 0) {
		/* It moved while we walk. */
		x->list->infos[at].place = f->place;
		return 0;
	}
	if (x->list->count == QUEUE_LIST_MAX) {
		x->list->left_out++;
		return 0;
	}
	int r = queue_read(&x->reader, x->queue, f);
	if (r == -EBADMSG) {
		x->list->unread++;
		return 0;
	}
	if (r == 0) {
		r = add(x, f);
	}
	if (r == 0 && x->opts->on_seen != NULL) {
		r = tell(x, f);
	}
	if (++x->visited % PROGRESS_EVERY == 0 && x->opts->progress != NULL) {
		x->opts->progress(x->opts->ctx, x->visited);
	}
	return r;
}

/* ---- order ---- */

static int by_key(const void *a, const void *b)
{
	const struct queue_source *const *x = a;
	const struct queue_source *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static int by_id(const void *a, const void *b)
{
	return str_compare(((const struct queue_known *)a)->id,
			   ((const struct queue_known *)b)->id);
}

static int sort_sources(struct queue_list *l)
{
	uint32_t *numbers = calloc(l->source_count + 1, sizeof(*numbers));

	if (numbers == NULL) {
		return -ENOMEM;
	}
	qsort(l->sources, l->source_count, sizeof(struct queue_source *), by_key);
	for (size_t i = 0; i < l->source_count; i++) {
		numbers[l->sources[i]->number] = (uint32_t)i;
		l->sources[i]->number = (uint32_t)i;
	}
	for (size_t i = 0; i < l->count; i++) {
		l->items[i].source = numbers[l->items[i].source];
	}
	free(numbers);
	return 0;
}

/* Put the message that stands at order[i].at to i, for all of them, cycle by cycle. */
static void move(struct queue_list *l, struct queue_known *order)
{
	for (size_t i = 0; i < l->count; i++) {
		struct queue_item item = l->items[i];
		struct queue_info info = l->infos[i];
		size_t to = i;
		while (order[to].at != i) {
			size_t from = order[to].at;
			l->items[to] = l->items[from];
			l->infos[to] = l->infos[from];
			order[to].at = (uint32_t)to;
			to = from;
		}
		l->items[to] = item;
		l->infos[to] = info;
		order[to].at = (uint32_t)to;
	}
}

static int sort_messages(struct queue_list *l)
{
	struct queue_known *order = calloc(l->count + 1, sizeof(*order));

	if (order == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < l->count; i++) {
		order[i] = (struct queue_known){.id = l->infos[i].id, .at = (uint32_t)i};
	}
	qsort(order, l->count, sizeof(*order), by_id);
	move(l, order);
	for (size_t i = 0; i < l->count; i++) {
		((struct queue_known *)map_find(l->by_id, l->infos[i].id))->at = (uint32_t)i;
	}
	free(order);
	return 0;
}

/* A folder gives its files in another order when some have moved, and the groups of the next plan
 * shall have the numbers that they have in this one. */
static int put_in_order(struct queue_list *l)
{
	int r = sort_sources(l);

	return r < 0 ? r : sort_messages(l);
}

int queue_list_load(struct queue_list *l, const struct queue_dir *q,
		    const struct queue_load_opts *opts, struct errmsg *reterr)
{
	struct load x = {.list = l, .queue = q, .opts = opts};
	int r = queue_reader_init(&x.reader, &l->key);

	if (r == 0) {
		x.reader.is_brief = opts->is_brief;
		r = queue_dir_walk(q, opts->only, visit, &x);
	}
	queue_reader_done(&x.reader);
	r = r < 0 ? r : put_in_order(l);
	if (r < 0) {
		return err_set(reterr, r, "cannot read the queue %s: %s", q->path, strerror(-r));
	}
	return 0;
}

ssize_t queue_list_find(const struct queue_list *l, struct str id)
{
	const struct queue_known *k = map_find(l->by_id, id);

	return k == NULL ? -1 : (ssize_t)k->at;
}

size_t queue_list_name(struct queue_list *l, struct str id)
{
	size_t found = 0;

	id = str_trim(id);
	if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>') {
		id = (struct str){id.ptr + 1, id.len - 2};
	}
	for (size_t i = 0; i < l->count; i++) {
		struct str own = l->infos[i].message_id;
		if (own.len >= 2 && own.ptr[0] == '<') {
			own = (struct str){own.ptr + 1, own.len - 2};
		}
		if (str_is_equal(l->infos[i].id, id) || (own.len > 0 && str_is_equal(own, id))) {
			l->items[i].is_named = !l->items[i].is_bounce;
			found++;
		}
	}
	return found;
}

struct queue_subject queue_list_subject(const struct queue_list *l, struct str subject)
{
	const struct mail_view v = {.subject = subject};
	struct queue_marks m = {.words = 0};

	queue_marks_view(&m, &v, STR_EMPTY, &l->key);
	return (struct queue_subject){{m.of[QUEUE_MARK_SUBJECT], m.of[QUEUE_MARK_SUBJECT_2]}};
}
