/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: asks the daemon over its local socket, and turns its answers into exit codes.
 *
 * libcurl behind a face of our own. Layer: cli.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buf.h"
#include "cli/command.h"
#include "sys/jsonr.h"

struct reply {
	unsigned status;
	struct buf text;    /* as it came */
	struct jsonr *json; /* NULL: not JSON */
};

/**
 * GET `path` below /api/v1.
 *
 * @param ret  To be freed with reply_done, whatever is returned.
 * @return CLI_DONE when the answer is one of 200 to 299. Else the exit code, with the reason said
 *         on standard error (and the answer printed with --json).
 */
MUSTUSE int client_get(const struct cli *cli, const char *path, struct reply *ret);
/** POST a JSON object. An answer 409 that is no problem document is CLI_NO, and nothing is said. */
MUSTUSE int client_post(const struct cli *cli, const char *path, struct str json,
			struct reply *ret);
MUSTUSE int client_delete(const struct cli *cli, const char *path, struct reply *ret);
void reply_done(struct reply *r);

/* A piece of a stream, as it came. @return false: enough. */
typedef bool client_piece_fn(void *ctx, struct str piece);
/** GET a stream of events, until it ends or `fn` has enough. @return As client_get. */
MUSTUSE int client_stream(const struct cli *cli, const char *path, client_piece_fn *fn, void *ctx);

/** Add text to a path or query, percent-encoded. */
void path_add(struct buf *path, const char *text);
/** Add "?name=value" or "&name=value"; nothing for a NULL value. */
void path_add_query(struct buf *path, const char *name, const char *value);

#endif
