/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: who may come in (tokens), who did what (audit log), and what was answered to a request
 * that may come again (Idempotency-Key). Layer: store.
 *
 * Tokens are random, so a plain SHA-256 is a safe hash of them; the text is shown once and never
 * kept.
 */
#ifndef STORE_ACCESS_H
#define STORE_ACCESS_H

#include "store/store.h"

/* "pt_" and 43 letters of base64url: 256 random bits; and NUL. */
#define TOKEN_TEXT_SIZE 48

enum token_kind {
	TOKEN_API,     /* for programs and people */
	TOKEN_SESSION, /* a browser's cookie */
	TOKEN_FIRST,   /* the bootstrap token: over with the first login */
	TOKEN_KIND_COUNT,
};

enum token_role {
	ROLE_STAFF,    /* everything */
	ROLE_OBSERVER, /* sees everything, changes nothing */
	ROLE_OWNER,    /* one tenant's cases */
	ROLE_COUNT,
};

struct token_row {
	uint64_t id;
	enum token_kind kind;
	enum token_role role;
	struct str name;   /* for people: whose it is */
	struct str tenant; /* of ROLE_OWNER; NULL view otherwise */
	struct wall created_at;
	struct wall expires_at; /* ns 0: never */
	struct wall used_at;    /* to the minute */
	bool revoked;
};

const char *token_role_name(enum token_role r);
const char *token_kind_name(enum token_kind k);
/** @return The role, or -1. */
int token_role_find(struct str name);

/** Make a token. @param ret_text  What the bearer gets; ends in NUL. */
MUSTUSE int tokens_add(struct store *st, const struct token_row *t,
		       char ret_text[static TOKEN_TEXT_SIZE], uint64_t *ret_id,
		       struct errmsg *reterr);
/** @return 0; -ENOENT: unknown, revoked or over. */
MUSTUSE int tokens_find(struct store *st, struct str text, struct wall now, struct arena *a,
			struct token_row *ret, struct errmsg *reterr);
/** @return 0; -ENOENT. */
MUSTUSE int tokens_revoke(struct store *st, uint64_t id, struct errmsg *reterr);
/** Revoke every token of a kind (the bootstrap one, at the first login). */
MUSTUSE int tokens_revoke_kind(struct store *st, enum token_kind kind, struct errmsg *reterr);
typedef void token_visit_fn(const struct token_row *t, void *ctx);
MUSTUSE int tokens_list(struct store *st, const struct page *page, token_visit_fn *visit, void *ctx,
			struct page_end *ret_end, struct errmsg *reterr);

struct audit_row {
	uint64_t id;
	struct wall at;
	struct str who;    /* "staff:NAME", "owner:NAME", "link", "root" (the socket), "desk" */
	struct str action; /* "case.unblock", "sample.view", "token.add" … */
	struct str object; /* what it was done to: "case 12", "192.0.2.7" */
	struct str detail; /* may be a NULL view */
	struct str remote; /* address of the client; NULL view: the local socket */
};
typedef void audit_visit_fn(const struct audit_row *a, void *ctx);

MUSTUSE int audit_add(struct store *st, const struct audit_row *a, struct errmsg *reterr);
/** Newest first. @param object  NULL view: any. */
MUSTUSE int audit_list(struct store *st, struct str object, const struct page *page,
		       audit_visit_fn *visit, void *ctx, struct page_end *ret_end,
		       struct errmsg *reterr);

/* An answer that is given again to the same request. */
#define REPLY_BODY_MAX (64 * 1024)
struct reply_row {
	struct str who;
	struct str key;     /* as the client chose it */
	struct str request; /* hash of method, path and body: another request with this key is a
			       conflict */
	unsigned status;
	struct str body;
	struct wall at;
};
/** @return 0; -ENOENT. Answers are kept for 24 h. */
MUSTUSE int replies_find(struct store *st, struct str who, struct str key, struct arena *a,
			 struct reply_row *ret, struct errmsg *reterr);
MUSTUSE int replies_add(struct store *st, const struct reply_row *r, struct errmsg *reterr);

#endif
