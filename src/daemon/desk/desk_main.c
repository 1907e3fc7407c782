/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_main: the desk as a process below the parent: its channels and its clock. Layer: daemon.
 */
#include "base/assert.h"
#include "base/cur.h"
#include "daemon/child.h"
#include "daemon/desk/api.h"
#include "daemon/desk/desk.h"
#include "daemon/desk/lists.h"
#include "daemon/desk/opinions.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

struct desk_process {
	struct child *child;
	struct desk *desk;
	struct api *api;
	struct lists *lists;
	struct opinions_desk *opinions;
	struct http_sockets sockets; /* until the API takes them */
	struct loop_event *tick;
};

static void send_to(void *ctx, int to, uint32_t type, struct str body)
{
	struct desk_process *p = ctx;

	/* What can't be sent now is sent again when that process comes back. */
	(void)(child_send(p->child, (enum process)to, type, body) < 0);
}

static void list_is_ready(void *ctx, size_t list, int fd)
{
	struct desk_process *p = ctx;
	const char number = (char)list;

	/* A tap that is away is told when it is back. */
	(void)(child_send_fd(p->child, PROCESS_TAP, MSG_LIST, (struct str){&number, 1}, fd) < 0);
}

static void list_said(void *ctx, const char *name, const char *why)
{
	struct desk_process *p = ctx;

	if (why != NULL) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_WARNING, "desk.list_not_read",
			  F_CSTR("list", name), F_TEXT("why", str_of(why)));
	} else {
		LOG_EVENT(&p->child->log, LOG_LEVEL_NOTICE, "desk.list_read", F_CSTR("list", name));
	}
}

static void opinion_came(void *ctx, const struct opinion_obs *o)
{
	struct desk_process *p = ctx;
	uint8_t body[OPINION_OBS_ENCODED_MAX];
	int n = opinion_obs_encode(o, body, sizeof(body));

	ASSERT(n > 0);
	/* A judge that is away has forgotten the message. */
	(void)(child_send(p->child, PROCESS_JUDGE, MSG_OPINION,
			  (struct str){(const char *)body, (size_t)n}) < 0);
}

static int open_desk(struct child *c, void **ret_ctx, struct errmsg *reterr)
{
	struct desk_process *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	p->child = c;
	/* Here, because it needs root: a port under 1024, and the socket's group. */
	int r = http_listen(c->policy, &p->sockets, reterr);
	if (r < 0) {
		free(p);
		return r;
	}
	*ret_ctx = p;
	return 0;
}

/* The parent may write where the bootstrap token lies; the desk may not. */
static void offer_first_token(const char *text, void *ctx)
{
	struct desk_process *p = ctx;
	uint8_t body[TOKEN_TEXT_SIZE + 8];
	struct enc e = enc_of(body, sizeof(body));

	enc_str(&e, str_of(text));
	int len = enc_end(&e);
	ASSERT(len >= 0);
	/* The channel to the parent is empty at the start, and the file is only a convenience after
	 * the first login: the token in it is revoked. */
	(void)(chan_send(p->child->parent, MSG_FIRST_TOKEN,
			 (struct str){(const char *)body, (size_t)len}, -1) < 0);
}

static int start_api(struct desk_process *p, struct errmsg *reterr)
{
	const struct api_opts opts = {
		.loop = p->child->loop,
		.desk = p->desk,
		.sockets = p->sockets,
		.first_token = offer_first_token,
		.lists = p->lists,
		.opinions = p->opinions,
		.ctx = p,
	};

	return api_new(&opts, &p->api, reterr);
}

static void tick(void *ctx)
{
	struct desk_process *p = ctx;

	desk_tick(p->desk);
}

static int start_desk(void *ctx, struct errmsg *reterr)
{
	struct desk_process *p = ctx;
	const struct desk_opts opts = {
		.loop = p->child->loop,
		.policy = p->child->policy,
		.store_dir = p->child->state_dir,
		.template_dir = "/etc/postern/templates",
		.send = send_to,
		.ctx = p,
	};
	const struct lists_opts lists = {
		.loop = p->child->loop,
		.policy = p->child->policy,
		.folder = p->child->state_dir,
		.ready = list_is_ready,
		.said = list_said,
		.ctx = p,
	};
	int r = desk_new(&opts, &p->desk, reterr);

	if (r == 0) {
		r = lists_new(&lists, &p->lists, reterr);
	}
	if (r == 0) {
		r = opinions_new(p->child->loop, p->child->policy, opinion_came, p, &p->opinions,
				 reterr);
	}
	if (r == 0) {
		r = start_api(p, reterr);
	}
	if (r < 0) {
		return r;
	}
	p->tick = loop_timer(p->child->loop, tick, p);
	if (p->tick == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	loop_timer_every(p->tick, DESK_TICK_MS);
	return 0;
}

static void received(void *ctx, enum process from, const struct chan_msg *m)
{
	struct desk_process *p = ctx;

	if (from == PROCESS_TAP && m->type == MSG_ASK) {
		if (!opinions_ask(p->opinions, m->body)) {
			child_bad(p->child, from);
		}
		return;
	}
	if (!desk_received(p->desk, (int)from, m->type, m->body)) {
		child_bad(p->child, from);
	}
}

static void from_parent(void *ctx, const struct chan_msg *m)
{
	struct desk_process *p = ctx;

	if (m->type == MSG_STATS && m->body.len > 1 && m->body.ptr[0] == PROCESS_COUNT &&
	    p->api != NULL) {
		api_parent_said(p->api, str_skip(m->body, 1));
	} else {
		chan_bad(p->child->parent);
	}
}

static void peer_up(void *ctx, enum process peer)
{
	struct desk_process *p = ctx;

	desk_peer_up(p->desk, (int)peer);
	if (peer == PROCESS_TAP) {
		lists_tell(p->lists);
	}
}

static void peer_down(void *ctx, enum process peer)
{
	struct desk_process *p = ctx;

	desk_peer_down(p->desk, (int)peer);
}

static void stop(void *ctx)
{
	struct desk_process *p = ctx;

	loop_event_free(p->tick);
	api_free(p->api);
	p->api = NULL;
	desk_free(p->desk);
	lists_free(p->lists);
	p->lists = NULL;
	opinions_free(p->opinions);
	p->opinions = NULL;
	p->tick = NULL;
	p->desk = NULL;
}

const struct child_spec desk_child = {
	.process = PROCESS_DESK,
	.name = "desk",
	.user = "_postern-desk",
	.profile = SANDBOX_SERVER,
	.readable = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl",
		     "/etc/postern", "/usr/share/postern", "/usr/share/publicsuffix"},
	.open = open_desk,
	.start = start_desk,
	.received = received,
	.from_parent = from_parent,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.stop = stop,
};
