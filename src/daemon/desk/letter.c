/* SPDX-License-Identifier: Apache-2.0 */
/*
 * letter: cases and examples into texts, texts into a mail. Layer: daemon.
 */
#include "daemon/desk/letter.h"

#include "core/proof.h"
#include "daemon/desk/desk_impl.h"
#include "daemon/desk/notice_data.h"
#include "notify/mime.h"
#include "proto/mail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Examples of one case in a letter; one when it is about several cases. */
#define EXAMPLES_MAX 2
#define ATTACHMENTS_MAX 4
/* Of them for examples; one stays free for the data. */
#define EXAMPLES_ATTACHED_MAX 3
/* Cases that are told in full; further ones by number. */
#define CASES_IN_FULL 20
#define VALUE_MAX 240
#define VALUES_BYTES ((size_t)64 << 10)
#define TEXT_BYTES ((size_t)512 << 10)
#define LETTER_ARENA ((size_t)4 << 20)

/* All that one letter needs while it is written. */
struct letter {
	struct desk *d;
	const struct templates *templates;
	const struct notice_row *notice;
	const char *language;
	struct arena *arena; /* values, samples */
	uint64_t ids[NOTICE_CASES_MAX];
	size_t id_count;
	struct buf case_texts;
	struct buf servers; /* "b1 (192.0.2.20), b2 …" */
	struct buf numbers; /* "12, 13" */
	struct buf checks;
	struct buf data;
	struct str script; /* the first script that an example names */
	struct wall probation_until;
	struct mime_attachment attachments[ATTACHMENTS_MAX];
	size_t attachment_count;
};

static void remember_case(uint64_t id, void *ctx)
{
	struct letter *l = ctx;

	if (l->id_count < NOTICE_CASES_MAX) {
		l->ids[l->id_count++] = id;
	}
}

/* ---- values ---- */

/* A text that lives as long as the letter. */
static struct str value(struct letter *l, const char *fmt, ...) PRINTF(2, 3);

static struct str value(struct letter *l, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	return arena_copy(l->arena, (struct str){text, len});
}

/* A stranger's text, fit to be read. */
static struct str clean(struct letter *l, struct str s)
{
	struct buf out;

	buf_init(&out, 2 * VALUE_MAX);
	text_add_clean(&out, s, VALUE_MAX);
	struct str kept = arena_copy(l->arena, buf_str(&out));
	buf_done(&out);
	return kept;
}

static struct str minute(struct letter *l, struct wall t)
{
	char text[MINUTE_TEXT_SIZE];

	return t.ns == 0 ? STR_EMPTY : value(l, "%s", minute_format(t, text));
}

/* Fill one of the texts; the operator's if it can be filled, else ours. */
static int fill(struct letter *l, enum template_id id, const struct template_vars *v,
		struct buf *out, struct errmsg *reterr)
{
	size_t before = out->len;
	int r = template_fill(templates_get(l->templates, l->language, id), v, out, reterr);

	if (r == -EINVAL) {
		desk_event(l->d, "notice", STR_EMPTY, STR_EMPTY,
			   "template %s/%s.txt can't be used: %s", l->language, template_name(id),
			   reterr != NULL ? reterr->text : "");
		out->len = before;
		r = template_fill(templates_get(NULL, "en", id), v, out, reterr);
	}
	return r;
}

/* ---- an example ---- */

/* What the header of a sample says about who made it. */
struct traces {
	struct letter *l;
	struct str received; /* the topmost */
	struct str script;
	struct buf php; /* X-PHP-* fields, a line each */
};

static void see_field(void *ctx, struct str name, struct str text)
{
	struct traces *t = ctx;

	if (t->received.len == 0 && str_is_equal_nocase(name, STR("Received"))) {
		t->received = clean(t->l, text);
	}
	if (str_has_prefix_nocase(name, STR("X-PHP-")) ||
	    str_is_equal_nocase(name, STR("X-Source")) ||
	    str_is_equal_nocase(name, STR("X-Source-Args"))) {
		buf_add(&t->php, t->php.len > 0 ? STR("\n  ") : STR("  "));
		text_add_clean(&t->php, name, 64);
		buf_add(&t->php, STR(": "));
		text_add_clean(&t->php, text, VALUE_MAX);
	}
	if (t->script.len == 0 && (str_is_equal_nocase(name, STR("X-PHP-Originating-Script")) ||
				   str_is_equal_nocase(name, STR("X-PHP-Script")))) {
		t->script = clean(t->l, text);
	}
}

static void look_at_head(struct traces *t, struct str head)
{
	struct mail *m = mail_new(see_field, t);

	if (m != NULL) {
		mail_step(m, head);
		(void)mail_end(m);
	}
	mail_free(m);
}

/* "c.example (2, 1 of them unknown), d.example" */
static struct str recipients(struct letter *l, const struct sample *s)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < s->rcpt_count; i++) {
		if (i > 0) {
			buf_add(&out, STR(", "));
		}
		buf_add(&out, STR("…@"));
		text_add_clean(&out, s->rcpts[i].domain, 128);
		if (s->rcpts[i].code >= 400) {
			buf_printf(&out, " (refused: %u)", s->rcpts[i].code);
		}
		if (out.len > 800) {
			buf_printf(&out, ", and %zu more", s->rcpt_count - i - 1);
			break;
		}
	}
	struct str kept = arena_copy(l->arena, buf_str(&out));
	buf_done(&out);
	return kept;
}

static struct str reasons(struct letter *l, const struct sample *s)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < s->reason_count; i++) {
		if (i > 0) {
			buf_add(&out, STR("; "));
		}
		text_add_clean(&out, s->reasons[i], 120);
	}
	struct str kept = arena_copy(l->arena, buf_str(&out));
	buf_done(&out);
	return kept;
}

static struct str attach_head(struct letter *l, const struct sample *s, uint64_t case_id)
{
	if (l->attachment_count == EXAMPLES_ATTACHED_MAX || s->head.len == 0) {
		return STR_EMPTY;
	}
	struct str name = value(l, "case-%llu-example-%zu.eml.txt", (unsigned long long)case_id,
				l->attachment_count + 1);
	l->attachments[l->attachment_count++] = (struct mime_attachment){.name = name,
									 .content = s->head};
	return name;
}

static int write_example(struct letter *l, uint64_t case_id, uint64_t sample_id, size_t number,
			 struct buf *out, struct errmsg *reterr)
{
	struct sample_row row;
	struct sample s;
	struct traces t = {.l = l};
	struct template_vars v = {.count = 0};
	char text[ADDR_TEXT_SIZE];
	int r = samples_get(l->d->store, sample_id, l->arena, &row, &s, reterr);

	if (r < 0) {
		return r;
	}
	buf_init(&t.php, 4096);
	look_at_head(&t, s.head);
	if (l->script.len == 0) {
		l->script = t.script;
	}
	template_set(&v, "number", value(l, "%zu", number));
	template_set(&v, "attachment", attach_head(l, &s, case_id));
	template_set(&v, "time", minute(l, s.obs.time));
	template_set(&v, "destination", value(l, "%s", addr_format(&s.obs.destination, text)));
	template_set(&v, "port", value(l, "%u", s.obs.dport));
	template_set(&v, "helo", clean(l, s.helo));
	template_set(&v, "sender", s.mail_from.len > 0 ? clean(l, s.mail_from) : STR("<>"));
	template_set(&v, "rcpts", recipients(l, &s));
	template_set(&v, "from_header", clean(l, s.from));
	template_set(&v, "subject", clean(l, s.subject));
	template_set(&v, "message_id", clean(l, s.message_id));
	template_set(&v, "received", t.received);
	template_set(&v, "php", buf_str(&t.php));
	template_set(&v, "reply", clean(l, s.reply));
	template_set(
		&v, "score",
		value(l, "%u.%02u", s.obs.score_micro / 1000000, s.obs.score_micro / 10000 % 100));
	template_set(&v, "reasons", reasons(l, &s));
	r = fill(l, TEMPLATE_EXAMPLE, &v, out, reterr);
	buf_done(&t.php);
	return r;
}

struct newest {
	uint64_t ids[EXAMPLES_MAX];
	size_t count;
	size_t max;
};

static void keep_newest(const struct sample_row *row, void *ctx)
{
	struct newest *n = ctx;

	if (n->count == n->max) {
		memmove(n->ids, n->ids + 1, (n->max - 1) * sizeof(n->ids[0]));
		n->count--;
	}
	n->ids[n->count++] = row->id;
}

static int write_examples(struct letter *l, uint64_t case_id, struct buf *out,
			  struct errmsg *reterr)
{
	struct newest n = {.max = l->id_count == 1 ? EXAMPLES_MAX : 1};
	int r = samples_list(l->d->store, case_id, keep_newest, &n, reterr);

	for (size_t i = 0; i < n.count && r == 0; i++) {
		r = write_example(l, case_id, n.ids[i], i + 1, out, reterr);
	}
	if (r == 0 && n.count == 0) {
		buf_add(out, STR("No example: the mail was encrypted on the wire, or its content "
				 "is\nnot "
				 "kept. Look for it in your own mail log.\n"));
	}
	return r;
}

/* ---- a case ---- */

static void keep_proof(const struct proof_row *row, void *ctx)
{
	struct proof *p = ctx; /* the newest is visited last */
	struct proof decoded;

	if (proof_decode(row->proof.ptr, row->proof.len, &decoded) == 0) {
		*p = decoded;
	}
}

static struct str ports(struct letter *l, struct str network)
{
	struct buf out;

	buf_init(&out, 256);
	for (size_t i = 0; i < l->d->policy->network_count; i++) {
		const struct network *n = &l->d->policy->networks[i];
		if (!str_is_equal(str_of(n->name), network)) {
			continue;
		}
		for (size_t k = 0; k < n->port_count; k++) {
			buf_printf(&out, "%s%u", k == 0 ? "" : ", ", n->ports[k]);
		}
	}
	struct str kept = out.len > 0 ? arena_copy(l->arena, buf_str(&out)) : STR("25");
	buf_done(&out);
	return kept;
}

static void set_proof(struct letter *l, const struct proof *p, struct template_vars *v)
{
	template_set(v, "seen", p->messages > 0 ? STR("1") : STR_EMPTY);
	template_set(v, "messages", value(l, "%llu", (unsigned long long)p->messages));
	template_set(v, "flagged", value(l, "%llu", (unsigned long long)p->flagged));
	template_set(v, "recipients", value(l, "%llu", (unsigned long long)p->recipients));
	template_set(v, "unknown", value(l, "%llu", (unsigned long long)p->recipients_unknown));
	template_set(v, "first_seen", minute(l, p->first_flagged));
	template_set(v, "last_seen", minute(l, p->last_flagged));
}

static void set_case(struct letter *l, const struct case_row *c, struct template_vars *v)
{
	char link[DESK_LINK_SIZE];
	bool shut = c->rung >= RUNG_THROTTLE;

	desk_case_link(l->d, c->id, link);
	template_set(v, "case", value(l, "%llu", (unsigned long long)c->id));
	template_set(v, "server", clean(l, c->server));
	template_set(v, "source", clean(l, c->source));
	template_set(v, "shut", shut ? STR("1") : STR_EMPTY);
	template_set(v, "rung",
		     c->rung == RUNG_BLOCK ? STR("all outgoing mail")
					   : STR("outgoing mail slowed down"));
	template_set(v, "ports", ports(l, c->network));
	template_set(v, "blocked_at", minute(l, c->blocked_at));
	template_set(v, "reason", clean(l, c->reason));
	template_set(v, "earlier",
		     c->blocked_before == 0 ? STR_EMPTY
					    : value(l, "%u time%s", c->blocked_before,
						    c->blocked_before == 1 ? "" : "s"));
	template_set(v, "allowed_at", shut ? minute(l, c->allowed_at) : STR_EMPTY);
	template_set(v, "only_staff", shut && c->allowed_at.ns == 0 ? STR("1") : STR_EMPTY);
	template_set(v, "link", value(l, "%s", link));
}

static void name_server(struct letter *l, const struct case_row *c, size_t number)
{
	if (number > 0) {
		buf_add(&l->numbers, STR(", "));
	}
	buf_add_u64(&l->numbers, c->id);
	if (number < 3) {
		buf_add(&l->servers, number > 0 ? STR(", ") : STR(""));
		if (c->server.len > 0) {
			buf_printf(&l->servers, "%.*s (%.*s)", STR_ARG(c->server),
				   STR_ARG(c->source));
		} else {
			buf_add(&l->servers, c->source);
		}
	} else if (number == 3) {
		buf_printf(&l->servers, " and %zu more", l->id_count - 3);
	}
}

static int write_checks(struct letter *l, uint64_t id, struct errmsg *reterr)
{
	struct desk_unblock u;
	int r = desk_case_checks(l->d, id, &u, reterr);

	for (size_t i = 0; r == 0 && i < u.answer.check_count; i++) {
		const struct case_check *c = &u.answer.checks[i];
		bool good = c->result == CHECK_PROVED || c->result == CHECK_REPORTED;
		buf_printf(&l->checks, "  %s %s\n", good ? "[x]" : "[ ]", c->detail);
	}
	return r;
}

static int write_case(struct letter *l, size_t number, struct errmsg *reterr)
{
	struct case_row c;
	struct proof p = {.messages = 0};
	struct template_vars v = {.count = 0};
	struct buf examples;
	int r = cases_get(l->d->store, l->ids[number], l->arena, &c, reterr);

	if (r < 0) {
		return r;
	}
	name_server(l, &c, number);
	l->probation_until = c.probation_until;
	if (number >= CASES_IN_FULL) {
		return 0;
	}
	buf_init(&examples, TEXT_BYTES);
	bool shows = l->notice->kind == NOTICE_BLOCK || l->notice->kind == NOTICE_REBLOCK;
	r = cases_list_proofs(l->d->store, c.id, keep_proof, &p, reterr);
	if (r == 0 && shows) {
		r = write_examples(l, c.id, &examples, reterr);
	}
	if (r == 0 && l->notice->kind == NOTICE_REFUSED) {
		r = write_checks(l, c.id, reterr);
	}
	if (r == 0) {
		set_case(l, &c, &v);
		set_proof(l, &p, &v);
		template_set(&v, "examples", buf_str(&examples));
		r = fill(l, TEMPLATE_CASE, &v, &l->case_texts, reterr);
	}
	buf_done(&examples);
	return r;
}

/* ---- the mail ---- */

static enum template_id template_of(enum notice_kind kind)
{
	switch (kind) {
	case NOTICE_BLOCK:
		return TEMPLATE_BLOCK;
	case NOTICE_REBLOCK:
		return TEMPLATE_REBLOCK;
	case NOTICE_REFUSED:
		return TEMPLATE_REFUSED;
	case NOTICE_UNBLOCK:
	case NOTICE_KIND_COUNT:
		return TEMPLATE_UNBLOCK;
	}
	return TEMPLATE_UNBLOCK;
}

static int write_mail(struct letter *l, struct str text, struct buf *out, struct errmsg *reterr)
{
	struct str subject = str_trim(str_take_until(&text, '\n'));

	if (str_has_prefix(subject, STR("Subject:"))) {
		subject = str_trim(str_skip(subject, sizeof("Subject:") - 1));
	}
	struct mime_mail m = {
		.from = str_of(l->d->policy->notice_from),
		.to = l->notice->contact,
		.subject = subject,
		.message_id = l->notice->message_id,
		.date = desk_now(l->d),
		.cases = buf_str(&l->numbers),
		.text = text,
		.attachment_count = l->attachment_count,
	};
	memcpy(m.attachments, l->attachments, sizeof(l->attachments));
	int r = mime_write(&m, out);
	return r < 0 ? err_set(reterr, r, "the notice is too large") : 0;
}

/* The same for programs: `postern doctor --notice` reads it. */
static int attach_data(struct letter *l, struct errmsg *reterr)
{
	if (l->notice->kind == NOTICE_UNBLOCK) {
		return 0;
	}
	int r = notice_data_write(l->d, l->notice, l->ids, l->id_count, &l->data, reterr);
	if (r == 0) {
		l->attachments[l->attachment_count++] = (struct mime_attachment){
			.name = STR(NOTICE_DATA_NAME),
			.content = buf_str(&l->data),
			.type = "application/json"};
	}
	return r;
}

static int write_all(struct letter *l, struct buf *out, struct errmsg *reterr)
{
	struct template_vars v = {.count = 0};
	struct buf text;
	int r = notices_list_cases(l->d->store, l->notice->id, remember_case, l, reterr);

	for (size_t i = 0; i < l->id_count && r == 0; i++) {
		r = write_case(l, i, reterr);
	}
	if (r < 0) {
		return r;
	}
	buf_init(&text, TEXT_BYTES);
	template_set(&v, "servers", buf_str(&l->servers));
	template_set(&v, "cases", buf_str(&l->numbers));
	template_set(&v, "many", l->id_count > 1 ? value(l, "%zu", l->id_count) : STR_EMPTY);
	template_set(&v, "case_texts", buf_str(&l->case_texts));
	template_set(&v, "script", l->script);
	template_set(&v, "checks", buf_str(&l->checks));
	template_set(&v, "probation_until", minute(l, l->probation_until));
	r = fill(l, template_of(l->notice->kind), &v, &text, reterr);
	if (r == 0) {
		r = attach_data(l, reterr);
	}
	if (r == 0) {
		r = write_mail(l, buf_str(&text), out, reterr);
	}
	buf_done(&text);
	return r;
}

int letter_write(struct desk *d, const struct templates *t, const struct notice_row *n,
		 struct buf *out, struct errmsg *reterr)
{
	const struct tenant *tenant = desk_find_tenant(d, n->tenant);
	struct letter *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	l->d = d;
	l->templates = t;
	l->notice = n;
	l->language = tenant != NULL && tenant->language != NULL ? tenant->language : "en";
	l->arena = arena_new(LETTER_ARENA);
	buf_init(&l->case_texts, TEXT_BYTES);
	buf_init(&l->servers, VALUES_BYTES);
	buf_init(&l->numbers, VALUES_BYTES);
	buf_init(&l->checks, VALUES_BYTES);
	buf_init(&l->data, NOTICE_DATA_MAX);
	int r = l->arena == NULL ? err_set(reterr, -ENOMEM, "out of memory")
				 : write_all(l, out, reterr);
	arena_free(l->arena);
	buf_done(&l->case_texts);
	buf_done(&l->servers);
	buf_done(&l->numbers);
	buf_done(&l->checks);
	buf_done(&l->data);
	free(l);
	return r;
}
