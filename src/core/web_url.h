/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_url: what was asked for at one URL of one site while mail went out, and what kind of place
 * that is. Paths, agents and the rest are text of strangers. Within core/web_join. Layer: core
 * (pure).
 */
#ifndef CORE_WEB_URL_H
#define CORE_WEB_URL_H

#include "base/siphash.h"
#include "core/web_time.h"
#include "proto/web_log.h"

#define WEB_PATH_MAX 200
#define WEB_SITE_MAX 128
#define WEB_TEXT_MAX 256
#define WEB_CLIENT_SIZE 48
#define WEB_AGENT_SIZE 128
#define WEB_METHOD_SIZE 8
#define WEB_CLIENTS_TOP 3
#define WEB_EVIDENCE_MAX 2
/* Different clients that are counted; then "at least". */
#define WEB_CLIENTS_MAX 64

/* Octets of a key before the site: 's' for sent or 'a' for asked, the log's number. */
#define WEB_KEY_HEAD 5

/* Where a line stands: the file by the caller's number, its first octet, its number from 1 where
 * it is known. Rotated files of one log have one number: where two servers write of one request,
 * their logs are told apart. */
struct web_place {
	uint32_t file;
	uint32_t log;
	uint64_t offset;
	uint64_t line; /* 0: not counted */
};

struct web_evidence {
	struct web_place place;
	char text[WEB_TEXT_MAX];
};

struct web_client {
	char name[WEB_CLIENT_SIZE]; /* an address, or a name where the server looks them up */
	uint64_t requests;          /* near to mail, at least */
};

enum web_kind {
	WEB_OTHER,    /* a page that was only looked at */
	WEB_PAGE,     /* something was sent to a page or program of the site */
	WEB_SCRIPT,   /* a program where none belongs, or that nobody's page leads to */
	WEB_SCHEDULE, /* the site's own scheduled jobs */
	WEB_KIND_COUNT,
};

#define WEB_CANDIDATES 8

struct web_url {
	uint64_t weight; /* what is left of its count when room is made */
	uint64_t near;   /* requests near to mail */
	uint64_t referers;
	struct web_marks marks;
	uint64_t client_hashes[WEB_CLIENTS_MAX];
	uint32_t clients;
	struct web_client top[WEB_CANDIDATES];
	char agent[WEB_AGENT_SIZE]; /* of most of them, if one has most */
	uint64_t agent_weight;
	char method[WEB_METHOD_SIZE];
	struct web_evidence evidence[WEB_EVIDENCE_MAX];
	size_t evidence_count;
	bool is_sent; /* POST and the like */
	uint16_t site_len;
	uint16_t path_len;
	uint16_t key_len;
	char key[]; /* WEB_KEY_HEAD octets, site, NUL, path */
};

/** Key of the table of URLs. */
struct str web_url_key(const void *item);
struct str web_url_site(const struct web_url *u);
struct str web_url_path(const struct web_url *u);
/** Does the method send something? */
bool web_method_sends(struct str method);

/** @param key  As web_url_key gives it. @return NULL without memory. */
MUSTUSE struct web_url *web_url_new(struct str key, size_t site_len);
/** One request near to mail. @param line  The whole line. */
void web_url_add(struct web_url *u, const struct web_hit *hit, struct str line,
		 const struct web_place *place, const struct siphash_key *key);
/** The clients that asked most, the most first. @return How many. */
size_t web_url_top(const struct web_url *u, struct web_client ret[static WEB_CLIENTS_TOP]);
/**
 * What kind of place it is.
 *
 * @param is_looked_at  It was asked for with GET too, by anybody.
 */
enum web_kind web_url_kind(const struct web_url *u, bool is_looked_at);
/** Is it the file, or does it lie in the folder, that the mail came from? `script` may be empty. */
bool web_url_is_script(const struct web_url *u, struct str script);

#endif
