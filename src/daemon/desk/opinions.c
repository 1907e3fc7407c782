/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opinions: questions and answers. Layer: daemon.
 */
#include "daemon/desk/opinions.h"

#include "ask/ask.h"
#include "base/cur.h"
#include "core/opinion.h"
#include "core/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

/* Questions to one service at once. */
#define PARALLEL 16

struct pending {
	unsigned waiting; /* a bit for each service; 0 and not is_used: free */
	bool is_used;
	struct opinion_obs about;
	struct opinions answers;
};

struct service {
	struct opinions_desk *owner;
	struct ask *ask;
	enum opinion_kind kind;
};

struct opinions_desk {
	const struct policy *policy;
	opinions_tell_fn *tell;
	void *ctx;
	struct service services[OPINIONS_MAX];
	struct pending pending[OPINIONS_PENDING_MAX];
	uint64_t questions;
	uint64_t dropped;
	uint64_t told;
};

static void finish(struct opinions_desk *o, struct pending *p)
{
	bool any = false;

	for (size_t i = 0; i < OPINION_KIND_COUNT; i++) {
		any = any || p->answers.has[i];
	}
	if (any) {
		struct opinion_sum sum = opinion_add(p->about.score_micro, &p->answers);
		p->about.time = wall_now();
		p->about.score_micro = sum.score_micro;
		p->about.flagged = sum.flagged;
		p->about.nats_micro = sum.nats_micro;
		o->told++;
		o->tell(o->ctx, &p->about);
	}
	*p = (struct pending){.is_used = false};
}

static void done(void *ctx, uint64_t token, enum ask_outcome outcome, int64_t score_micro)
{
	struct service *s = ctx;
	struct opinions_desk *o = s->owner;
	struct pending *p = &o->pending[token];

	p->waiting &= ~(1U << (s - o->services));
	if (outcome == ASK_ANSWERED) {
		p->answers.has[s->kind] = true;
		p->answers.score_micro[s->kind] = score_micro;
	}
	if (p->waiting == 0) {
		finish(o, p);
	}
}

static void start(struct opinions_desk *o, struct pending *p, unsigned services, struct str octets)
{
	p->is_used = true;
	for (size_t i = 0; i < o->policy->opinion_count; i++) {
		if ((services & 1U << i) != 0 &&
		    ask_start(o->services[i].ask, (uint64_t)(p - o->pending), octets) == 0) {
			p->waiting |= 1U << i;
		}
	}
	if (p->waiting == 0) {
		*p = (struct pending){.is_used = false};
	}
}

bool opinions_ask(struct opinions_desk *o, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	struct opinion_obs about = {.session = cur_uint(&c, 8, UINT64_MAX)};

	about.index = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	wire_get_source(&c, &about.source);
	about.score_micro = (uint32_t)cur_uint(&c, 4, 1000000);
	unsigned services = (unsigned)cur_uint(&c, 2, (1U << OPINIONS_MAX) - 1);
	struct str octets = cur_bytes(&c, c.left);
	if (cur_end(&c) < 0 || octets.len == 0) {
		return false;
	}
	o->questions++;
	for (size_t i = 0; i < OPINIONS_PENDING_MAX; i++) {
		if (!o->pending[i].is_used) {
			o->pending[i] = (struct pending){.about = about};
			start(o, &o->pending[i], services, octets);
			return true;
		}
	}
	o->dropped++;
	return true;
}

int opinions_new(struct loop *l, const struct policy *p, opinions_tell_fn *tell, void *ctx,
		 struct opinions_desk **ret, struct errmsg *reterr)
{
	struct opinions_desk *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	o->policy = p;
	o->tell = tell;
	o->ctx = ctx;
	for (size_t i = 0; i < p->opinion_count && i < OPINIONS_MAX; i++) {
		const struct opinion_policy *one = &p->opinions[i];
		const struct ask_conf conf = {.kind = one->kind,
					      .endpoint = one->address,
					      .timeout_ms = one->timeout_s * 1000,
					      .parallel = PARALLEL};
		o->services[i] = (struct service){.owner = o, .kind = one->kind};
		int r = ask_new(l, &conf, done, &o->services[i], &o->services[i].ask, reterr);
		if (r < 0) {
			opinions_free(o);
			return r;
		}
	}
	*ret = o;
	return 0;
}

void opinions_free(struct opinions_desk *o)
{
	if (o != NULL) {
		for (size_t i = 0; i < OPINIONS_MAX; i++) {
			ask_free(o->services[i].ask);
		}
		free(o);
	}
}

void opinions_write(const struct opinions_desk *o, struct jsonw *w, const char *key)
{
	jsonw_array(w, key);
	for (size_t i = 0; o != NULL && i < o->policy->opinion_count; i++) {
		struct ask_counts n = ask_counts_get(o->services[i].ask);
		jsonw_object(w, NULL);
		jsonw_cstr(w, "kind", opinion_kind_name(o->services[i].kind));
		jsonw_cstr(w, "address", o->policy->opinions[i].address);
		jsonw_bool(w, "resting", n.is_resting);
		jsonw_u64(w, "asked", n.asked);
		for (unsigned k = 0; k < ASK_OUTCOME_COUNT; k++) {
			jsonw_u64(w, ask_outcome_name((enum ask_outcome)k), n.by_outcome[k]);
		}
		jsonw_u64(w, "refused", n.refused);
		jsonw_u64(w, "rests", n.rests);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void opinions_write_metrics(const struct opinions_desk *o, struct buf *out)
{
	if (o == NULL || o->policy->opinion_count == 0) {
		return;
	}
	buf_add_cstr(out, "# TYPE postern_second_opinion_total counter\n");
	for (size_t i = 0; i < o->policy->opinion_count; i++) {
		struct ask_counts n = ask_counts_get(o->services[i].ask);
		const char *kind = opinion_kind_name(o->services[i].kind);
		for (unsigned k = 0; k < ASK_OUTCOME_COUNT; k++) {
			buf_printf(
				out,
				"postern_second_opinion_total{kind=\"%s\",outcome=\"%s\"} %llu\n",
				kind, ask_outcome_name((enum ask_outcome)k),
				(unsigned long long)n.by_outcome[k]);
		}
		buf_printf(out,
			   "postern_second_opinion_total{kind=\"%s\",outcome=\"refused\"} %llu\n",
			   kind, (unsigned long long)n.refused);
	}
	buf_add_cstr(out, "# TYPE postern_second_opinion_resting gauge\n");
	for (size_t i = 0; i < o->policy->opinion_count; i++) {
		buf_printf(out, "postern_second_opinion_resting{kind=\"%s\"} %d\n",
			   opinion_kind_name(o->services[i].kind),
			   ask_counts_get(o->services[i].ask).is_resting ? 1 : 0);
	}
	buf_printf(out,
		   "# TYPE postern_second_opinion_dropped_total counter\n"
		   "postern_second_opinion_dropped_total %llu\n",
		   (unsigned long long)o->dropped);
}
