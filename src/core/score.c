/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score: puts tokens, members and campaigns together. Layer: core (pure).
 */
#include "core/score.h"

#include "core/delta.h"
#include "core/explain.h"
#include "core/features.h"
#include "core/model.h"
#include "core/score_mail.h"
#include "core/tokens.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct scorer {
	struct model *model;
	struct delta *delta; /* NULL: none */
	struct tokens tokens;
	uint32_t bins[FEATURES_MAX];
	struct model_seen seen;
	struct score_room room;
};

int scorer_new(struct str weights, struct scorer **ret, struct errmsg *reterr)
{
	struct scorer *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the filter");
	}
	int r = model_decode(weights, &s->model, reterr);

	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void scorer_free(struct scorer *s)
{
	if (s != NULL) {
		model_free(s->model);
		delta_free(s->delta);
		free(s);
	}
}

int scorer_set_delta(struct scorer *s, struct str delta, struct errmsg *reterr)
{
	struct delta *d;
	int r = delta_decode(delta, &d, reterr);

	if (r == 0) {
		delta_free(s->delta);
		s->delta = d;
	}
	return r;
}

/* Subject and text, for a message that has too little of either to be told by them. */
static uint64_t exact_hash(const struct score_input *in)
{
	uint64_t subject = campaign_exact_hash(str_head(in->subject, SCORE_FIELD_MAX));
	uint64_t text = campaign_exact_hash(str_head(in->text, SCORE_TEXT_MAX));

	return tokens_mix(tokens_mix(subject) + text);
}

static struct campaign_key campaign_of(const struct score_input *in)
{
	uint32_t shingles;
	struct campaign_key key = {
		.simhash = campaign_simhash(str_head(in->text, SCORE_TEXT_MAX), &shingles),
		.exact = exact_hash(in),
	};

	if (shingles < CAMPAIGN_SHINGLES_FEW) {
		key.urls_hash = campaign_urls_hash(in->hosts, in->host_count);
	}
	return key;
}

void scorer_score(struct scorer *s, const struct score_input *in, bool explain, struct score *ret)
{
	int64_t logits[MEMBER_COUNT];
	int64_t learned = 0;

	tokens_read(in, &s->tokens);
	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		size_t n = features_read(m, in, &s->tokens, s->bins);

		logits[m] = model_member_logit(&s->model->members[m], s->bins, n, &s->seen);
		if (m == MEMBER_WORDS && s->delta != NULL) {
			learned = delta_logit(s->delta, s->bins, n, &s->seen);
		}
	}
	int64_t logit = model_sum(s->model, logits, s->tokens.count) + learned;

	*ret = (struct score){
		.score_micro = model_score_micro(s->model, logit),
		.flagged = logit >= s->model->threshold_micro,
		.bin = model_bin(s->model, logit),
		.campaign = campaign_of(in),
	};
	if (explain) {
		explain_score(s->model, in, &s->tokens, logits, ret);
	}
}

void scorer_score_mail(struct scorer *s, const struct mail_view *view, bool explain,
		       struct score *ret)
{
	struct score_input in = score_input_of(view, &s->room);

	scorer_score(s, &in, explain, ret);
}

struct score_rates scorer_rates(const struct scorer *s)
{
	struct score_rates r = {
		.weights_version = model_version(s->model),
		.threshold_micro = model_score_micro(s->model, s->model->threshold_micro),
		.tpr_ppm = s->model->tpr_ppm,
		.fpr_ppm = s->model->fpr_ppm,
	};

	memcpy(r.f0_ppm, s->model->f0_ppm, sizeof(r.f0_ppm));
	memcpy(r.f1_ppm, s->model->f1_ppm, sizeof(r.f1_ppm));
	return r;
}
