/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_sender: the numbers of one source. Layer: core (pure).
 */
#include "core/attribution_sender.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define NS_PER_H (3600 * NS_PER_S)

/* ln(.3/.05) and ln(.7/.95) in millionths: recipients of spam against those of a healthy source. */
#define WEIGHT_UNKNOWN 1791759
#define WEIGHT_KNOWN (-305382)
/* What one message weighs at most, in millionths of a nat: somebody's old list of friends in one
 * mail is no run of spam. */
#define WEIGHT_MESSAGE_MAX 5000000
/* Unknown recipients of one domain in a row that count; they stay under h2 together. */
#define TROUBLE_RUN_MAX 3

const char *source_kind_name(enum source_kind kind)
{
	static const char *const names[] = {"account", "user", "script", "address", "server"};
	static_assert(COUNT_OF(names) == SOURCE_KIND_COUNT, "a name for every kind");

	ASSERT(kind < SOURCE_KIND_COUNT);
	return names[kind];
}

struct str sender_key(const void *item)
{
	const struct sender *s = item;
	return (struct str){s->key, s->key_len};
}

struct sender *sender_new(enum source_kind kind, struct str name)
{
	name = str_head(name, ATTRIBUTION_TEXT_MAX - 1);
	struct sender *s = calloc(1, sizeof(*s) + name.len + 2);

	if (s != NULL) {
		s->key[0] = (char)('a' + kind);
		(void)str_copy(s->key + 1, name.len + 1, name);
		s->key_len = (uint16_t)(name.len + 1);
		s->out.kind = kind;
		s->out.name = s->key + 1;
		s->out.script = "";
	}
	return s;
}

void sender_free(struct sender *s)
{
	if (s == NULL) {
		return;
	}
	for (size_t i = 0; i < ATTRIBUTION_EVIDENCE_MAX; i++) {
		free(s->evidence[i]);
	}
	free(s->addresses.seen);
	free(s->networks.seen);
	free(s->senders.seen);
	free(s->domains.seen);
	free(s->script);
	free(s->out.moments.at);
	free(s);
}

void distinct_add(struct distinct *d, uint64_t hash)
{
	if (d->count == ATTRIBUTION_DISTINCT_MAX) {
		return;
	}
	for (uint32_t i = 0; i < d->count; i++) {
		if (d->seen[i] == hash) {
			return;
		}
	}
	if (d->count == d->size) {
		uint32_t size = d->size == 0 ? 2 : d->size * 2;
		uint64_t *grown = realloc(d->seen, size * sizeof(*grown));
		if (grown == NULL) {
			return;
		}
		d->seen = grown;
		d->size = size;
	}
	d->seen[d->count++] = hash;
}

/* "203.0.113" of "203.0.113.7"; the first three groups of an IPv6 address. */
static struct str network_of(struct str addr)
{
	char sep = str_find_char(addr, ':') < addr.len ? ':' : '.';
	size_t seen = 0;

	for (size_t i = 0; i < addr.len; i++) {
		seen += addr.ptr[i] == sep ? 1 : 0;
		if (seen == 3) {
			return str_head(addr, i);
		}
	}
	return addr;
}

void sender_add_client(struct sender *s, struct str addr, const struct linhash_key *key)
{
	struct str network = network_of(addr);

	distinct_add(&s->addresses, linhash(key, addr.ptr, addr.len));
	distinct_add(&s->networks, linhash(key, network.ptr, network.len));
	s->out.addresses = s->addresses.count;
	s->out.networks = s->networks.count;
}

static bool is_new_rcpt(struct sender *s, uint64_t rcpt_hash)
{
	uint64_t bit = rcpt_hash % RCPT_BITS;
	uint64_t mask = UINT64_C(1) << (bit % 64);

	if (s->rcpts_set > RCPT_BITS / 2) {
		return true;
	}
	if ((s->rcpts[bit / 64] & mask) != 0) {
		return false;
	}
	s->rcpts[bit / 64] |= mask;
	s->rcpts_set++;
	return true;
}

static void count_common(struct sender *s, uint64_t rcpt_hash)
{
	size_t empty = COMMON_MAX;

	for (size_t i = 0; i < COMMON_MAX; i++) {
		if (s->common_count[i] > 0 && s->common[i] == rcpt_hash) {
			s->common_count[i]++;
			if (s->common_count[i] > s->out.constant_rcpt) {
				s->out.constant_rcpt = s->common_count[i];
			}
			return;
		}
		empty = s->common_count[i] == 0 && empty == COMMON_MAX ? i : empty;
	}
	if (empty < COMMON_MAX) {
		s->common[empty] = rcpt_hash;
		s->common_count[empty] = 1;
		return;
	}
	for (size_t i = 0; i < COMMON_MAX; i++) {
		s->common_count[i]--;
	}
}

bool sender_add_rcpt(struct sender *s, uint64_t rcpt_hash)
{
	count_common(s, rcpt_hash);
	return is_new_rcpt(s, rcpt_hash);
}

bool sender_is_new_trouble(struct sender *s, uint16_t domain)
{
	bool is_same = domain != 0 && domain == s->trouble_domain;

	s->trouble_run = !is_same                      ? 1
			 : s->trouble_run < UINT16_MAX ? s->trouble_run + 1
						       : UINT16_MAX;
	s->trouble_domain = domain;
	return s->trouble_run <= TROUBLE_RUN_MAX;
}

void sender_weigh(struct sender *s, const struct sender_trials *t)
{
	int64_t z = (int64_t)t->unknown * WEIGHT_UNKNOWN + (int64_t)t->known * WEIGHT_KNOWN;

	s->weight += z < WEIGHT_MESSAGE_MAX ? z : WEIGHT_MESSAGE_MAX;
	s->weight = s->weight > 0 ? s->weight : 0;
	if ((uint64_t)s->weight > s->out.stretch) {
		s->out.stretch = (uint64_t)s->weight;
	}
}

void sender_add_volume(struct sender *s, struct wall time, uint64_t recipients)
{
	int64_t hour = time.ns / NS_PER_H;

	if (hour != s->hour) {
		s->hour = hour;
		s->hour_recipients = 0;
	}
	s->hour_recipients += recipients;
	if (s->hour_recipients > s->out.peak_per_h) {
		s->out.peak_per_h = s->hour_recipients;
	}
	if (s->out.first.ns == 0 || time.ns < s->out.first.ns) {
		s->out.first = time;
	}
	if (time.ns > s->out.last.ns) {
		s->out.last = time;
	}
}

bool script_is_odd(struct str path)
{
	static const char *const parts[] = {"uploads", "upload",   "cache", "tmp",   "temp",
					    "images",  "image",    "img",   "fonts", "css",
					    "js",      "logs",     "log",   "shm",   "backup",
					    "media",   "pictures", "thumbs"};

	if (str_find(path, STR("eval()'d")) < path.len) {
		return true;
	}
	while (path.len > 0) {
		struct str part = str_take_until(&path, '/');
		if (part.len > 1 && part.ptr[0] == '.') {
			return true;
		}
		for (size_t i = 0; i < COUNT_OF(parts); i++) {
			if (str_is_equal_nocase(part, str_of(parts[i]))) {
				return true;
			}
		}
	}
	return false;
}

/* At most ATTRIBUTION_TEXT_MAX - 1 octets of it as a C string; NULL without memory. */
static char *text_of(struct str s)
{
	s = str_head(s, ATTRIBUTION_TEXT_MAX - 1);
	char *text = malloc(s.len + 1);

	if (text != NULL) {
		(void)str_copy(text, s.len + 1, s);
	}
	return text;
}

void sender_set_script(struct sender *s, struct str script)
{
	/* Runs come from one place: it is looked at once. */
	bool is_same = str_is_equal(str_of(s->out.script), script);
	bool is_odd = is_same ? s->is_odd : script_is_odd(script);
	bool had_odd = s->out.script_odd > 0;

	s->out.scripted++;
	s->out.script_odd += is_odd ? 1 : 0;
	/* What is odd stays named, though the site's other mail goes on beside it. */
	if (is_same || (had_odd && !is_odd)) {
		return;
	}
	char *text = text_of(script);
	if (text != NULL) {
		free(s->script);
		s->script = text;
		s->out.script = text;
		s->is_odd = is_odd;
	}
}

void sender_add_evidence(struct sender *s, struct attribution_place place, struct str line)
{
	if (s->out.evidence_count == ATTRIBUTION_EVIDENCE_MAX) {
		return;
	}
	for (size_t i = 0; i < s->out.evidence_count; i++) {
		if (s->out.evidence[i].place.file == place.file &&
		    s->out.evidence[i].place.line == place.line) {
			return;
		}
	}
	char *text = text_of(line);
	if (text != NULL) {
		s->evidence[s->out.evidence_count] = text;
		s->out.evidence[s->out.evidence_count++] = (struct attribution_evidence){
			.place = place, .text = text};
	}
}

void sender_keep_delivery(struct sender *s, const struct log_event *ev,
			  struct attribution_place place, struct str line)
{
	bool is_failure = ev->is_unknown_rcpt || ev->is_refused;
	bool is_sent = ev->delivery == LOG_SENT && !ev->is_local_relay;

	/* Of strangers whose mail stayed here nothing is kept; Exim names no host then. */
	if (s == NULL || ev->is_local_relay ||
	    (s->out.kind == SOURCE_ADDRESS && ev->mta == LOG_MTA_EXIM && ev->relay.len == 0)) {
		return;
	}
	if (is_failure && !s->has_failure) {
		s->has_failure = true;
		sender_add_evidence(s, place, line);
	} else if (is_sent && !s->has_delivery) {
		s->has_delivery = true;
		sender_add_evidence(s, place, line);
	}
}
