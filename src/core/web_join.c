/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_join: requests beside mail. Layer: core (pure).
 */
#include "core/web_join.h"

#include "base/map.h"
#include "core/ztable.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define URLS_MAX 1024
/* How often each URL was requested at all, by hash: the smallest of two counters that it may share
 * with others is never too low. */
#define COUNTERS 65536
#define COUNTER_ROWS 2
/* Once for all the time that is read, once for the time of the mail itself. */
enum counter_table { COUNT_ALL, COUNT_WITHIN, COUNT_TABLES };

/* Named when at least so many requests came with so much of the mail, ... */
#define NEAR_MIN 5
#define SHARE_MIN_PER_CENT 50
/* ... so much oftener than else, ... */
#define ODDS_MIN 4
#define ODDS_MIN_SCRIPT 6
/* ... and chance does that less than once in 160,000 times (in millionths of a nat); for the file
 * that the mail is known to come from once in 150 is enough, even if it was asked for but once. */
#define SCORE_MIN INT64_C(12000000)
#define SCORE_MIN_SCRIPT INT64_C(5000000)
#define SENT_PER_CENT 20
#define NEAR_MIN_PER_CENT 80
/* Fewer runs say little about their share. */
#define RUNS_MIN 4

#define KEY_MAX (WEB_KEY_HEAD + WEB_SITE_MAX + 1 + WEB_PATH_MAX)
static_assert(WEB_KEY_HEAD == 1 + sizeof(((struct web_place *)NULL)->log), "room for the log");

struct web_join {
	struct web_time time;
	struct siphash_key
		key; /* of what is counted: drawn from the mail, see attribution.counted */
	const char *script;
	struct map *urls;
	uint32_t *counters; /* COUNT_TABLES of COUNTER_ROWS of COUNTERS */
	struct web_range covered;
};

struct web_join *web_join_new(const struct web_join_opts *opts)
{
	struct web_join *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		return NULL;
	}
	j->script = opts->script;
	j->urls = map_new(URLS_MAX, &opts->key, web_url_key);
	j->counters = calloc((size_t)COUNT_TABLES * COUNTER_ROWS * COUNTERS, sizeof(*j->counters));
	if (j->urls == NULL || j->counters == NULL || web_time_init(&j->time, opts->moments) < 0) {
		web_join_free(j);
		return NULL;
	}
	j->key = siphash_key_of(opts->moments->at,
				opts->moments->count * sizeof(*opts->moments->at));
	return j;
}

void web_join_free(struct web_join *j)
{
	size_t pos = 0;
	void *item;

	if (j == NULL) {
		return;
	}
	while (j->urls != NULL && (item = map_next(j->urls, &pos)) != NULL) {
		free(item);
	}
	map_free(j->urls);
	web_time_done(&j->time);
	free(j->counters);
	free(j);
}

const struct web_time *web_join_time(const struct web_join *j)
{
	return &j->time;
}

void web_join_cover(struct web_join *j, struct web_range r)
{
	bool is_first = j->covered.begin == j->covered.end;

	if (r.end > r.begin) {
		j->covered.begin = is_first || r.begin < j->covered.begin ? r.begin
									  : j->covered.begin;
		j->covered.end = is_first || r.end > j->covered.end ? r.end : j->covered.end;
	}
}

static uint32_t *counter(const struct web_join *j, enum counter_table table, struct str key,
			 unsigned row)
{
	uint64_t hash = siphash13(&j->key, key.ptr, key.len);
	size_t begin = ((size_t)table * COUNTER_ROWS + row) * COUNTERS;

	return &j->counters[begin + ((hash >> (row * 32)) & (COUNTERS - 1))];
}

static uint64_t count_of(const struct web_join *j, enum counter_table table, struct str key)
{
	uint64_t n = UINT64_MAX;

	for (unsigned row = 0; row < COUNTER_ROWS; row++) {
		uint64_t here = *counter(j, table, key, row);
		n = here < n ? here : n;
	}
	return n;
}

static void count(struct web_join *j, enum counter_table table, struct str key)
{
	for (unsigned row = 0; row < COUNTER_ROWS; row++) {
		uint32_t *c = counter(j, table, key, row);
		*c += *c < UINT32_MAX ? 1 : 0;
	}
}

/* Every URL loses one of its weight; those that have none left go (Misra and Gries): a URL of more
 * than a thousandth of all requests near to mail stays. */
static void make_room(struct web_join *j)
{
	struct web_url *gone[URLS_MAX];
	struct web_url *u;
	size_t n = 0;

	for (size_t pos = 0; (u = map_next(j->urls, &pos)) != NULL;) {
		if (--u->weight == 0) {
			gone[n++] = u;
		}
	}
	for (size_t i = 0; i < n; i++) {
		(void)map_remove(j->urls, web_url_key(gone[i]));
		free(gone[i]);
	}
}

static struct web_url *url_get(struct web_join *j, struct str key, size_t site_len)
{
	struct web_url *u = map_find(j->urls, key);

	if (u != NULL) {
		return u;
	}
	if (map_count(j->urls) == URLS_MAX) {
		make_room(j);
	}
	u = web_url_new(key, site_len);
	if (u != NULL && map_add(j->urls, u) < 0) {
		free(u);
		return NULL;
	}
	return u;
}

/* NUL octets that a stranger put into the path become "?". */
static void key_add(struct buf *key, const struct web_place *place, bool is_sent, struct str site,
		    struct str target)
{
	buf_add_char(key, is_sent ? 's' : 'a');
	buf_add(key, (struct str){(const char *)&place->log, sizeof(place->log)});
	buf_add(key, site);
	buf_add_char(key, '\0');
	size_t begin = key->len;
	web_log_path(target, WEB_PATH_MAX, key);
	for (size_t i = begin; i < key->len; i++) {
		key->ptr[i] = key->ptr[i] == '\0' ? '?' : key->ptr[i];
	}
}

void web_join_step(struct web_join *j, const struct web_hit *hit, struct str site, struct str line,
		   const struct web_place *place)
{
	int64_t second = hit->time.ns / NS_PER_S;
	struct buf key;

	if (hit->method.len == 0 || !web_time_is_asked(&j->time, second)) {
		return;
	}
	site = str_head(hit->site.len > 0 ? hit->site : site, WEB_SITE_MAX);
	buf_init(&key, KEY_MAX);
	key_add(&key, place, web_method_sends(hit->method), site, hit->target);
	if (buf_end(&key) == 0) {
		const struct web_range within = web_time_span(&j->time);
		count(j, COUNT_ALL, buf_str(&key));
		if (second >= within.begin && second < within.end) {
			count(j, COUNT_WITHIN, buf_str(&key));
		}
		struct web_url *u = web_time_is_near(&j->time, second)
					    ? url_get(j, buf_str(&key), site.len)
					    : NULL;
		if (u != NULL) {
			web_url_add(u, hit, line, place, &j->key);
			web_time_mark(&j->time, second, &u->marks);
		}
	}
	buf_done(&key);
}

/* ---- which one ---- */

struct rank {
	bool is_script;
	uint64_t share;    /* of the mail, in per cent */
	uint64_t requests; /* at most */
	uint64_t within;   /* of them in the time of the mail, at most */
	int64_t score;     /* how far from chance */
};

/* What the whole log says: seconds that are near to mail, of how many. */
struct base {
	uint64_t near_s;
	uint64_t all_s;
	uint64_t within_near_s; /* the same from the first mail to the last */
	uint64_t within_s;
	uint64_t mails;
	uint64_t runs;
};

static struct base base_of(const struct web_join *j)
{
	struct base b;

	const struct web_range span = web_time_span(&j->time);
	const struct web_range within = {span.begin > j->covered.begin ? span.begin
								       : j->covered.begin,
					 span.end < j->covered.end ? span.end : j->covered.end};

	web_time_share(&j->time, j->covered, &b.near_s, &b.all_s);
	web_time_share(&j->time, within, &b.within_near_s, &b.within_s);
	b.mails = web_time_mails(&j->time, j->covered, NULL);
	b.runs = web_time_runs(&j->time, j->covered, NULL);
	return b;
}

/* -ln of the greatest chance that k or more of n fall into a share of a of b, by Chernoff's bound;
 * 0 where there are no more than chance gives. */
static int64_t score_of(uint64_t k, uint64_t n, uint64_t a, uint64_t b)
{
	if (k * b <= n * a || a == 0 || a >= b) {
		return 0;
	}
	int64_t score = (int64_t)k * ln_micro(k * b, n * a);
	if (k < n) {
		score += (int64_t)(n - k) * ln_micro((n - k) * b, n * (b - a));
	}
	return score;
}

static uint64_t per_cent(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a * 100 / b;
}

static struct rank rank_of(const struct web_join *j, const struct web_url *u, const struct base *b)
{
	uint64_t requests = count_of(j, COUNT_ALL, web_url_key(u));
	uint64_t within = count_of(j, COUNT_WITHIN, web_url_key(u));
	uint64_t mails = per_cent(web_time_mails(&j->time, j->covered, &u->marks), b->mails);
	uint64_t runs = b->runs < RUNS_MIN
				? 0
				: per_cent(web_time_runs(&j->time, j->covered, &u->marks), b->runs);

	requests = requests < u->near ? u->near : requests;
	return (struct rank){
		.is_script = web_url_is_script(u, str_of(j->script)),
		.share = mails > runs ? mails : runs,
		.requests = requests,
		.within = within < u->near ? u->near : within,
		.score = score_of(u->near, requests, b->near_s, b->all_s),
	};
}

/* Are k of n near, when a of b seconds are, so much oftener than else? */
static bool is_often(uint64_t k, uint64_t n, uint64_t a, uint64_t b, uint64_t odds)
{
	return k * (b - a) >= odds * (n - k) * a;
}

/* Two things that go on at the same time have nothing in common by that: within the time of the
 * mail too the requests keep to it. Where mail leaves no pause nothing can be seen within, and
 * nearly all requests have to be of its time. */
static bool is_sign(const struct web_url *u, const struct rank *r, const struct base *b)
{
	if (r->is_script) {
		return r->score >= SCORE_MIN_SCRIPT &&
		       is_often(u->near, r->requests, b->near_s, b->all_s, ODDS_MIN_SCRIPT);
	}
	bool has_pauses = b->within_near_s * 2 < b->within_s;
	bool keeps = has_pauses
			     ? is_often(u->near, r->within, b->within_near_s, b->within_s, ODDS_MIN)
			     : per_cent(u->near, r->requests) >= NEAR_MIN_PER_CENT;

	return keeps && u->near >= NEAR_MIN && r->score >= SCORE_MIN &&
	       r->share >= SHARE_MIN_PER_CENT &&
	       is_often(u->near, r->requests, b->near_s, b->all_s, ODDS_MIN);
}

/* A form is fetched and then sent: of the two it is the sending that counts, unless it came with
 * much less of the mail. */
static bool is_better(const struct web_url *u, const struct rank *r, const struct web_url *than,
		      const struct rank *best)
{
	if (than == NULL || r->is_script != best->is_script) {
		return than == NULL || r->is_script;
	}
	uint64_t share = r->share + (u->is_sent ? SENT_PER_CENT : 0);
	uint64_t other = best->share + (than->is_sent ? SENT_PER_CENT : 0);
	if (share != other) {
		return share > other;
	}
	return r->score != best->score ? r->score > best->score
				       : str_compare(web_url_key(u), web_url_key(than)) < 0;
}

static bool is_looked_at(const struct web_join *j, const struct web_url *u)
{
	char key[KEY_MAX];

	memcpy(key, u->key, u->key_len);
	key[0] = 'a';
	return count_of(j, COUNT_ALL, (struct str){key, u->key_len}) > 0;
}

static void tell(const struct web_join *j, const struct web_url *u, const struct rank *r,
		 const struct base *b, struct web_finding *ret)
{
	*ret = (struct web_finding){
		.kind = web_url_kind(u, is_looked_at(j, u)),
		.is_script = r->is_script,
		.mails = b->mails,
		.mails_with = web_time_mails(&j->time, j->covered, &u->marks),
		.requests = r->requests,
		.requests_with = u->near,
		.by_chance = b->all_s == 0 ? 0 : r->requests * b->near_s / b->all_s,
		.referers = u->referers,
		.clients = u->clients,
		.evidence_count = u->evidence_count,
	};
	(void)str_copy(ret->site, sizeof(ret->site), web_url_site(u));
	(void)str_copy(ret->path, sizeof(ret->path), web_url_path(u));
	(void)str_copy(ret->method, sizeof(ret->method), str_of(u->method));
	ret->top_count = web_url_top(u, ret->top);
	if (u->agent_weight > 0) {
		(void)str_copy(ret->agent, sizeof(ret->agent), str_of(u->agent));
	}
	memcpy(ret->evidence, u->evidence, sizeof(ret->evidence));
}

bool web_join_find(const struct web_join *j, struct web_finding *ret)
{
	const struct base b = base_of(j);
	const struct web_url *best = NULL;
	const struct web_url *u;
	struct rank rank = {.share = 0};

	for (size_t pos = 0; (u = map_next(j->urls, &pos)) != NULL;) {
		struct rank r = rank_of(j, u, &b);
		if (is_sign(u, &r, &b) && is_better(u, &r, best, &rank)) {
			best = u;
			rank = r;
		}
	}
	if (best != NULL) {
		tell(j, best, &rank, &b, ret);
	}
	return best != NULL;
}

enum cause_web web_finding_cause(const struct web_finding *f)
{
	switch (f->kind) {
	case WEB_PAGE:
		return CAUSE_WEB_PAGE;
	case WEB_SCRIPT:
		return CAUSE_WEB_SCRIPT;
	case WEB_OTHER:
	case WEB_SCHEDULE:
	case WEB_KIND_COUNT:
		break;
	}
	return CAUSE_WEB_NONE;
}
