/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_json: the objects of `postern scan --json` (DESIGN §11). Layer: cli.
 */
#include "base/jsonw.h"
#include "cli/scan_out.h"

#include <stdio.h>

#include "base/poison.h"

static void put_addr(struct jsonw *w, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	jsonw_cstr(w, key, addr_format(a, text));
}

static void put_source(struct jsonw *w, const char *key, const struct source_key *k)
{
	char text[ADDR_TEXT_SIZE];

	jsonw_cstr(w, key, source_format(k, text));
}

/* Empty means that there is none: absent is null. */
static void put_some(struct jsonw *w, const char *key, struct str s)
{
	jsonw_str_or_null(w, key, s.len == 0 ? STR_EMPTY : s);
}

static void put_header(struct jsonw *w, const struct mail_view *v)
{
	static const struct mail_view none;
	v = v == NULL ? &none : v;

	jsonw_str_or_null(w, "message_id", v->message_id);
	jsonw_str_or_null(w, "subject", v->subject);
	put_some(w, "from", v->from.count > 0 ? v->from.items[0].addr : STR_EMPTY);
	put_some(w, "from_name", v->from.count > 0 ? v->from.items[0].name : STR_EMPTY);
	jsonw_array(w, "to");
	for (size_t i = 0; i < v->to.count; i++) {
		jsonw_str(w, NULL, v->to.items[i].addr);
	}
	jsonw_array_end(w);
	jsonw_str_or_null(w, "date", v->date);
}

static void put_score(struct jsonw *w, const struct score *s, uint64_t campaign)
{
	if (s == NULL) {
		jsonw_null(w, "score");
		jsonw_null(w, "flagged");
	} else {
		jsonw_micro(w, "score", s->score_micro, 6);
		jsonw_bool(w, "flagged", s->flagged);
	}
	if (campaign == 0) {
		jsonw_null(w, "campaign");
	} else {
		char text[24];
		snprintf(text, sizeof(text), "%016llx", (unsigned long long)campaign);
		jsonw_cstr(w, "campaign", text);
	}
	jsonw_array(w, "reasons");
	for (size_t i = 0; s != NULL && i < s->reason_count; i++) {
		jsonw_cstr(w, NULL, s->reasons[i]);
	}
	jsonw_array_end(w);
}

static void put_ends(struct jsonw *w, const struct tracked_session *s)
{
	put_source(w, "source", &s->source);
	put_addr(w, "client", &s->client);
	jsonw_u64(w, "sport", s->sport);
	put_addr(w, "destination", &s->destination);
	jsonw_u64(w, "dport", s->dport);
}

static struct jsonw begin(struct buf *out, const char *type, const char *file)
{
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", type);
	jsonw_cstr(&w, "file", file);
	return w;
}

static void end(struct jsonw *w)
{
	jsonw_object_end(w);
	jsonw_line_end(w);
}

static void json_message(struct buf *out, const char *file, const struct tracked_message *m,
			 uint64_t campaign)
{
	struct jsonw w = begin(out, "message", file);
	const struct smtp_message *s = m->smtp;

	jsonw_time(&w, "time", m->obs->time);
	jsonw_u64(&w, "session", m->session->number);
	put_ends(&w, m->session);
	jsonw_cstr(&w, "network", m->session->network);
	jsonw_cstr(&w, "tenant", m->session->tenant);
	jsonw_str_or_null(&w, "helo", m->session->helo);
	jsonw_str_or_null(&w, "mail_from", s->mail_from);
	jsonw_array(&w, "rcpt_to");
	for (size_t i = 0; i < s->rcpt_count; i++) {
		jsonw_str(&w, NULL, s->rcpts[i].address);
	}
	jsonw_array_end(&w);
	jsonw_u64(&w, "rcpt_accepted", s->rcpts_accepted);
	jsonw_u64(&w, "rcpt_rejected", s->rcpts_refused);
	put_header(&w, m->mail);
	jsonw_u64(&w, "size_bytes", s->size_bytes);
	if (s->reply_code == 0) {
		jsonw_null(&w, "reply_code");
		jsonw_null(&w, "reply");
	} else {
		jsonw_u64(&w, "reply_code", s->reply_code);
		jsonw_str(&w, "reply", s->reply);
	}
	jsonw_cstr(&w, "state", message_state_name(m->obs->state));
	jsonw_u64(&w, "lost_bytes", s->lost_bytes);
	put_score(&w, m->score, campaign);
	end(&w);
}

static void json_session(struct buf *out, const char *file, const struct tracked_session *s)
{
	struct jsonw w = begin(out, "session", file);
	int64_t duration_us = (s->last.ns - s->first.ns) / NS_PER_US;

	jsonw_u64(&w, "session", s->number);
	jsonw_time(&w, "time", s->first);
	put_ends(&w, s);
	jsonw_cstr(&w, "direction", direction_name(s->direction));
	jsonw_str_or_null(&w, "greeting", s->greeting);
	jsonw_str_or_null(&w, "helo", s->helo);
	jsonw_str_or_null(&w, "auth", s->auth);
	jsonw_cstr(&w, "tls", session_tls_name(s->tls));
	jsonw_str_or_null(&w, "sni", s->sni);
	jsonw_u64(&w, "messages", s->messages);
	jsonw_u64(&w, "bytes_client", s->bytes_client);
	jsonw_u64(&w, "bytes_server", s->bytes_server);
	jsonw_micro(&w, "duration_s", duration_us > 0 ? duration_us : 0, 6);
	jsonw_u64(&w, "lost_bytes", s->lost_bytes);
	jsonw_cstr(&w, "close", session_close_name(s->close));
	end(&w);
}

static void json_source(struct buf *out, const char *file, const struct scan_source *s,
			const struct proof *proof)
{
	struct jsonw w = begin(out, "source", file);

	put_source(&w, "source", &s->key);
	jsonw_u64(&w, "messages", s->messages);
	jsonw_u64(&w, "recipients", s->recipients);
	jsonw_u64(&w, "rejected", s->rejected);
	jsonw_u64(&w, "campaigns", s->campaigns);
	jsonw_cstr(&w, "verdict", verdict_name(proof->verdict));
	jsonw_cstr(&w, "rung", rung_name(proof->rung));
	jsonw_array(&w, "rungs");
	for (size_t i = 0; i < s->rung_count; i++) {
		jsonw_object(&w, NULL);
		jsonw_cstr(&w, "rung", rung_name(s->rungs[i].rung));
		jsonw_u64(&w, "at_message", s->rungs[i].at_message);
		jsonw_time(&w, "time", s->rungs[i].time);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	proof_write_evidence(proof, &w, "evidence");
	end(&w);
}

static void json_summary(struct buf *out, const struct scan_totals *t)
{
	struct jsonw w = begin(out, "summary", t->file);

	jsonw_u64(&w, "frames", t->frames);
	jsonw_u64(&w, "bytes", t->bytes);
	jsonw_u64(&w, "sessions", t->sessions);
	jsonw_u64(&w, "messages", t->messages);
	jsonw_u64(&w, "sources", t->sources);
	jsonw_u64(&w, "lost_bytes", t->lost_bytes);
	jsonw_u64(&w, "ignored_frames", t->ignored_frames);
	jsonw_bool(&w, "truncated", t->truncated);
	jsonw_micro(&w, "elapsed_s", t->elapsed_ns / NS_PER_US, 6);
	end(&w);
}

const struct scan_out_ops scan_json = {
	.message = json_message,
	.session = json_session,
	.source = json_source,
	.summary = json_summary,
};
