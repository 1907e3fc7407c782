/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inquiry: ids, times and cases out of notices and headers. Layer: doctor.
 */
#include "doctor/inquiry.h"

#include "base/buf.h"
#include "proto/mail.h"
#include "proto/mail_decode.h"
#include "sys/jsonr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define ARENA_MAX ((size_t)4 << 20)
#define ATTACHMENT "postern-notice.json"
#define ATTACHMENT_MAX ((size_t)4 << 20)
/* Octets of an id that are kept; the longest Message-ID that a line of mail can hold. */
#define ID_MAX 998
#define LINK_MARK "/case/"

int inquiry_init(struct inquiry *q)
{
	*q = (struct inquiry){
		.arena = arena_new(ARENA_MAX),
		.ids = calloc(INQUIRY_IDS_MAX, sizeof(*q->ids)),
		.samples = calloc(INQUIRY_SAMPLES_MAX, sizeof(*q->samples)),
		.cases = calloc(INQUIRY_CASES_MAX, sizeof(*q->cases)),
	};
	if (q->arena == NULL || q->ids == NULL || q->samples == NULL || q->cases == NULL) {
		inquiry_done(q);
		return -ENOMEM;
	}
	return 0;
}

void inquiry_done(struct inquiry *q)
{
	arena_free(q->arena);
	free(q->ids);
	free(q->samples);
	free(q->cases);
	*q = (struct inquiry){0};
}

/* A copy that ends in NUL; NULL when it is empty, holds NUL or does not fit. */
static const char *keep(struct inquiry *q, struct str s)
{
	if (s.len == 0 || memchr(s.ptr, '\0', s.len) != NULL) {
		return NULL;
	}
	char *copy = arena_alloc(q->arena, s.len + 1);
	if (copy != NULL) {
		(void)str_copy(copy, s.len + 1, s);
	}
	return copy;
}

/* ---- ids ---- */

static void add_id(struct inquiry *q, struct inquiry_sample *s, struct str id)
{
	id = str_trim(id);
	if (id.len == 0 || id.len > ID_MAX) {
		return;
	}
	for (size_t i = 0; i < q->id_count; i++) {
		if (str_is_equal(str_of(q->ids[i]), id)) {
			return;
		}
	}
	const char *copy = q->id_count < INQUIRY_IDS_MAX ? keep(q, id) : NULL;
	if (copy == NULL) {
		q->left_out++;
		return;
	}
	if (s->id_count == 0) {
		s->first_id = q->id_count;
	}
	s->id_count++;
	q->ids[q->id_count++] = copy;
}

static bool is_queue_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '-';
}

/* Exim's "E<queue id>@": its log has the queue id alone. */
static struct str exim_id(struct str message_id)
{
	struct str left = str_take_until(&message_id, '@');

	if (left.len > 0 && left.ptr[0] == '<') {
		left = str_skip(left, 1);
	}
	if (left.len < 17 || left.ptr[0] != 'E') {
		return STR_EMPTY;
	}
	left = str_skip(left, 1);
	for (size_t i = 0; i < left.len; i++) {
		if (!is_queue_char(left.ptr[i])) {
			return STR_EMPTY;
		}
	}
	return left.ptr[6] == '-' && (left.len == 16 || left.len == 23) ? left : STR_EMPTY;
}

static void add_message_id(struct inquiry *q, struct inquiry_sample *s, struct str id)
{
	add_id(q, s, id);
	add_id(q, s, exim_id(id));
}

/* "… with ESMTP id 4ABC…; date", "(qmail 1234 invoked by uid 33)": the writer's queue id. */
static void add_received(struct inquiry *q, struct inquiry_sample *s, struct str field)
{
	struct str qmail = str_skip(field, str_find_nocase(field, STR("(qmail ")));
	size_t at = str_find_nocase(field, STR(" id "));

	if (at < field.len) {
		struct str id = str_skip(field, at + 4);
		size_t n = 0;
		while (n < id.len && is_queue_char(id.ptr[n])) {
			n++;
		}
		bool ends = n == id.len || char_is_space(id.ptr[n]) || id.ptr[n] == ';';
		add_id(q, s, ends && n >= 5 ? str_head(id, n) : STR_EMPTY);
	}
	if (qmail.len > 0) {
		qmail = str_skip(qmail, 7);
		struct str pid = str_take_until(&qmail, ' ');
		bool is_number = pid.len > 0;
		for (size_t i = 0; i < pid.len; i++) {
			is_number = is_number && char_is_digit(pid.ptr[i]);
		}
		add_id(q, s, is_number ? pid : STR_EMPTY);
	}
}

static void add_sample(struct inquiry *q, const struct inquiry_sample *s)
{
	if (s->id_count == 0) {
		return;
	}
	if (q->sample_count == INQUIRY_SAMPLES_MAX) {
		q->left_out++;
		return;
	}
	q->samples[q->sample_count++] = *s;
}

void inquiry_add_id(struct inquiry *q, const char *id)
{
	struct inquiry_sample s = {0};

	add_message_id(q, &s, str_of(id));
	add_sample(q, &s);
}

/* ---- headers ---- */

struct header {
	struct inquiry *q;
	struct inquiry_sample sample;
};

static void see_field(void *ctx, struct str name, struct str value)
{
	struct header *h = ctx;

	if (str_is_equal_nocase(name, STR("Message-ID"))) {
		add_message_id(h->q, &h->sample, value);
	} else if (str_is_equal_nocase(name, STR("Received"))) {
		add_received(h->q, &h->sample, value);
	}
}

int inquiry_add_headers(struct inquiry *q, struct str text, struct errmsg *reterr)
{
	struct header h = {.q = q};
	struct mail *m = mail_new(see_field, &h);

	if (m == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	mail_step(m, text);
	(void)mail_end(m);
	mail_free(m);
	add_sample(q, &h.sample);
	return h.sample.id_count > 0 ? 0
				     : err_set(reterr, -ENOENT, "no Message-ID and no Received");
}

/* ---- a notice's data ---- */

/* The topmost Received of a message on the wire is the
 * sender's own server's. */
static void take_sample(struct inquiry *q, const struct jsonr *v)
{
	struct inquiry_sample s = {0};
	const struct jsonr *headers = jsonr_get(v, "headers");

	(void)(wall_parse(jsonr_str(jsonr_get(v, "time")), &s.time) < 0);
	add_message_id(q, &s, jsonr_str(jsonr_get(v, "message_id")));
	s.subject = keep(q, jsonr_str(jsonr_get(v, "subject")));
	for (size_t i = 0; i < jsonr_count(headers); i++) {
		const struct jsonr *field = jsonr_at(headers, i);
		if (str_is_equal_nocase(jsonr_str(jsonr_get(field, "name")), STR("Received"))) {
			add_received(q, &s, jsonr_str(jsonr_get(field, "value")));
			break;
		}
	}
	add_sample(q, &s);
}

static void take_samples(struct inquiry *q, const struct jsonr *samples)
{
	for (size_t i = 0; i < jsonr_count(samples); i++) {
		take_sample(q, jsonr_at(samples, i));
	}
}

static void take_case(struct inquiry *q, const struct jsonr *v)
{
	const struct jsonr *report = jsonr_get(v, "report");

	take_samples(q, jsonr_get(v, "samples"));
	if (q->case_count == INQUIRY_CASES_MAX) {
		q->left_out++;
		return;
	}
	q->cases[q->case_count++] = (struct inquiry_case){
		.id = keep(q, jsonr_str(jsonr_get(v, "case"))),
		.source = keep(q, jsonr_str(jsonr_get(v, "source"))),
		.link = keep(q, jsonr_str(jsonr_get(v, "link"))),
		.url = keep(q, jsonr_str(jsonr_get(report, "url"))),
		.token = keep(q, jsonr_str(jsonr_get(report, "token"))),
	};
}

static void take_json(struct inquiry *q, struct str text)
{
	struct errmsg err;
	struct jsonr *v = jsonr_parse(text, &err);
	const struct jsonr *cases = jsonr_get(v, "cases");

	for (size_t i = 0; i < jsonr_count(cases); i++) {
		take_case(q, jsonr_at(cases, i));
	}
	take_samples(q, jsonr_get(v, "items"));
	take_samples(q, jsonr_get(v, "samples"));
	jsonr_free(v);
}

/* ---- a notice as mail ---- */

enum encoding {
	PLAIN,
	BASE64,
	QUOTED,
};

/* The head of a part, from its boundary on: is it the attachment, and how is it encoded? */
static bool take_part_head(struct str *text, enum encoding *ret)
{
	bool is_it = false;

	*ret = PLAIN;
	while (text->len > 0) {
		struct str line = str_trim(str_take_until(text, '\n'));
		if (line.len == 0) {
			break;
		}
		is_it = is_it || str_find_nocase(line, STR(ATTACHMENT)) < line.len;
		if (str_has_prefix_nocase(line, STR("Content-Transfer-Encoding:"))) {
			*ret = str_find_nocase(line, STR("base64")) < line.len             ? BASE64
			       : str_find_nocase(line, STR("quoted-printable")) < line.len ? QUOTED
											   : PLAIN;
		}
	}
	return is_it;
}

/* Its content up to the next boundary. */
static struct str part_body(struct str text)
{
	struct str rest = text;

	while (rest.len > 0) {
		struct str line = rest;
		(void)str_take_until(&rest, '\n');
		if (str_has_prefix(line, STR("--"))) {
			return str_head(text, text.len - line.len);
		}
	}
	return text;
}

static void decode(struct str body, enum encoding how, struct buf *out)
{
	struct mail_base64 base64 = {0};
	struct mail_qp qp = {0};
	char *at = buf_reserve(out, MAIL_DECODE_OUT_MAX(body.len) + 8);

	if (at == NULL) {
		return;
	}
	if (how == BASE64) {
		size_t n = mail_base64_step(&base64, body, at);
		out->len += n + mail_base64_end(&base64, at + n);
	} else if (how == QUOTED) {
		size_t n = mail_qp_step(&qp, body, at);
		out->len += n + mail_qp_end(&qp, at + n);
	} else {
		buf_add(out, body);
	}
}

/* Wherever it stands: also in a mail that was forwarded as an attachment. */
static void take_attachments(struct inquiry *q, struct str text)
{
	enum encoding how;
	struct buf json;

	while (text.len > 0) {
		struct str line = str_take_until(&text, '\n');
		if (!str_has_prefix(line, STR("--")) || !take_part_head(&text, &how)) {
			continue;
		}
		buf_init(&json, ATTACHMENT_MAX);
		decode(part_body(text), how, &json);
		take_json(q, buf_str(&json));
		buf_done(&json);
	}
}

/* ---- a notice as text ---- */

bool inquiry_take_link(struct inquiry *q, struct str url, struct inquiry_case *ret_case)
{
	size_t at = str_find(url, STR(LINK_MARK));
	struct str rest = str_skip(url, at + sizeof(LINK_MARK) - 1);
	struct str id = str_take_until(&rest, '?');

	if (at == url.len || id.len == 0 || id.len > 19 || !str_has_prefix(rest, STR("key="))) {
		return false;
	}
	for (size_t i = 0; i < id.len; i++) {
		if (!char_is_digit(id.ptr[i])) {
			return false;
		}
	}
	*ret_case = (struct inquiry_case){
		.id = keep(q, id),
		.link = keep(q, str_head(url, at)),
		.token = keep(q, str_skip(rest, 4)),
	};
	return ret_case->id != NULL && ret_case->link != NULL && ret_case->token != NULL;
}

/* Lines "Message-ID: <…>", also quoted with "> " or led in by blanks. */
static void take_lines(struct inquiry *q, struct str text)
{
	while (text.len > 0) {
		struct inquiry_sample s = {0};
		struct str line = str_trim(str_take_until(&text, '\n'));
		while (line.len > 0 && (line.ptr[0] == '>' || line.ptr[0] == ' ')) {
			line = str_skip(line, 1);
		}
		if (str_has_prefix_nocase(line, STR("Message-ID:"))) {
			struct str id = str_trim(str_skip(line, 11));
			size_t end = str_find_char(id, ' ');
			add_message_id(q, &s, str_head(id, end));
			add_sample(q, &s);
		}
	}
}

/* The text of a mail, decoded; the mail's own Message-ID is the notice's and of no use. */
static void take_text(struct inquiry *q, struct str text)
{
	struct mail *m = mail_new(NULL, NULL);

	if (m == NULL) {
		return;
	}
	mail_step(m, text);
	const struct mail_view *v = mail_end(m);
	take_lines(q, v->text.len > 0 ? v->text : text);
	mail_free(m);
}

int inquiry_add_notice(struct inquiry *q, struct str text, struct errmsg *reterr)
{
	size_t ids = q->id_count;
	size_t cases = q->case_count;
	struct str begin = str_trim(text);

	if (begin.len > 0 && begin.ptr[0] == '{') {
		take_json(q, text);
	} else {
		take_attachments(q, text);
		if (q->id_count == ids) {
			take_text(q, text);
		}
	}
	return q->id_count > ids || q->case_count > cases
		       ? 0
		       : err_set(reterr, -ENOENT,
				 "no notice of postern: no Message-ID and no case");
}
