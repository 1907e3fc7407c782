/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailer: the queue, the sessions, and what is noted when. Layer: daemon.
 */
#include "daemon/desk/mailer.h"

#include "base/assert.h"
#include "daemon/desk/desk_impl.h"
#include "daemon/desk/letter.h"
#include "notify/smtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

/* Sessions at once: a mail server of the operator's own needs no more. */
#define SESSIONS_MAX 4
/* 30 s, then twice as long each time, up to an hour. */
#define RETRY_FIRST_S 30
#define RETRY_MOST_S 3600
/* How long a notice is tried. */
#define KEPT_NS (INT64_C(5) * 24 * 3600 * NS_PER_S)
/* A refusal for good is often a mistake in the mail server's configuration: so often it is tried
 * all the same. */
#define REFUSALS_MAX 5
/* After so many dots without an answer nothing is sent any more. */
#define DOTS_MAX 2

/* One notice in the hands of the mail server, or with its outcome not yet stored. */
struct flight {
	struct mailer *box;
	uint64_t id; /* of the notice; 0: free */
	struct smtp_session *session;
	bool has_dotted;
	bool has_outcome;
	enum smtp_outcome outcome;
	struct wall outcome_at;
	char text[SMTP_TEXT_MAX + 1];
};

struct mailer {
	struct desk *d;
	struct templates *templates;
	char helo[256];
	struct flight flights[SESSIONS_MAX];
};

/* ---- noting ---- */

static void tell_cases(uint64_t case_id, void *ctx)
{
	struct buf *ids = ctx;

	buf_add(ids, (struct str){(const char *)&case_id, sizeof(case_id)});
}

static int tell_stories(struct mailer *o, const struct notice_row *n, struct errmsg *reterr)
{
	const char *what = n->state == NOTICE_SENT ? "notice_sent" : "notice_failed";
	struct buf ids;
	uint64_t id;

	buf_init(&ids, NOTICE_CASES_MAX * sizeof(id) * 2);
	int r = notices_list_cases(o->d->store, n->id, tell_cases, &ids, reterr);
	for (size_t i = 0; i + sizeof(id) <= ids.len && r == 0; i += sizeof(id)) {
		memcpy(&id, ids.ptr + i, sizeof(id));
		r = desk_tell(o->d, id, "desk", what, reterr, "%s to %.*s, Message-ID %.*s%s%.*s",
			      notice_kind_name(n->kind), STR_ARG(n->contact),
			      STR_ARG(n->message_id), n->state == NOTICE_SENT ? "" : ": ",
			      STR_ARG(n->state == NOTICE_SENT ? STR("") : n->error));
	}
	buf_done(&ids);
	return r;
}

static int64_t retry_after_ns(uint32_t tries)
{
	int64_t s = RETRY_FIRST_S;

	for (uint32_t i = 1; i < tries && s < RETRY_MOST_S; i++) {
		s *= 2;
	}
	return (s < RETRY_MOST_S ? s : RETRY_MOST_S) * NS_PER_S;
}

/* What the outcome makes of the notice. */
static void apply_outcome(const struct flight *f, struct notice_row *n)
{
	bool too_old = f->outcome_at.ns - n->created_at.ns > KEPT_NS;

	n->error = str_of(f->text);
	n->next_try.ns = f->outcome_at.ns + retry_after_ns(n->tries);
	switch (f->outcome) {
	case SMTP_TAKEN:
		n->state = NOTICE_SENT;
		n->sent_at = f->outcome_at;
		n->error = STR_EMPTY;
		return;
	case SMTP_REFUSED:
	case SMTP_LATER: /* answered, or it never left: the dot does not count */
		n->dots -= f->has_dotted && n->dots > 0 ? 1 : 0;
		if (too_old || (f->outcome == SMTP_REFUSED && n->tries >= REFUSALS_MAX)) {
			n->state = NOTICE_FAILED;
		}
		return;
	case SMTP_UNSURE:
		if (n->dots >= DOTS_MAX) {
			n->state = NOTICE_UNSURE;
		}
		return;
	case SMTP_OUTCOME_COUNT:
		return;
	}
}

static int note_outcome(struct mailer *o, const struct flight *f, struct arena *a,
			struct errmsg *reterr)
{
	struct notice_row n;
	int r = notices_get(o->d->store, f->id, a, &n, reterr);

	if (r < 0) {
		return r;
	}
	apply_outcome(f, &n);
	r = store_begin(o->d->store, reterr);
	if (r < 0) {
		return r;
	}
	r = notices_put(o->d->store, &n, reterr);
	if (r == 0 && n.state != NOTICE_QUEUED) {
		r = tell_stories(o, &n, reterr);
	}
	r = store_end(o->d->store, r, reterr);
	if (r == 0) {
		desk_event(o->d, "notice", STR_EMPTY, STR_EMPTY, "%s to %.*s: %s%s%.*s",
			   notice_kind_name(n.kind), STR_ARG(n.contact), notice_state_name(n.state),
			   n.error.len > 0 ? ": " : "", STR_ARG(n.error));
	}
	return r;
}

/* Store the outcome; when that fails the flight stays, so that it is not sent again. */
static void land(struct flight *f)
{
	struct desk *d = f->box->d;
	struct errmsg err;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(&err, -ENOMEM, "out of memory")
			  : note_outcome(f->box, f, a, &err);

	arena_free(a);
	if (desk_store_said(d, r, &err) == 0 || r == -ENOENT) {
		*f = (struct flight){.box = f->box};
	}
}

/* ---- the session's side ---- */

static bool dot_leaves(void *ctx)
{
	struct flight *f = ctx;
	struct desk *d = f->box->d;
	struct notice_row n;
	struct errmsg err;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(&err, -ENOMEM, "out of memory")
			  : notices_get(d->store, f->id, a, &n, &err);

	if (r == 0) {
		n.dots++;
		r = notices_put(d->store, &n, &err);
	}
	arena_free(a);
	f->has_dotted = r == 0;
	return desk_store_said(d, r, &err) == 0;
}

static void session_done(void *ctx, enum smtp_outcome outcome, struct str text)
{
	struct flight *f = ctx;

	f->session = NULL;
	f->has_outcome = true;
	f->outcome = outcome;
	f->outcome_at = desk_now(f->box->d);
	(void)str_copy(f->text, sizeof(f->text), text);
	f->box->d->health.notices_queued_fails += outcome == SMTP_TAKEN ? 0 : 1;
	land(f);
}

static const struct smtp_ops session_ops = {.dot = dot_leaves, .done = session_done};

/* ---- beginning ---- */

static int start_session(struct flight *f, const struct notice_row *n, struct errmsg *reterr)
{
	struct mailer *o = f->box;
	struct buf mail;

	buf_init(&mail, LETTER_MAX);
	int r = letter_write(o->d, o->templates, n, &mail, reterr);
	if (r == 0) {
		const struct smtp_letter letter = {
			.endpoint = str_of(o->d->policy->notice_smtp),
			.helo = str_of(o->helo),
			.from = str_of(o->d->policy->notice_from),
			.to = n->contact,
			.mail = buf_str(&mail),
		};
		r = smtp_start(o->d->opts.loop, &letter, &session_ops, f, &f->session, reterr);
	}
	buf_done(&mail);
	return r;
}

/* Note the try before the letter is written, so that no further case joins it. */
static int note_try(struct mailer *o, struct notice_row *n, struct wall now, struct errmsg *reterr)
{
	n->tries++;
	n->next_try.ns = now.ns + retry_after_ns(n->tries);
	return notices_put(o->d->store, n, reterr);
}

static void begin(struct flight *f, uint64_t id)
{
	struct mailer *o = f->box;
	struct wall now = desk_now(o->d);
	struct notice_row n;
	struct errmsg err;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(&err, -ENOMEM, "out of memory")
			  : notices_get(o->d->store, id, a, &n, &err);

	if (r == 0) {
		r = note_try(o, &n, now, &err);
	}
	if (desk_store_said(o->d, r, &err) == 0) {
		*f = (struct flight){.box = o, .id = id};
		if (n.dots >= DOTS_MAX) { /* killed twice after its dot */
			f->outcome = SMTP_UNSURE;
			f->has_outcome = true;
			(void)str_copy(f->text, sizeof(f->text),
				       STR("handed over twice without an answer"));
		} else if (start_session(f, &n, &err) < 0) {
			f->outcome = SMTP_LATER;
			f->has_outcome = true;
			(void)str_copy(f->text, sizeof(f->text), str_of(err.text));
		}
		if (f->has_outcome) {
			f->outcome_at = now;
			land(f);
		}
	}
	arena_free(a);
}

struct due {
	uint64_t ids[2 * SESSIONS_MAX];
	size_t count;
};

static void see_due(const struct notice_row *n, void *ctx)
{
	struct due *due = ctx;

	due->ids[due->count++] = n->id;
}

static bool is_flying(const struct mailer *o, uint64_t id)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (o->flights[i].id == id) {
			return true;
		}
	}
	return false;
}

static struct flight *find_free(struct mailer *o)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (o->flights[i].id == 0) {
			return &o->flights[i];
		}
	}
	return NULL;
}

void mailer_tick(struct mailer *o)
{
	struct due due = {.count = 0};
	struct errmsg err;

	if (o == NULL) {
		return;
	}
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (o->flights[i].has_outcome) {
			land(&o->flights[i]);
		}
	}
	if (find_free(o) == NULL) {
		return;
	}
	int r = notices_list_due(o->d->store, desk_now(o->d), COUNT_OF(due.ids), see_due, &due,
				 &err);
	(void)desk_store_said(o->d, r, &err);
	for (size_t i = 0; r == 0 && i < due.count; i++) {
		struct flight *f = find_free(o);
		if (f == NULL) {
			return;
		}
		if (!is_flying(o, due.ids[i])) {
			begin(f, due.ids[i]);
		}
	}
}

/* ---- life ---- */

static int load_templates(struct mailer *o, const char *dir, struct errmsg *reterr)
{
	const struct policy *p = o->d->policy;
	const char **languages = calloc(p->tenant_count + 1, sizeof(*languages));
	size_t count = 0;

	if (languages == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	languages[count++] = "en";
	for (size_t i = 0; i < p->tenant_count; i++) {
		const char *language = p->tenants[i].language;
		bool known = language == NULL;
		for (size_t k = 0; k < count && !known; k++) {
			known = strcmp(languages[k], language) == 0;
		}
		if (!known) {
			languages[count++] = language;
		}
	}
	int r = templates_load(dir, languages, count, &o->templates, reterr);
	free(languages);
	return r;
}

int mailer_new(struct desk *d, const char *template_dir, struct mailer **ret, struct errmsg *reterr)
{
	if (d->opts.loop == NULL || d->policy->notice_smtp == NULL ||
	    d->policy->notice_from == NULL) {
		*ret = NULL;
		return 0;
	}
	struct mailer *o = calloc(1, sizeof(*o));
	if (o == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	o->d = d;
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		o->flights[i].box = o;
	}
	if (gethostname(o->helo, sizeof(o->helo) - 1) < 0 || o->helo[0] == '\0') {
		(void)str_copy(o->helo, sizeof(o->helo), STR("localhost"));
	}
	int r = load_templates(o, template_dir, reterr);
	if (r == 0) { /* what was under way when the last desk ended goes on at once */
		r = notices_wake(d->store, desk_now(d), reterr);
	}
	if (r < 0) {
		mailer_free(o);
		return r;
	}
	*ret = o;
	return 0;
}

void mailer_free(struct mailer *o)
{
	if (o == NULL) {
		return;
	}
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		smtp_cancel(o->flights[i].session);
	}
	templates_free(o->templates);
	free(o);
}
