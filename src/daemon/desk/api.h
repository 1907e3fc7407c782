/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: /api/v1, /metrics and the panel, on the desk. Layer: daemon.
 *
 * Every route is a row of one table (api_routes.c) with who may use it; web/openapi.json
 * describes the same rows, and a test holds the two together.
 */
#ifndef DAEMON_DESK_API_H
#define DAEMON_DESK_API_H

#include "daemon/desk/desk.h"
#include "daemon/desk/http.h"

struct api;

/* The bootstrap token is there (text) or over (NULL): STATE/first-token is written or removed by
 * who has the right to. */
typedef void api_first_token_fn(const char *text, void *ctx);

struct lists;
struct opinions_desk;

struct api_opts {
	struct loop *loop;
	struct desk *desk;
	const struct lists *lists;            /* NULL: none */
	const struct opinions_desk *opinions; /* NULL: none */
	struct http_sockets sockets;          /* taken over, also on failure */
	api_first_token_fn *first_token;
	void *ctx;
};

MUSTUSE int api_new(const struct api_opts *o, struct api **ret, struct errmsg *reterr);
/** What the parent says of the processes: {"processes":[{name, pid, ready, restarts, sandbox}]}. */
void api_parent_said(struct api *a, struct str json);
/** Before desk_free. NULL is allowed. */
void api_free(struct api *a);

#endif
