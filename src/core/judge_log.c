/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_log: keeps a log for replay of each source that something speaks against.
 * Layer: core (pure).
 */
#include "core/judge_inside.h"

#include <stdlib.h>

#include "base/poison.h"

void judge_log_drop(struct judge *j, struct source_state *s)
{
	if (s->log != NULL) {
		buf_done(&s->log->records);
		free(s->log);
		s->log = NULL;
		j->logs--;
	}
}

static void begin(struct judge *j, struct source_state *s)
{
	buf_clear(&s->log->records);
	replay_begin(s->log, &j->opts.policy->decision, judge_filter_in_force(j, s), s);
}

static bool start(struct judge *j, struct source_state *s)
{
	if (j->logs == JUDGE_LOGS_MAX) {
		j->stats.logs_refused++;
		return false;
	}
	s->log = calloc(1, sizeof(*s->log));
	if (s->log == NULL) {
		return false;
	}
	buf_init(&s->log->records, REPLAY_LOG_MAX + SOURCE_STATE_ENCODED_MAX);
	j->logs++;
	begin(j, s);
	return true;
}

void judge_log_restart(struct judge *j, struct source_state *s)
{
	if (s->log != NULL) {
		begin(j, s);
	}
}

/* The network's tables may have changed since the last record. */
static void note_tables(struct judge *j, struct source_state *s)
{
	const struct judge_filter *f = judge_filter_in_force(j, s);

	if (s->log->f0_version != f->f0_version && !replay_add_tables(s->log, f)) {
		begin(j, s);
	}
}

static int32_t largest_sum(const struct source_state *s)
{
	int32_t most = s->one_sided.leg.s;

	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		most = s->content[i].s > most ? s->content[i].s : most;
	}
	for (size_t i = 0; i < TRIAL_KIND_COUNT; i++) {
		most = s->trial[i].leg.s > most ? s->trial[i].leg.s : most;
	}
	/* A few connections in a row are nothing yet. */
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		most = s->flow[i].leg.s / 2 > most ? s->flow[i].leg.s / 2 : most;
	}
	return most;
}

/* Half of what a support needs: from here on every observation is kept. */
static bool is_stirring(const struct judge *j, const struct source_state *s)
{
	return largest_sum(s) >= (int32_t)j->opts.policy->decision.h2_micro / 2;
}

void judge_log_rest(struct judge *j, struct source_state *s)
{
	if (s->log != NULL && s->rung == RUNG_PASS && !is_stirring(j, s)) {
		judge_log_drop(j, s);
	}
}

void judge_log_message(struct judge *j, struct source_state *s, const struct message_obs *o,
		       struct outside x)
{
	if (s->log == NULL && (!is_stirring(j, s) || !start(j, s))) {
		return;
	}
	note_tables(j, s);
	if (!replay_add_message(s->log, o, x, j->is_guarded)) {
		begin(j, s);
		(void)!replay_add_message(s->log, o, x, j->is_guarded);
	}
}

void judge_log_session(struct judge *j, struct source_state *s, const struct session_obs *o,
		       struct outside x)
{
	if (s->log == NULL && (!is_stirring(j, s) || !start(j, s))) {
		return;
	}
	note_tables(j, s);
	if (!replay_add_session(s->log, o, x, j->is_guarded)) {
		begin(j, s);
		(void)!replay_add_session(s->log, o, x, j->is_guarded);
	}
}

void judge_log_opinion(struct judge *j, struct source_state *s, const struct late_opinion *o)
{
	if (s->log == NULL && (!is_stirring(j, s) || !start(j, s))) {
		return;
	}
	note_tables(j, s);
	if (!replay_add_opinion(s->log, o, j->is_guarded)) {
		begin(j, s);
		(void)!replay_add_opinion(s->log, o, j->is_guarded);
	}
}

bool judge_log_of(struct judge *j, const struct proof *p, struct buf *ret)
{
	struct source_state *s = source_table_find(j->table, &p->source);

	if (s == NULL || s->log == NULL || buf_end(&s->log->records) < 0) {
		return false;
	}
	note_tables(j, s); /* the proof names those of now */
	replay_file_write(buf_str(&s->log->records), p, ret);
	return buf_end(ret) == 0;
}
