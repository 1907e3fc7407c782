/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score: how much a message looks like spam, by its content alone, and what it is a copy of.
 *
 * Reads what a sender wrote (subject, name, visible text, links, structure); never recipients,
 * trace headers, dates, mailers, signatures of the way (docs/filter.md has the closed list). The
 * score is computed in whole numbers: the same message and weights give the same bits on every
 * machine. Layer: core (pure).
 */
#ifndef CORE_SCORE_H
#define CORE_SCORE_H

#include "base/attr.h"
#include "base/err.h"
#include "core/campaign.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCORE_BINS 8
#define SCORE_REASONS_MAX 8
/* Octets of one reason, its NUL included. */
#define SCORE_REASON_SIZE 96
/* Octets of visible text that are looked at for the campaign; the score looks at less. */
#define SCORE_TEXT_MAX (64 * 1024)
/* Octets of the subject, of a name and of an address that are looked at. */
#define SCORE_FIELD_MAX 1024

/* What the filter sees of a message. All texts are borrowed and decoded to UTF-8 as far as that
 * was possible; any octets are survived. */
struct score_input {
	struct str subject;
	struct str from_name;
	struct str from_address;
	struct str reply_to_address;
	struct str to_address;   /* only to take the recipient's name out of the text */
	struct str text;         /* visible text, lines ended by LF */
	const struct str *hosts; /* of URLs, in any order, with doubles */
	size_t host_count;
	/* Not part of the score; said in the reasons and kept for the judge. */
	uint32_t links_disguised; /* links whose text shows another host */
	uint32_t links_address;   /* links to a bare IP address */
	bool is_hiding;           /* HTML hides more text than it shows */
};

struct score {
	uint32_t score_micro; /* 0 to 1,000,000: orders messages from ham to spam */
	bool flagged;         /* at or over the weights' threshold */
	uint8_t bin;          /* calibrated bin, 0 the most like ham */
	uint16_t listed;      /* a bit for each list of URLs that knows one of it (url_match) */
	struct campaign_key campaign;
	/* Why, in words a person reads, the weightiest first. Each ends in NUL and is UTF-8. */
	char reasons[SCORE_REASONS_MAX][SCORE_REASON_SIZE];
	size_t reason_count;
};

/* Weights and the working memory to score one message at a time. */
struct scorer;

/**
 * A scorer from the octets of a weights file (core/model.h says what is refused).
 *
 * @param weights  Borrowed only during the call.
 * @return 0; -EBADMSG with a text that says what does not fit; -ENOMEM.
 */
MUSTUSE int scorer_new(struct str weights, struct scorer **ret, struct errmsg *reterr);
/** NULL is allowed. */
void scorer_free(struct scorer *s);
/**
 * Add what was learned from the operator's own mail (core/delta.h); replaces the one before.
 *
 * @param delta  Octets of a delta file, borrowed only during the call.
 * @return 0; -EBADMSG with a text; -ENOMEM. On failure nothing has changed.
 */
MUSTUSE int scorer_set_delta(struct scorer *s, struct str delta, struct errmsg *reterr);

/**
 * Score one message.
 *
 * @param explain  Also fill in the reasons: about three times the work.
 * @param ret      All of it is set.
 *
 * Cost: linear in the text up to named limits, then constant.
 */
void scorer_score(struct scorer *s, const struct score_input *in, bool explain, struct score *ret);

/* What the judge must know about the weights. */
struct score_rates {
	uint64_t weights_version;    /* first octets of the weights' SHA-256 */
	uint32_t threshold_micro;    /* score from which a message is flagged */
	uint32_t tpr_ppm;            /* share of spam flagged, measured on left-out groups */
	uint32_t fpr_ppm;            /* share of legitimate mail flagged, the same way */
	uint32_t f0_ppm[SCORE_BINS]; /* share of legitimate mail in each bin */
	uint32_t f1_ppm[SCORE_BINS]; /* share of spam in each bin */
};

struct score_rates scorer_rates(const struct scorer *s);

struct mail_view;

/**
 * Score a message from the mail walker's view.
 *
 * Of alternatives the last with text is read, as mail readers do; of attached messages nothing,
 * unless there is nothing else.
 */
void scorer_score_mail(struct scorer *s, const struct mail_view *view, bool explain,
		       struct score *ret);

#endif
