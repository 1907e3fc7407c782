/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause: why a source sends what it sends. Layer: core (pure).
 *
 * Each sign adds to the suspicion or to one cause; a source is blamed only with enough suspicion,
 * so that a busy healthy server accuses nobody. The weights are judgement, tried on staged
 * incidents.
 */
#include "core/cause.h"

#include "base/assert.h"

#include "base/poison.h"

/* Suspicion from which a source is blamed; a complaint about it is worth half of it. */
#define ACCUSED_AT 100
#define COMPLAINT 50

const char *cause_name(enum cause c)
{
	static const char *const names[] = {"unknown", "password",   "form",        "site",
					    "server",  "forwarding", "backscatter", "open_relay",
					    "bulk",    "direct"};
	static_assert(COUNT_OF(names) == CAUSE_COUNT, "a name for every cause");

	ASSERT(c < CAUSE_COUNT);
	return names[c];
}

static void why(struct cause_verdict *v, const char *text)
{
	if (v->why_count < CAUSE_WHY_MAX) {
		v->why[v->why_count++] = text;
	}
}

static void rule_out(struct cause_verdict *v, enum cause c)
{
	if (v->ruled_out_count < CAUSE_RULED_OUT_MAX) {
		v->ruled_out[v->ruled_out_count++] = c;
	}
}

/* a of b, in per cent; 0 of nothing. */
static uint64_t share(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a * 100 / b;
}

/* What every kind of abuse shows: recipients that do not exist, refusals, volume. */
static unsigned suspicion_of(const struct attribution_sender *s, struct cause_verdict *v)
{
	uint64_t unknown = share(s->unknown, s->recipients);
	uint64_t failed = share(s->bounced + s->deferred, s->recipients);
	unsigned suspicion = 0;

	if (s->recipients >= 20 && unknown >= 10) {
		suspicion += unknown >= 20 ? 60 : 40;
		why(v, "many recipients do not exist");
	}
	if (s->recipients >= 20 && failed >= 40) {
		suspicion += 40;
		why(v, "much of it was refused or put off");
	}
	if (s->peak_per_h >= 200) {
		suspicion += s->peak_per_h >= 1000 ? 40 : 20;
		why(v, "a burst of recipients in one hour");
	}
	if (s->messages > 0 && s->recipients / s->messages >= 10 && s->messages >= 5) {
		suspicion += 30;
		why(v, "many recipients in each message");
	}
	return suspicion;
}

static void judge_account(const struct attribution_sender *s, struct cause_verdict *v,
			  unsigned suspicion)
{
	if (s->networks >= 4) {
		suspicion += s->networks >= 10 ? 80 : 50;
		why(v, "logins from many networks");
	}
	if (s->foreign >= 5 && share(s->foreign, s->messages) >= 50 && s->senders >= 3) {
		suspicion += 30;
		why(v, "sender addresses that are not the account's");
	}
	v->is_accused = suspicion >= ACCUSED_AT;
	bool is_bulk = s->networks <= 2 && share(s->unknown, s->recipients) < 5 &&
		       s->recipients >= 200;
	v->cause = is_bulk ? CAUSE_BULK : CAUSE_PASSWORD;
	rule_out(v, CAUSE_SITE);
	rule_out(v, CAUSE_OPEN_RELAY);
}

static void judge_user(const struct attribution_sender *s, struct cause_verdict *v,
		       unsigned suspicion)
{
	struct str name = str_of(s->name);
	bool is_root = str_is_equal(name, STR("root")) || str_is_equal(name, STR("uid 0"));
	bool is_constant = s->messages >= 10 && share(s->constant_rcpt, s->messages) >= 80;

	if (is_root) {
		suspicion += 30;
		why(v, "sent by root itself");
		v->cause = CAUSE_SERVER;
		rule_out(v, CAUSE_PASSWORD);
	} else if (s->script_odd > 0) {
		suspicion += 60;
		why(v, "the script lies where no mail comes from");
		v->cause = CAUSE_SITE;
		rule_out(v, CAUSE_FORM);
		rule_out(v, CAUSE_PASSWORD);
	} else if (is_constant) {
		suspicion += s->recipients >= s->messages * 3 / 2 && s->recipients >= 40 ? 60 : 0;
		why(v, "each message goes to the same recipient and a new one");
		v->cause = CAUSE_FORM;
		rule_out(v, CAUSE_PASSWORD);
		rule_out(v, CAUSE_SITE);
	} else {
		bool is_site = s->senders >= 5 || share(s->unknown, s->recipients) >= 10;
		v->cause = is_site ? CAUSE_SITE : CAUSE_BULK;
		rule_out(v, CAUSE_PASSWORD);
	}
	v->is_accused = suspicion >= ACCUSED_AT;
}

static void judge_address(const struct attribution_sender *s, struct cause_verdict *v,
			  unsigned suspicion)
{
	if (share(s->forwarded, s->recipients) >= 50) {
		v->cause = CAUSE_FORWARDING;
		why(v, "it came in for a local address that forwards");
		rule_out(v, CAUSE_OPEN_RELAY);
		v->is_accused = suspicion >= ACCUSED_AT;
		return;
	}
	v->cause = CAUSE_OPEN_RELAY;
	suspicion += 60;
	why(v, "a stranger's mail for other servers was accepted without a login");
	rule_out(v, CAUSE_PASSWORD);
	v->is_accused = suspicion >= ACCUSED_AT;
}

static void judge_server(const struct attribution_sender *s, struct cause_verdict *v,
			 unsigned suspicion)
{
	if (share(s->null_sender, s->messages) >= 50) {
		v->cause = CAUSE_BACKSCATTER;
		suspicion += s->messages >= 50 ? 60 : 0;
		why(v, "notices to addresses that never wrote");
	} else if (share(s->forwarded, s->recipients) >= 50) {
		v->cause = CAUSE_FORWARDING;
		why(v, "an alias forwards it");
	} else {
		v->cause = CAUSE_SERVER;
		suspicion += 20;
		why(v, "handed in from this machine without a login");
	}
	rule_out(v, CAUSE_PASSWORD);
	v->is_accused = suspicion >= ACCUSED_AT;
}

struct cause_verdict cause_of(const struct attribution_sender *s, bool is_named)
{
	struct cause_verdict v = {.cause = CAUSE_UNKNOWN};
	unsigned suspicion = suspicion_of(s, &v) + (is_named ? COMPLAINT : 0);

	if (is_named) {
		why(&v, "it sent a message that was complained about");
	}
	switch (s->kind) {
	case SOURCE_ACCOUNT:
		judge_account(s, &v, suspicion);
		break;
	case SOURCE_USER:
	case SOURCE_SCRIPT:
		judge_user(s, &v, suspicion);
		break;
	case SOURCE_ADDRESS:
		judge_address(s, &v, suspicion);
		break;
	case SOURCE_SERVER:
	case SOURCE_KIND_COUNT:
		judge_server(s, &v, suspicion);
		break;
	}
	/* More signs make the cause surer. */
	static const uint32_t by_signs[CAUSE_WHY_MAX + 1] = {300000, 550000, 750000, 880000,
							     940000, 970000, 980000};
	v.confidence_ppm = by_signs[v.why_count];
	return v;
}
