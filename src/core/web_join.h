/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_join: which URL was requested each time that a source sent mail, out of a web server's log.
 *
 * That a request stood beside a mail says nothing; that one URL was requested with most of the
 * mails and hardly ever without is a sign. The chance of it is bounded (Chernoff) by how much of
 * the time that was read is near to mail, and a URL is named only far beyond it, or when it is the
 * very file that the mail came from. Memory is bounded: of very many URLs the rarest make room, and
 * how often a URL was requested is never counted too low. Layer: core (pure).
 */
#ifndef CORE_WEB_JOIN_H
#define CORE_WEB_JOIN_H

#include "base/attr.h"
#include "core/cause.h"
#include "core/web_time.h"
#include "core/web_url.h"

struct web_join;

struct web_join_opts {
	const struct moments *moments;
	const char *script; /* what the mail log or PHP's says; may be NULL or empty */
	struct siphash_key key;
};

/* A URL that came with the mail. */
struct web_finding {
	enum web_kind kind;
	bool is_script;              /* it is what the mail log or PHP's log names */
	char site[WEB_SITE_MAX + 1]; /* empty: the log does not say it */
	char path[WEB_PATH_MAX + 1]; /* octets of any value but NUL */
	char method[WEB_METHOD_SIZE];
	uint64_t mails;      /* moments with mail that were looked at */
	uint64_t mails_with; /* of them with such a request */
	uint64_t requests;   /* in the time that was read, at most */
	uint64_t requests_with;
	uint64_t by_chance; /* as many would stand near to mail if the two had nothing in common */
	uint64_t referers;  /* of the requests with mail: with a referer */
	uint32_t clients;   /* different ones, up to WEB_CLIENTS_MAX */
	struct web_client top[WEB_CLIENTS_TOP];
	size_t top_count;
	char agent[WEB_AGENT_SIZE]; /* of most requests; empty: none has most, or none was sent */
	struct web_evidence evidence[WEB_EVIDENCE_MAX];
	size_t evidence_count;
};

/** @return NULL without a moment or without memory. */
MUSTUSE struct web_join *web_join_new(const struct web_join_opts *opts);
/** NULL is allowed. */
void web_join_free(struct web_join *j);

/** What is to be read. */
const struct web_time *web_join_time(const struct web_join *j);
/** A log has all requests of this time. */
void web_join_cover(struct web_join *j, struct web_range r);
/**
 * One line of a log. Of times that are not asked for it is left out.
 *
 * @param site  Of a log that does not say it in the line; may be empty.
 */
void web_join_step(struct web_join *j, const struct web_hit *hit, struct str site, struct str line,
		   const struct web_place *place);
/** @return Was a URL found that came with the mail? Then `ret` is set. */
bool web_join_find(const struct web_join *j, struct web_finding *ret);
/** What it says to cause_of. */
enum cause_web web_finding_cause(const struct web_finding *f);

#endif
