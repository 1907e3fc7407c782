/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct: live connections into a source to blame. Layer: doctor.
 */
#include "doctor/direct.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* How sure: messages in no log and a connection; many connections alone. */
#define SURE_BOTH 970000
#define SURE_MANY 850000
/* Messages in no log, and nobody seen. */
#define SURE_UNSEEN 700000

struct user {
	const struct live_socket *first;
	size_t far; /* different machines */
};

static bool is_first_far(const struct live *l, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (l->sockets[i].uid == l->sockets[at].uid && live_is_direct(&l->sockets[i]) &&
		    addr_is_equal(&l->sockets[i].remote, &l->sockets[at].remote)) {
			return false;
		}
	}
	return true;
}

/* The user with connections to the most machines. */
static struct user busiest(const struct live *l)
{
	struct user best = {.first = NULL};

	for (size_t i = 0; i < l->count; i++) {
		struct user u = {.first = &l->sockets[i]};
		if (!live_is_direct(u.first)) {
			continue;
		}
		for (size_t k = 0; k < l->count; k++) {
			const struct live_socket *s = &l->sockets[k];
			u.far += s->uid == u.first->uid && live_is_direct(s) && is_first_far(l, k);
		}
		if (u.far > best.far) {
			best = u;
		}
	}
	return best;
}

/* A source that no log names, and its texts: freed as one. */
struct unlogged {
	struct attribution_sender out;
	char name[ATTRIBUTION_TEXT_MAX];
	char script[ATTRIBUTION_TEXT_MAX];
};
static_assert(offsetof(struct unlogged, out) == 0, "its owner frees it as the source");

static void describe(const struct live_socket *s, struct unlogged *u)
{
	const char *place = s->process.exe[0] != '\0' ? s->process.exe : s->process.cwd;

	u->out.kind = SOURCE_USER;
	if (s->user[0] != '\0') {
		(void)str_copy(u->name, sizeof(u->name), str_of(s->user));
	} else {
		(void)snprintf(u->name, sizeof(u->name), "uid %u", s->uid);
	}
	(void)str_copy(u->script, sizeof(u->script), str_of(place));
	u->out.name = u->name;
	u->out.script = u->script;
}

static void put_first(struct diagnosis *d, const struct diagnose_accused *a)
{
	/* What explains the complaint comes first. */
	size_t keep = d->accused_count < DIAGNOSE_ACCUSED_MAX ? d->accused_count
							      : DIAGNOSE_ACCUSED_MAX - 1;

	memmove(d->accused + 1, d->accused, keep * sizeof(d->accused[0]));
	d->accused[0] = *a;
	d->accused_count = keep + 1;
}

/* Nobody is seen sending. That it went past the mail server is said only of most of what was asked
 * for: one id may be wrong in a complaint. */
static void judge_unseen(struct diagnosis *d, struct unlogged *made, size_t absent)
{
	made->out.kind = SOURCE_SERVER;
	made->out.name = "unknown program";
	made->out.script = "";
	made->out.messages = absent;
	put_first(d, &(struct diagnose_accused){
			     .sender = d->made,
			     .verdict = {.cause = CAUSE_DIRECT,
					 .is_accused = true,
					 .confidence_ppm = SURE_UNSEEN,
					 .why = {"messages that were complained about are in no "
						 "log, which is whole for their time"},
					 .why_count = 1}});
}

int direct_judge(struct diagnosis *d, const struct live *l)
{
	size_t absent = diagnosis_absent(d);
	struct user u = l == NULL ? (struct user){.first = NULL} : busiest(l);
	bool is_most = absent > 0 && absent * 2 > d->inquiry->sample_count;

	if (u.first == NULL ? !is_most : (absent == 0 && u.far < DIRECT_FAR_MANY)) {
		return 0;
	}
	struct unlogged *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		return -ENOMEM;
	}
	d->made = &made->out;
	if (u.first == NULL) {
		judge_unseen(d, made, absent);
		return 0;
	}
	describe(u.first, made);
	struct diagnose_accused a = {
		.sender = d->made,
		.verdict = {.cause = CAUSE_DIRECT,
			    .is_accused = true,
			    .confidence_ppm = absent > 0 ? SURE_BOTH : SURE_MANY},
	};
	struct cause_verdict *v = &a.verdict;
	if (absent > 0) {
		v->why[v->why_count++] =
			"messages that were complained about are in no log, which is "
			"whole for their time";
		v->ruled_out[v->ruled_out_count++] = CAUSE_PASSWORD;
		v->ruled_out[v->ruled_out_count++] = CAUSE_FORM;
	}
	v->why[v->why_count++] =
		"open connections to other mail servers by a user that is not this "
		"mail server's";
	put_first(d, &a);
	return 0;
}
