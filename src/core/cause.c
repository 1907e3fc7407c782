/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause: why a source sends what it sends. Layer: core (pure).
 *
 * Two questions, apart. Is it abuse? Signs add up to a suspicion, and a source is blamed only over
 * a threshold that no single sign reaches but a quarter of dead recipients or refusals, or a
 * stretch of dead recipients that chance does not give (DECISION §1), so that a busy healthy server
 * accuses nobody. Why? The kind of source leaves few causes, and its shape decides between them;
 * how decisive that shape is says how sure the answer is. The numbers were tried on some thousands
 * of staged and written logs (tests/e2e/scenario.py), with volumes from tens to thousands of mails,
 * in minutes and in days.
 */
#include "core/cause.h"

#include "base/assert.h"
#include "core/ztable.h"

#include "base/poison.h"

/* Suspicion from which a source is blamed. */
#define ACCUSED_AT 100
/* So few different recipients are notices to people who are known, not abuse. */
#define DISTINCT_MIN 12
/* Shares from which they count: known people and lists that are kept have less. */
#define UNKNOWN_PER_MILLE 45
#define REFUSED_PER_MILLE 40
/* Nats by which unknown recipients in one stretch of a source's mail accuse it alone. What is less
 * is no second witness to their share: it is the same one. Source: DECISION §2, h. */
#define STRETCH_ALONE (16 * UINT64_C(1000000))
/* Nats of refusals beyond chance (at most e^-3 of the healthy have so many) that logins from many
 * networks need: people travel, and some of their friends are gone. */
#define SPREAD_NEEDS 3000000
/* Recipients of a form that said no, from which it is blamed without a complaint. */
#define FORM_REFUSED_MIN 5
/* What a complaint adds when it is asked why: that it is abuse is known then. */
#define NAMED 45

/* How sure, in millionths: the shape admits one cause; it makes one likely; it leans to one; it
 * does not tell. What the staged incidents gave, rounded down. */
#define SURE 950000
#define LIKELY 850000
#define LEANING 650000
#define OPEN 0

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

static void decide(struct cause_verdict *v, enum cause c, uint32_t confidence_ppm)
{
	v->cause = c;
	v->confidence_ppm = confidence_ppm;
}

/* a of b, in per cent; 0 of nothing. */
static uint64_t share(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a * 100 / b;
}

static uint64_t root_of(uint64_t n)
{
	uint64_t r = 0;

	while (r < 1000 && (r + 1) * (r + 1) <= n) {
		r++;
	}
	return r;
}

/* Points of a share, by what it is at least: chance may add about the root of a count to it. */
static unsigned points(uint64_t cases, uint64_t of, uint64_t per_mille_min)
{
	uint64_t chance = (root_of(cases) * 13 + 9) / 10;

	if (of == 0 || cases < 3 || cases <= chance) {
		return 0;
	}
	uint64_t least = (cases - chance) * 1000 / of;
	if (least < per_mille_min) {
		return 0;
	}
	if (least >= 6 * per_mille_min) {
		return ACCUSED_AT;
	}
	return least >= 3 * per_mille_min ? 90 : (least >= 2 * per_mille_min ? 70 : 45);
}

/* Of its recipients those whose servers said yes or no: who only put it off said nothing yet, and
 * a source that was shut has most of its mail waiting. */
static uint64_t answered(const struct attribution_sender *s)
{
	uint64_t said = s->unknown + s->refused;
	uint64_t n = s->distinct;

	if (s->recipients > 0 && s->deferred <= s->recipients) {
		n = n * (s->recipients - s->deferred) / s->recipients;
	}
	return n > said ? n : said;
}

/* n·D(cases/n‖per_mille) in millionths of a nat: with probability e^-this at most chance gives so
 * many cases (Chernoff) where the share is per_mille. */
static int64_t beyond_chance(uint64_t cases, uint64_t of, uint64_t per_mille)
{
	if (of == 0 || cases > of || cases * 1000 <= of * per_mille) {
		return 0;
	}
	uint64_t rest = of - cases;
	int64_t nats = (int64_t)cases * ln_micro(cases * 1000, of * per_mille);
	return rest == 0 ? nats
			 : nats + (int64_t)rest * ln_micro(rest * 1000, of * (1000 - per_mille));
}

static bool is_refused_beyond_chance(const struct attribution_sender *s)
{
	return beyond_chance(s->unknown, answered(s), UNKNOWN_PER_MILLE) >= SPREAD_NEEDS ||
	       beyond_chance(s->refused, answered(s), REFUSED_PER_MILLE) >= SPREAD_NEEDS;
}

static unsigned unknown_points(const struct attribution_sender *s)
{
	return s->stretch >= STRETCH_ALONE ? ACCUSED_AT
					   : points(s->unknown, answered(s), UNKNOWN_PER_MILLE);
}

static unsigned refused_points(const struct attribution_sender *s)
{
	return points(s->refused, answered(s), REFUSED_PER_MILLE);
}

/* What every kind of abuse shows, whoever sends it: recipients that do not exist, refusals as
 * spam, volume. */
static unsigned suspicion_of(const struct attribution_sender *s, struct cause_verdict *v)
{
	unsigned unknown = unknown_points(s);
	unsigned refused = refused_points(s);
	unsigned suspicion = unknown + refused;

	if (unknown > 0) {
		why(v, "many recipients do not exist");
	}
	if (refused > 0) {
		why(v, "other servers refused it as spam");
	}
	if (s->distinct >= 20 && share(s->deferred, s->recipients) >= 25) {
		suspicion += 15;
		why(v, "much of it was put off");
	}
	if (s->distinct >= 150 && s->peak_per_h >= 200) {
		suspicion += s->peak_per_h >= 1000 ? 30 : 15;
		why(v, "a burst of recipients in one hour");
	}
	if (s->messages >= 4 && s->recipients / s->messages >= 5) {
		suspicion += 25;
		why(v, "many recipients in each message");
	}
	if (s->distinct >= 15 && share(s->distinct, s->recipients) >= 80) {
		suspicion += 15; /* new people nearly each time; lists do that too */
	}
	return suspicion;
}

static unsigned refusal_points(const struct attribution_sender *s)
{
	return unknown_points(s) + refused_points(s);
}

/* Does it look like mail that somebody sends to a list of his own? */
static bool is_like_bulk(const struct attribution_sender *s)
{
	return s->distinct >= 20 && s->senders <= 2 && s->networks <= 2 && refusal_points(s) < 70;
}

static unsigned judge_account(const struct attribution_sender *s, const struct cause_context *c,
			      struct cause_verdict *v, unsigned suspicion)
{
	bool is_foreign = s->senders >= 4 && share(s->foreign, s->messages) >= 50 &&
			  s->distinct >= 10;
	bool is_spread = s->networks >= 5 && s->networks * 4 >= s->messages;
	bool is_wide = s->networks >= 12;

	if (share(s->forwarded, s->recipients) >= 50) {
		why(v, "it came in from outside for this address, which forwards");
		decide(v, CAUSE_FORWARDING, SURE);
		rule_out(v, CAUSE_PASSWORD);
		rule_out(v, CAUSE_OPEN_RELAY);
		/* One recipient or few: what counts is how much of it they do not want. */
		return s->bounced >= 5 && share(s->bounced, s->recipients) >= 15 ? ACCUSED_AT
										 : suspicion;
	}
	if (is_spread || is_wide) {
		unsigned p = is_spread && is_wide ? 80 : 50;
		suspicion += is_refused_beyond_chance(s) ? p : p / 2;
		why(v, "logins from many networks");
	}
	if (is_foreign) {
		suspicion += 45;
		why(v, "sender addresses that are not the account's");
	}
	rule_out(v, CAUSE_SITE);
	rule_out(v, CAUSE_OPEN_RELAY);
	if (s->distinct > 0 && s->local_client == s->messages) {
		why(v, "handed in by webmail or a program on this machine, with the password");
	}
	if (is_spread || is_wide || is_foreign) {
		decide(v, CAUSE_PASSWORD, SURE);
	} else if (is_like_bulk(s) && refusal_points(s) == 0) {
		why(v, "one sender, few refusals: as somebody's own list");
		decide(v, CAUSE_BULK, LEANING);
	} else if (suspicion + (c->is_named ? NAMED : 0) >= 60) {
		decide(v, CAUSE_PASSWORD,
		       suspicion >= 150          ? SURE
		       : suspicion >= ACCUSED_AT ? LIKELY
						 : LEANING);
	} else {
		decide(v, CAUSE_UNKNOWN, OPEN);
	}
	return suspicion;
}

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is_equal(name, str_of(names[i]))) {
			return true;
		}
	}
	return false;
}

/* Is it root or a user that comes with the system? Web servers' own users may be many sites. */
static bool is_system_user(struct str name)
{
	static const char *const names[] = {
		"root",  "daemon",   "bin",    "sys",    "adm",     "lp",         "sync",
		"games", "man",      "uucp",   "proxy",  "backup",  "list",       "irc",
		"gnats", "operator", "ftp",    "sshd",   "mysql",   "postgres",   "redis",
		"named", "bind",     "ntp",    "cron",   "polkitd", "messagebus", "systemd-network",
		"uid 0", "uid 1",    "uid 2",  "uid 3",  "uid 4",   "uid 5",      "uid 6",
		"uid 7", "uid 9",    "uid 10", "uid 34", "uid 38"};

	return is_one_of(name, names, COUNT_OF(names));
}

static bool is_nobody(struct str name)
{
	static const char *const nobody[] = {"nobody", "uid 65534", "uid 99"};

	return is_one_of(name, nobody, COUNT_OF(nobody));
}

static bool is_in_a_site(struct str path)
{
	static const char *const parts[] = {"public_html", "httpdocs", "/var/www/", "/htdocs",
					    "/vhosts/",    "/www/",    "/html",     "/web/"};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (str_find(path, str_of(parts[i])) < path.len) {
			return true;
		}
	}
	return false;
}

/* A program that sites have for talking to visitors, or a known system's own code. */
static bool is_site_software(struct str path)
{
	static const char *const parts[] = {
		"pluggable.php", "wp-includes/", "/plugins/",    "phpmailer", "contact",
		"kontakt",       "form",         "/send.php",    "register",  "registration",
		"comment",       "/modules/",    "/components/", "/vendor/",  "index.php"};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (str_find_nocase(path, str_of(parts[i])) < path.len) {
			return true;
		}
	}
	return false;
}

/* One recipient that is always there, and a new one each time: together in one mail or in two. */
static bool has_constant_rcpt(const struct attribution_sender *s)
{
	uint64_t constant = share(s->constant_rcpt, s->recipients);

	return s->constant_rcpt >= 6 && constant >= 28 && constant <= 65 &&
	       share(s->distinct, s->recipients) >= 30;
}

/* Of a form: the shape is plain, a refusal or a complaint says that it is misused. */
static uint32_t sure_of_form(const struct attribution_sender *s, const struct cause_context *c,
			     unsigned suspicion)
{
	bool has_script = s->scripted > 0 || c->web != CAUSE_WEB_NONE;

	if (suspicion < 45) {
		return has_script ? LIKELY : LEANING;
	}
	return has_script ? SURE : LIKELY;
}

static unsigned decide_site(const struct attribution_sender *s, const struct cause_context *c,
			    struct cause_verdict *v, unsigned suspicion)
{
	bool is_software = is_site_software(str_of(s->script));
	unsigned known = suspicion + (c->is_named ? NAMED : 0);

	v->wants_script = s->scripted == 0;
	if (s->script_odd > 0 || c->web == CAUSE_WEB_SCRIPT) {
		why(v, s->script_odd > 0
			       ? "the script lies where no mail comes from"
			       : "each time somebody called a file where no program belongs");
		decide(v, CAUSE_SITE, SURE);
		rule_out(v, CAUSE_FORM);
	} else if (has_constant_rcpt(s)) {
		why(v, "the same recipient and a new one each time, as a form writes");
		if (known >= 45) {
			decide(v, CAUSE_FORM, sure_of_form(s, c, suspicion));
			rule_out(v, CAUSE_SITE);
		}
		/* A shop writes like that too, but to people who wait for it: of a few orders some
		 * are always mistyped. */
		suspicion += suspicion >= 45 && s->unknown + s->refused >= FORM_REFUSED_MIN ? 55
											    : 0;
	} else if (suspicion < ACCUSED_AT && is_like_bulk(s)) {
		why(v, "one sender, few refusals: as somebody's own list");
		decide(v, CAUSE_BULK, LEANING);
	} else if (known < 45) {
		decide(v, CAUSE_UNKNOWN, OPEN);
	} else if (s->senders <= 2 && (c->web == CAUSE_WEB_PAGE || is_software)) {
		decide(v, CAUSE_FORM, c->web == CAUSE_WEB_PAGE ? LIKELY : LEANING);
	} else {
		decide(v, CAUSE_SITE, s->senders >= 3 || s->scripted > 0 ? LIKELY : LEANING);
	}
	if (c->web == CAUSE_WEB_PAGE) {
		why(v, "somebody posted to a page of the site each time");
	}
	return suspicion;
}

static unsigned judge_user(const struct attribution_sender *s, const struct cause_context *c,
			   struct cause_verdict *v, unsigned suspicion)
{
	struct str name = str_of(s->name);
	bool is_site = is_in_a_site(str_of(s->script)) || c->web != CAUSE_WEB_NONE;

	rule_out(v, CAUSE_PASSWORD);
	if (s->senders >= 5 && s->senders * 4 >= s->messages && s->distinct >= DISTINCT_MIN) {
		suspicion += 40;
		why(v, "many sender addresses");
	}
	if (is_system_user(name) || (is_nobody(name) && !is_site)) {
		suspicion += 30;
		why(v, "sent by a user of the system, not of a site");
		decide(v, CAUSE_SERVER, is_site ? LIKELY : SURE);
		rule_out(v, CAUSE_FORM);
		return suspicion;
	}
	if (s->script_odd > 0) {
		suspicion += 50;
	}
	return decide_site(s, c, v, suspicion);
}

static unsigned judge_address(const struct attribution_sender *s, struct cause_verdict *v,
			      unsigned suspicion)
{
	decide(v, CAUSE_OPEN_RELAY, s->domains >= 5 ? SURE : LEANING);
	if (s->domains >= 5) {
		suspicion += 60;
		why(v, "a stranger's mail for many other servers was accepted without a login");
	} else {
		suspicion += 20;
		why(v, "it was accepted without a login and sent on");
	}
	rule_out(v, CAUSE_PASSWORD);
	rule_out(v, CAUSE_SITE);
	return suspicion;
}

static unsigned judge_server(const struct attribution_sender *s, const struct cause_context *c,
			     struct cause_verdict *v, unsigned suspicion)
{
	rule_out(v, CAUSE_PASSWORD);
	if (share(s->null_sender, s->messages) >= 50) {
		uint64_t failed = share(s->unknown + s->refused, s->distinct);
		decide(v, CAUSE_BACKSCATTER, SURE);
		why(v, "notices to addresses that never wrote");
		rule_out(v, CAUSE_OPEN_RELAY);
		if (s->distinct >= 20 &&
		    (share(s->messages, s->messages + c->incoming) >= 15 || failed >= 30)) {
			suspicion += ACCUSED_AT;
		}
		return suspicion;
	}
	if (str_is_equal(str_of(s->name), STR(ATTRIBUTION_NO_LOGIN))) {
		decide(v, CAUSE_OPEN_RELAY, LEANING);
		why(v, "it came by SMTP, and nobody had logged in");
		rule_out(v, CAUSE_SITE);
		return suspicion;
	}
	decide(v, CAUSE_SERVER, LIKELY);
	why(v, "handed in from this machine without a login");
	return suspicion + 20;
}

struct cause_verdict cause_of(const struct attribution_sender *s, const struct cause_context *c)
{
	struct cause_verdict v = {.cause = CAUSE_UNKNOWN};
	unsigned suspicion = suspicion_of(s, &v);

	if (c->is_named) {
		why(&v, "it sent a message that was complained about");
	}
	switch (s->kind) {
	case SOURCE_ACCOUNT:
		suspicion = judge_account(s, c, &v, suspicion);
		break;
	case SOURCE_USER:
	case SOURCE_SCRIPT:
		suspicion = judge_user(s, c, &v, suspicion);
		break;
	case SOURCE_ADDRESS:
		suspicion = judge_address(s, &v, suspicion);
		break;
	case SOURCE_SERVER:
	case SOURCE_KIND_COUNT:
		suspicion = judge_server(s, c, &v, suspicion);
		break;
	}
	bool is_few = s->distinct < DISTINCT_MIN && v.cause != CAUSE_FORWARDING;
	v.is_accused = c->is_named || (suspicion >= ACCUSED_AT && !is_few);
	return v;
}
