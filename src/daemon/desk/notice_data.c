/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice_data: a notice as JSON. Layer: daemon.
 */
#include "daemon/desk/notice_data.h"

#include "daemon/desk/desk_impl.h"
#include "notify/mime.h"
#include "proto/mail.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

/* Samples of a case, the newest; header fields of a sample, and octets of one. */
#define SAMPLES_MAX 20
#define FIELDS_MAX 8
#define FIELD_MAX 400
/* With so much written, further samples are left out: what strangers wrote stops no letter. */
#define ENOUGH ((size_t)128 << 10)

struct samples {
	uint64_t ids[SAMPLES_MAX];
	size_t count; /* of all */
};

static void keep_sample(const struct sample_row *row, void *ctx)
{
	struct samples *s = ctx;

	s->ids[s->count++ % SAMPLES_MAX] = row->id;
}

/* Writes those fields of a header that say who made the message. */
struct fields {
	struct jsonw *w;
	size_t count;
};

static bool is_trace(struct str name)
{
	static const char *const starts[] = {"X-PHP-", "X-PPP-", "X-Source", "X-Authenticated",
					     "X-Get-Message-Sender-Via"};

	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		if (str_has_prefix_nocase(name, str_of(starts[i]))) {
			return true;
		}
	}
	return str_is_equal_nocase(name, STR("Received"));
}

static void put_clean(struct jsonw *w, const char *key, struct str s)
{
	struct buf text;

	buf_init(&text, 2 * FIELD_MAX);
	text_add_clean(&text, s, FIELD_MAX);
	jsonw_str(w, key, buf_str(&text));
	buf_done(&text);
}

static void see_field(void *ctx, struct str name, struct str value)
{
	struct fields *f = ctx;

	if (f->count < FIELDS_MAX && is_trace(name)) {
		f->count++;
		jsonw_object(f->w, NULL);
		put_clean(f->w, "name", name);
		put_clean(f->w, "value", value);
		jsonw_object_end(f->w);
	}
}

static void put_headers(struct jsonw *w, struct str head)
{
	struct fields f = {.w = w};

	jsonw_array(w, "headers");
	struct mail *m = mail_new(see_field, &f);
	if (m != NULL) {
		mail_step(m, head);
		(void)mail_end(m);
	}
	mail_free(m);
	jsonw_array_end(w);
}

static void put_optional(struct jsonw *w, const char *key, struct str s)
{
	if (s.len > 0) {
		put_clean(w, key, s);
	} else {
		jsonw_null(w, key);
	}
}

static void put_sample(struct jsonw *w, const struct sample *s)
{
	char text[ADDR_TEXT_SIZE];

	jsonw_object(w, NULL);
	put_optional(w, "message_id", s->message_id);
	jsonw_time(w, "time", s->obs.time);
	put_clean(w, "mail_from", s->mail_from);
	jsonw_array(w, "rcpt_domains");
	for (size_t i = 0; i < s->rcpt_count; i++) {
		put_clean(w, NULL, s->rcpts[i].domain);
	}
	jsonw_array_end(w);
	put_optional(w, "helo", s->helo);
	put_optional(w, "subject", s->subject);
	jsonw_cstr(w, "client", addr_format(&s->obs.client, text));
	jsonw_cstr(w, "destination", addr_format(&s->obs.destination, text));
	jsonw_u64(w, "port", s->obs.dport);
	put_headers(w, s->head);
	jsonw_object_end(w);
}

static int put_samples(struct desk *d, uint64_t case_id, struct jsonw *w, struct errmsg *reterr)
{
	struct samples list = {.count = 0};
	int r = samples_list(d->store, case_id, keep_sample, &list, reterr);

	jsonw_array(w, "samples");
	size_t n = list.count < SAMPLES_MAX ? list.count : SAMPLES_MAX;
	for (size_t i = 0; i < n && r == 0 && w->out->len < ENOUGH; i++) {
		struct arena *a = arena_new(2 * SAMPLE_ENCODED_MAX);
		struct sample_row row;
		struct sample s;
		if (a == NULL) {
			return err_set(reterr, -ENOMEM, "out of memory");
		}
		/* One that is damaged hides no other. */
		if (samples_get(d->store, list.ids[(list.count + i) % n], a, &row, &s, NULL) == 0) {
			put_sample(w, &s);
		}
		arena_free(a);
	}
	jsonw_array_end(w);
	return r;
}

static void put_way_back(struct desk *d, const struct notice_row *n, uint64_t case_id,
			 struct jsonw *w)
{
	const char *portal = d->policy->notice_portal;
	char token[REPORT_TOKEN_SIZE];
	char url[DESK_LINK_SIZE];

	if (portal == NULL) {
		jsonw_null(w, "report");
		return;
	}
	doctor_reports_token(d->store, n->id, case_id, token);
	(void)snprintf(url, sizeof(url), "%s/api/v1/doctor-reports", portal);
	jsonw_object(w, "report");
	jsonw_cstr(w, "url", url);
	jsonw_cstr(w, "token", token);
	jsonw_time(w, "expires_at",
		   (struct wall){n->created_at.ns + DESK_REPORT_DAYS * 86400 * NS_PER_S});
	jsonw_object_end(w);
}

static int put_case_data(struct desk *d, const struct notice_row *n, uint64_t id, struct jsonw *w,
			 struct errmsg *reterr)
{
	struct case_row c;
	char text[DESK_LINK_SIZE];
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : cases_get(d->store, id, a, &c, reterr);

	if (r == 0) {
		jsonw_object(w, NULL);
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
		jsonw_cstr(w, "case", text);
		jsonw_str(w, "source", c.source);
		put_optional(w, "server", c.server);
		if (c.blocked_at.ns != 0) {
			jsonw_time(w, "blocked_at", c.blocked_at);
		} else {
			jsonw_null(w, "blocked_at");
		}
		desk_case_link(d, id, text);
		jsonw_cstr(w, "link", d->policy->notice_portal != NULL ? text : NULL);
		put_way_back(d, n, id, w);
		r = put_samples(d, id, w, reterr);
		jsonw_object_end(w);
	}
	arena_free(a);
	return r;
}

int notice_data_write(struct desk *d, const struct notice_row *n, const uint64_t *ids, size_t count,
		      struct buf *out, struct errmsg *reterr)
{
	struct jsonw w = jsonw_of(out);
	int r = 0;

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "postern-notice");
	jsonw_u64(&w, "version", 1);
	jsonw_cstr(&w, "kind", notice_kind_name(n->kind));
	jsonw_array(&w, "cases");
	for (size_t i = 0; i < count && i < NOTICE_DATA_CASES_MAX && r == 0; i++) {
		r = put_case_data(d, n, ids[i], &w, reterr);
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
	return r < 0              ? r
	       : buf_end(out) < 0 ? err_set(reterr, -EMSGSIZE, "the data is too large")
				  : 0;
}
