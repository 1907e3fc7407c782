/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: the listeners and the HTTP/1.1 server: what comes in is one request at a time, checked
 * for form; what it means is api's business.
 *
 * libevent's evhttp behind a face of our own. Limits: HTTP_CONNECTIONS_MAX connections (no more
 * are accepted until one ends), HTTP_HEADERS_MAX, HTTP_BODY_MAX, HTTP_TIMEOUT_S for a silent
 * peer and for a request that never ends. A request that two parsers could read differently is
 * refused and its connection closed. Layer: daemon.
 */
#ifndef DAEMON_DESK_HTTP_H
#define DAEMON_DESK_HTTP_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "core/policy.h"
#include "proto/addr.h"
#include "sys/loop.h"

#define HTTP_CONNECTIONS_MAX 256
#define HTTP_STREAMS_MAX 64
#define HTTP_HEADERS_MAX 16384
#define HTTP_BODY_MAX 65536
#define HTTP_TIMEOUT_S 20
#define HTTP_TARGET_MAX 4096
/* What may wait for a slow reader of a stream; then it is ended and comes again. */
#define HTTP_STREAM_WAITING_MAX ((size_t)1 << 20)

struct http;
struct http_stream;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_DELETE,
	HTTP_METHOD_COUNT,
};

/* Where the API listens; -1: not there. */
struct http_sockets {
	int tcp;
	int local;
	bool has_group; /* there is a group `postern` */
	uint32_t group;
};

/**
 * Make and bind both sockets as the policy says, while still privileged: the local one is for
 * root and the group `postern` (0660). A socket left by a process that is gone is replaced.
 *
 * @return 0, or a negative errno with a text that names the address and what to do.
 */
MUSTUSE int http_listen(const struct policy *p, struct http_sockets *ret, struct errmsg *reterr);
/** Close what is open. */
void http_sockets_close(struct http_sockets *s);

/* Texts are borrowed until the reply. */
struct http_request {
	enum http_method method;
	struct str path;  /* as it came, without the query */
	struct str query; /* as it came, without the question mark */
	struct str body;
	bool is_local; /* came over the local socket, from root or the group postern */
	uint32_t uid;  /* of a local peer */
	char remote[ADDR_TEXT_SIZE]; /* address of the peer; empty for a local one */
	struct http *http;
	void *handle; /* of the library */
};

typedef void http_handle_fn(void *ctx, struct http_request *rq);

struct http_opts {
	struct loop *loop;
	struct http_sockets sockets; /* taken over */
	const char *portal;          /* URL whose host is ours too; NULL: none */
	http_handle_fn *handle;      /* must reply, or start a stream */
	void *ctx;
};

MUSTUSE int http_new(const struct http_opts *o, struct http **ret, struct errmsg *reterr);
/** NULL is allowed. Streams are ended. */
void http_free(struct http *h);

/** A header of the request; a NULL view when it is not there. */
struct str http_header(const struct http_request *rq, const char *name);
/** Add a header to the reply. */
void http_add_header(struct http_request *rq, const char *name, const char *value);
/** Answer. `rq` is over afterwards. */
void http_reply(struct http_request *rq, unsigned status, const char *type, struct str body);

/* Told once, when the reader is gone or too slow; the stream is freed afterwards. */
typedef void http_gone_fn(void *ctx);

/**
 * Answer 200 with a body that goes on. `rq` is over afterwards.
 *
 * @return NULL when there are HTTP_STREAMS_MAX already: `rq` waits for a reply.
 */
MUSTUSE struct http_stream *http_stream_start(struct http_request *rq, const char *type,
					      http_gone_fn *gone, void *ctx);
/** Send a piece. Never blocks; may end the stream later. */
void http_stream_write(struct http_stream *s, struct str piece);

struct http_counts {
	uint64_t requests;
	uint64_t refused; /* for their form */
	uint32_t connections;
	uint32_t streams;
};
struct http_counts http_counts_get(const struct http *h);

#endif
