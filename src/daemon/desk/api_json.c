/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_json: the rows of the store as the API shows them; `--json` of the command line is the
 * same. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "core/proof.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

void put_id(struct jsonw *w, const char *key, uint64_t id)
{
	char text[24];

	if (id == 0) {
		jsonw_null(w, key);
		return;
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	jsonw_cstr(w, key, text);
}

void put_time(struct jsonw *w, const char *key, struct wall t)
{
	if (t.ns == 0) {
		jsonw_null(w, key);
	} else {
		jsonw_time(w, key, t);
	}
}

void put_case(struct jsonw *w, const struct case_row *c)
{
	put_id(w, "id", c->id);
	jsonw_str_or_null(w, "source", c->source);
	jsonw_str_or_null(w, "network", c->network);
	jsonw_str_or_null(w, "server", c->server);
	jsonw_str_or_null(w, "tenant", c->tenant);
	jsonw_cstr(w, "state", case_state_name(c->state));
	jsonw_cstr(w, "rung", rung_name(c->rung));
	jsonw_cstr(w, "mode", mode_name(c->mode));
	jsonw_cstr(w, "verdict", verdict_name(c->verdict));
	jsonw_cstr(w, "giver", giver_name(c->giver));
	jsonw_bool(w, "staff_only", c->staff_only);
	jsonw_str_or_null(w, "reason", c->reason);
	put_time(w, "opened_at", c->opened_at);
	put_time(w, "updated_at", c->updated_at);
	put_time(w, "blocked_at", c->blocked_at);
	put_time(w, "probation_until", c->probation_until);
	put_time(w, "closed_at", c->closed_at);
	jsonw_u64(w, "blocks", c->blocks);
	jsonw_u64(w, "blocked_before", c->blocked_before);
	jsonw_str_or_null(w, "cause", c->cause);
	jsonw_str_or_null(w, "fix", c->fix);
	jsonw_str_or_null(w, "assignee", c->assignee);
}

void put_source(struct jsonw *w, const struct source_row *s)
{
	put_id(w, "id", s->id);
	jsonw_str(w, "source", s->source);
	jsonw_str_or_null(w, "network", s->network);
	jsonw_str_or_null(w, "tenant", s->tenant);
	jsonw_str_or_null(w, "server", s->server);
	jsonw_cstr(w, "verdict", verdict_name(s->verdict));
	jsonw_cstr(w, "rung", rung_name(s->rung));
	jsonw_u64(w, "messages", s->messages);
	jsonw_u64(w, "flagged", s->flagged);
	put_time(w, "seen_at", s->seen_at);
}

void put_order(struct jsonw *w, const struct order_row *o)
{
	static const char *const origins[] = {"judge", "desk"};
	static_assert(COUNT_OF(origins) == ORIGIN_COUNT, "a name for each origin");

	put_id(w, "id", o->id);
	jsonw_cstr(w, "origin", origins[o->origin]);
	jsonw_u64(w, "seq", o->seq);
	put_id(w, "case", o->case_id);
	jsonw_str(w, "source", o->source);
	jsonw_str_or_null(w, "network", o->network);
	jsonw_cstr(w, "rung", rung_name(o->rung));
	jsonw_cstr(w, "verdict", verdict_name(o->verdict));
	jsonw_cstr(w, "giver", giver_name(o->giver));
	jsonw_cstr(w, "mode", mode_name(o->mode));
	jsonw_str_or_null(w, "who", o->who);
	jsonw_str_or_null(w, "reason", o->reason);
	put_time(w, "given_at", o->given_at);
	put_time(w, "expires_at", o->expires_at);
	jsonw_cstr(w, "state", order_state_name(o->state));
	put_time(w, "state_at", o->state_at);
	jsonw_u64(w, "apply_us", o->apply_us);
	jsonw_u64(w, "sessions_ended", o->sessions_ended);
	jsonw_u64(w, "hits", o->hits);
}

void put_event(struct jsonw *w, const struct event_row *e)
{
	char id[48];

	jsonw_object(w, NULL);
	snprintf(id, sizeof(id), "%llu-%llu", (unsigned long long)e->day,
		 (unsigned long long)e->id);
	jsonw_cstr(w, "id", id);
	put_time(w, "time", e->at);
	jsonw_str(w, "event", e->what);
	jsonw_str_or_null(w, "network", e->network);
	jsonw_str_or_null(w, "source", e->source);
	jsonw_str_or_null(w, "text", e->text);
	jsonw_object_end(w);
}

void put_notice(struct jsonw *w, const struct notice_row *n)
{
	jsonw_object(w, NULL);
	put_id(w, "id", n->id);
	jsonw_cstr(w, "kind", notice_kind_name(n->kind));
	jsonw_cstr(w, "state", notice_state_name(n->state));
	jsonw_str_or_null(w, "contact", n->contact);
	jsonw_str_or_null(w, "message_id", n->message_id);
	put_time(w, "created_at", n->created_at);
	put_time(w, "sent_at", n->sent_at);
	jsonw_u64(w, "tries", n->tries);
	jsonw_str_or_null(w, "error", n->error);
	jsonw_bool(w, "contact_is_inside", n->contact_is_inside);
	jsonw_object_end(w);
}

void put_token(struct jsonw *w, const struct token_row *t)
{
	put_id(w, "id", t->id);
	jsonw_cstr(w, "kind", token_kind_name(t->kind));
	jsonw_cstr(w, "role", token_role_name(t->role));
	jsonw_str_or_null(w, "name", t->name);
	jsonw_str_or_null(w, "tenant", t->tenant);
	put_time(w, "created_at", t->created_at);
	put_time(w, "expires_at", t->expires_at);
	put_time(w, "used_at", t->used_at);
	jsonw_bool(w, "revoked", t->revoked);
}

void put_checks(struct jsonw *w, const struct desk_unblock *u)
{
	jsonw_cstr(w, "policy", unblock_policy_name(u->policy));
	put_time(w, "allowed_at", u->allowed_at);
	jsonw_array(w, "checks");
	for (size_t i = 0; i < u->answer.check_count; i++) {
		const struct case_check *check = &u->answer.checks[i];
		jsonw_object(w, NULL);
		jsonw_cstr(w, "name", check->name);
		jsonw_cstr(w, "result", check_result_name(check->result));
		jsonw_cstr(w, "detail", check->detail);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void put_proof(struct jsonw *w, struct str encoded)
{
	struct proof p;
	char hex[24];

	if (encoded.len == 0 || proof_decode(encoded.ptr, encoded.len, &p) < 0) {
		jsonw_array(w, "evidence");
		jsonw_array_end(w);
		jsonw_null(w, "proof");
		return;
	}
	proof_write_evidence(&p, w, "evidence");
	jsonw_object(w, "proof");
	put_time(w, "time", p.time);
	jsonw_cstr(w, "verdict", verdict_name(p.verdict));
	jsonw_cstr(w, "rung", rung_name(p.rung));
	jsonw_cstr(w, "rule", p.rule);
	jsonw_u64(w, "rule_version", p.rule_version);
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)p.weights_version);
	jsonw_cstr(w, "weights_version", hex);
	jsonw_u64(w, "messages", p.messages);
	jsonw_u64(w, "flagged", p.flagged);
	jsonw_u64(w, "recipients", p.recipients);
	jsonw_u64(w, "recipients_unknown", p.recipients_unknown);
	jsonw_u64(w, "campaigns", p.campaigns);
	jsonw_u64(w, "campaigns_flagged", p.campaigns_flagged);
	put_time(w, "first_flagged", p.first_flagged);
	put_time(w, "last_flagged", p.last_flagged);
	jsonw_object_end(w);
}

static void put_rcpts(struct jsonw *w, const struct sample *s)
{
	char hex[24];

	jsonw_array(w, "recipients");
	for (size_t i = 0; i < s->rcpt_count; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "domain", s->rcpts[i].domain);
		snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)s->rcpts[i].hash);
		jsonw_cstr(w, "hash", hex);
		if (s->rcpts[i].code != 0) {
			jsonw_u64(w, "reply_code", s->rcpts[i].code);
		} else {
			jsonw_null(w, "reply_code");
		}
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void put_message(struct jsonw *w, const struct sample_row *row, const struct sample *s,
		 bool with_head)
{
	char text[ADDR_TEXT_SIZE];

	jsonw_object(w, NULL);
	put_id(w, "id", row->id);
	put_id(w, "case", row->case_id);
	jsonw_str_or_null(w, "network", row->network);
	jsonw_str(w, "source", row->source);
	put_time(w, "time", row->at);
	jsonw_micro(w, "score", row->score_micro, 3);
	jsonw_str_or_null(w, "message_id", s->message_id);
	jsonw_str_or_null(w, "subject", s->subject);
	jsonw_str_or_null(w, "from", s->from);
	jsonw_str_or_null(w, "mail_from", s->mail_from);
	jsonw_str_or_null(w, "helo", s->helo);
	jsonw_cstr(w, "client", addr_format(&s->obs.client, text));
	jsonw_cstr(w, "destination", addr_format(&s->obs.destination, text));
	jsonw_u64(w, "dport", s->obs.dport);
	jsonw_cstr(w, "state", message_state_name(s->obs.state));
	jsonw_u64(w, "size_bytes", s->obs.size_bytes);
	jsonw_str_or_null(w, "reply", s->reply);
	put_rcpts(w, s);
	jsonw_array(w, "reasons");
	for (size_t i = 0; i < s->reason_count; i++) {
		jsonw_str(w, NULL, s->reasons[i]);
	}
	jsonw_array_end(w);
	if (with_head) {
		jsonw_str_or_null(w, "head", s->head);
	}
	jsonw_object_end(w);
}
