/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_table: `postern scan` for people: one line a message, session and source. Layer: cli.
 *
 * What strangers sent is written so that it cannot move the cursor or change colours.
 */
#include "base/utf8.h"
#include "cli/scan_out.h"

#include <string.h>

#include "base/poison.h"

/* Characters of one text; more end in an ellipsis. */
#define SHOWN_MAX 60

static void put_text(struct buf *out, struct str s)
{
	for (size_t n = 0; s.len > 0; n++) {
		uint32_t cp;
		size_t len = utf8_decode(s, &cp);
		if (n == SHOWN_MAX) {
			buf_add(out, STR("…"));
			return;
		}
		/* Controls, and the marks that turn the direction of writing. */
		bool is_odd = len == 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0) ||
			      (cp >= 0x200B && cp <= 0x200F) || (cp >= 0x2028 && cp <= 0x202E) ||
			      (cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF;
		if (!is_odd) {
			buf_add(out, str_take(&s, len));
		} else if (s.ptr[0] == '\r' || s.ptr[0] == '\n') {
			buf_add_char(out, ' ');
			(void)str_take(&s, 1);
		} else {
			buf_printf(out, "\\x%02x", (unsigned)(uint8_t)str_take(&s, 1).ptr[0]);
		}
	}
}

static void put_time(struct buf *out, struct wall t)
{
	char text[WALL_TEXT_SIZE];

	buf_add(out, str_head(str_of(wall_format(t, text)), strlen("2026-11-21T16:47:01")));
}

static void put_ends(struct buf *out, const struct tracked_session *s)
{
	char client[ADDR_TEXT_SIZE];
	char destination[ADDR_TEXT_SIZE];

	buf_printf(out, " %s:%u → %s:%u", addr_format(&s->client, client), s->sport,
		   addr_format(&s->destination, destination), s->dport);
}

static void table_message(struct buf *out, const char *file, const struct tracked_message *m,
			  uint64_t campaign)
{
	const struct smtp_message *s = m->smtp;
	(void)file;
	(void)campaign;

	put_time(out, m->obs->time);
	buf_add(out, STR("  message"));
	put_ends(out, m->session);
	buf_add(out, STR("\n    from <"));
	put_text(out, s->mail_from);
	buf_printf(out, "> to %u", (unsigned)s->rcpts_seen);
	if (s->rcpt_count > 0) {
		buf_add(out, STR(": <"));
		put_text(out, s->rcpts[0].address);
		buf_add(out, s->rcpts_seen > 1 ? STR("> …") : STR(">"));
	}
	if (s->rcpts_refused > 0) {
		buf_printf(out, ", %u refused", (unsigned)s->rcpts_refused);
	}
	if (m->mail != NULL && m->mail->subject.ptr != NULL) {
		buf_add(out, STR("\n    subject "));
		put_text(out, m->mail->subject);
	}
	buf_printf(out, "\n    %s, %llu octets", message_state_name(m->obs->state),
		   (unsigned long long)s->size_bytes);
	if (s->lost_bytes > 0) {
		buf_printf(out, " (%llu not captured)", (unsigned long long)s->lost_bytes);
	}
	if (s->reply_code != 0) {
		buf_printf(out, ": %u ", s->reply_code);
		put_text(out, s->reply);
	}
	if (m->score != NULL) {
		buf_printf(out, "\n    score %u.%03u%s", m->score->score_micro / 1000000,
			   m->score->score_micro / 1000 % 1000,
			   m->score->flagged ? ", flagged" : "");
		for (size_t i = 0; i < m->score->reason_count; i++) {
			buf_add(out, i == 0 ? STR(": ") : STR("; "));
			put_text(out, str_of(m->score->reasons[i]));
		}
	}
	buf_add_char(out, '\n');
}

static void table_session(struct buf *out, const char *file, const struct tracked_session *s)
{
	(void)file;
	put_time(out, s->first);
	buf_add(out, STR("  session"));
	put_ends(out, s);
	if (s->helo.ptr != NULL) {
		buf_add(out, STR(" helo "));
		put_text(out, s->helo);
	}
	if (s->tls != TLS_NONE) {
		buf_printf(out, " tls %s", session_tls_name(s->tls));
	}
	if (s->sni.ptr != NULL) {
		buf_add(out, STR(" to "));
		put_text(out, s->sni);
	}
	buf_printf(out, ", %u messages, %llu + %llu octets", (unsigned)s->messages,
		   (unsigned long long)s->bytes_client, (unsigned long long)s->bytes_server);
	if (s->lost_bytes > 0) {
		buf_printf(out, ", %llu not captured", (unsigned long long)s->lost_bytes);
	}
	buf_printf(out, ", %s\n", session_close_name(s->close));
}

static void table_source(struct buf *out, const char *file, const struct scan_source *s,
			 const struct proof *proof)
{
	char text[ADDR_TEXT_SIZE];
	(void)file;

	buf_printf(out,
		   "source %s: %s, %s; %llu messages in %llu campaigns to %llu recipients, "
		   "%llu refused\n",
		   source_format(&s->key, text), verdict_name(proof->verdict),
		   rung_name(proof->rung), (unsigned long long)s->messages,
		   (unsigned long long)s->campaigns, (unsigned long long)s->recipients,
		   (unsigned long long)s->rejected);
	for (size_t i = 0; i < s->rung_count; i++) {
		buf_printf(out, "    %s at message %llu, ", rung_name(s->rungs[i].rung),
			   (unsigned long long)s->rungs[i].at_message);
		put_time(out, s->rungs[i].time);
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < proof->leg_count; i++) {
		const struct proof_leg *l = &proof->legs[i];
		buf_printf(out, "    %s %u.%02u: %d.%03d of %d, %u of %u bad\n", kind_name(l->kind),
			   l->pi1_ppm / 1000000, l->pi1_ppm / 10000 % 100, l->s_micro / 1000000,
			   l->s_micro / 1000 % 1000, l->h_micro / 1000000, l->bad, l->trials);
	}
}

static void table_summary(struct buf *out, const struct scan_totals *t)
{
	buf_printf(out,
		   "%s: %llu frames (%llu ignored), %llu sessions, %llu messages, %llu sources, "
		   "%llu octets not captured%s\n",
		   t->file, (unsigned long long)t->frames, (unsigned long long)t->ignored_frames,
		   (unsigned long long)t->sessions, (unsigned long long)t->messages,
		   (unsigned long long)t->sources, (unsigned long long)t->lost_bytes,
		   t->truncated ? "; NOT READ TO ITS END" : "");
}

const struct scan_out_ops scan_table = {
	.message = table_message,
	.session = table_session,
	.source = table_source,
	.summary = table_summary,
};
