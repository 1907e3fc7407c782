/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_url: one URL of a site. Layer: core (pure).
 */
#include "core/web_url.h"

#include "core/attribution_sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* A name of fewer characters is no sign of anything. */
#define RANDOM_MIN 6
/* Changes between letters and digits: "a8f3c2d1" has 7, "contact2026" has 1. */
#define RANDOM_CHANGES 3

struct str web_url_key(const void *item)
{
	const struct web_url *u = item;
	return (struct str){u->key, u->key_len};
}

struct str web_url_site(const struct web_url *u)
{
	return (struct str){u->key + WEB_KEY_HEAD, u->site_len};
}

struct str web_url_path(const struct web_url *u)
{
	return (struct str){u->key + WEB_KEY_HEAD + u->site_len + 1, u->path_len};
}

bool web_method_sends(struct str method)
{
	static const char *const names[] = {"POST", "PUT", "PATCH"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_is_equal(method, str_of(names[i]))) {
			return true;
		}
	}
	return false;
}

struct web_url *web_url_new(struct str key, size_t site_len)
{
	struct web_url *u = calloc(1, sizeof(*u) + key.len + 1);

	if (u != NULL) {
		memcpy(u->key, key.ptr, key.len);
		u->key_len = (uint16_t)key.len;
		u->site_len = (uint16_t)site_len;
		u->path_len = (uint16_t)(key.len - site_len - WEB_KEY_HEAD - 1);
		u->is_sent = key.ptr[0] == 's';
	}
	return u;
}

static void count_client(struct web_url *u, struct str client, uint64_t hash)
{
	uint32_t i = 0;

	while (i < u->clients && u->client_hashes[i] != hash) {
		i++;
	}
	if (i == u->clients && i < WEB_CLIENTS_MAX) {
		u->client_hashes[u->clients++] = hash;
	}
	/* The most common ones (Misra and Gries): counts are lower bounds. */
	client = str_head(client, WEB_CLIENT_SIZE - 1);
	struct web_client *empty = NULL;
	for (size_t k = 0; k < WEB_CANDIDATES; k++) {
		struct web_client *c = &u->top[k];
		if (c->requests > 0 && str_is_equal(str_of(c->name), client)) {
			c->requests++;
			return;
		}
		empty = c->requests == 0 && empty == NULL ? c : empty;
	}
	if (empty != NULL) {
		(void)str_copy(empty->name, sizeof(empty->name), client);
		empty->requests = 1;
		return;
	}
	for (size_t k = 0; k < WEB_CANDIDATES; k++) {
		u->top[k].requests--;
	}
}

/* The one that most of them have (Boyer and Moore). */
static void count_agent(struct web_url *u, struct str agent)
{
	agent = str_head(agent, WEB_AGENT_SIZE - 1);
	bool is_same = str_is_equal(str_of(u->agent), agent);

	if (u->agent_weight == 0 && !is_same) {
		(void)str_copy(u->agent, sizeof(u->agent), agent);
		is_same = true;
	}
	u->agent_weight += is_same ? 1 : (uint64_t)-1;
}

void web_url_add(struct web_url *u, const struct web_hit *hit, struct str line,
		 const struct web_place *place, const struct siphash_key *key)
{
	u->near++;
	u->weight++;
	u->referers += hit->referer.len > 0 ? 1 : 0;
	if (u->near == 1) {
		(void)str_copy(u->method, sizeof(u->method), hit->method);
	}
	uint32_t before = u->clients;
	count_client(u, hit->client, siphash13(key, hit->client.ptr, hit->client.len));
	count_agent(u, hit->agent);
	/* The first, and the first of another client. */
	if (u->evidence_count < WEB_EVIDENCE_MAX && u->clients > before) {
		struct web_evidence *e = &u->evidence[u->evidence_count++];
		e->place = *place;
		(void)str_copy(e->text, sizeof(e->text), line);
	}
}

size_t web_url_top(const struct web_url *u, struct web_client ret[static WEB_CLIENTS_TOP])
{
	bool taken[WEB_CANDIDATES] = {false};
	size_t n = 0;

	while (n < WEB_CLIENTS_TOP) {
		size_t best = WEB_CANDIDATES;
		for (size_t k = 0; k < WEB_CANDIDATES; k++) {
			if (!taken[k] && u->top[k].requests > 0 &&
			    (best == WEB_CANDIDATES ||
			     u->top[k].requests > u->top[best].requests)) {
				best = k;
			}
		}
		if (best == WEB_CANDIDATES) {
			break;
		}
		taken[best] = true;
		ret[n++] = u->top[best];
	}
	return n;
}

static bool is_program(struct str name)
{
	static const char *const ends[] = {".php",  ".php3",  ".php4", ".php5", ".php7",
					   ".php8", ".phtml", ".phar", ".pl",   ".cgi",
					   ".py",   ".asp",   ".aspx", ".jsp"};

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct str end = str_of(ends[i]);
		if (name.len > end.len &&
		    str_is_equal_nocase(str_skip(name, name.len - end.len), end)) {
			return true;
		}
	}
	return false;
}

/* The path as far as the program that answers it: what follows is an argument. Without a program
 * all of it. */
static struct str program_of(struct str path, struct str *ret_name)
{
	struct str rest = path;

	while (rest.len > 0) {
		struct str part = str_take_until(&rest, '/');
		if (is_program(part)) {
			*ret_name = part;
			return str_head(path, (size_t)(part.ptr - path.ptr) + part.len);
		}
	}
	*ret_name = STR_EMPTY;
	return path;
}

static bool is_random(struct str name)
{
	size_t stem = str_find_char(name, '.');
	size_t changes = 0;

	for (size_t i = 1; i < stem; i++) {
		changes += char_is_digit(name.ptr[i]) != char_is_digit(name.ptr[i - 1]) ? 1 : 0;
	}
	return stem >= RANDOM_MIN && changes >= RANDOM_CHANGES;
}

enum web_kind web_url_kind(const struct web_url *u, bool is_looked_at)
{
	struct str name;
	struct str program = program_of(web_url_path(u), &name);
	struct str folder = str_head(program, program.len - name.len);

	if (str_is_equal(name, STR("wp-cron.php")) || str_is_equal(name, STR("cron.php"))) {
		return WEB_SCHEDULE;
	}
	if (name.len > 0 && (script_is_odd(folder) || name.ptr[0] == '.')) {
		return WEB_SCRIPT;
	}
	/* Nobody's browser came from a page, and nobody looked at it first. */
	if (name.len > 0 && u->is_sent && u->referers == 0 && !is_looked_at && is_random(name)) {
		return WEB_SCRIPT;
	}
	return u->is_sent ? WEB_PAGE : WEB_OTHER;
}

bool web_url_is_script(const struct web_url *u, struct str script)
{
	struct str name;
	struct str program = program_of(web_url_path(u), &name);
	struct str folder = str_head(program, program.len - name.len);

	/* "FILE(3) : eval()'d code" */
	script = str_head(script, str_find_char(script, '('));
	if (name.len == 0 || script.len == 0) {
		return false;
	}
	if (str_has_suffix(script, STR("/"))) {
		script.len--;
	}
	folder.len -= folder.len > 0 ? 1 : 0; /* without its slash */
	return str_has_suffix(script, program) ||
	       (folder.len > 1 && str_has_suffix(script, folder));
}
