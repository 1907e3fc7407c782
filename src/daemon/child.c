/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: the life of a process below the parent. Layer: daemon.
 */
#include "daemon/child.h"

#include "base/assert.h"
#include "base/cur.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/poison.h"

/* Octets that may wait for a slow peer: at 200 octets an observation about 80,000 of them. What
 * does not fit is lost and counted; mail is never held up. */
#define PEER_QUEUE_MAX ((size_t)16 << 20)
#define PARENT_QUEUE_MAX ((size_t)1 << 20)
#define FLUSH_MS 500

/* One end of a channel with the name of who is at the other. */
struct peer_link {
	struct child *child;
	enum process peer;
};

const char *process_name(enum process p)
{
	static const char *const names[] = {"tap", "judge", "gate", "desk"};
	static_assert(COUNT_OF(names) == PROCESS_COUNT, "a name for every process");

	ASSERT(p < PROCESS_COUNT);
	return names[p];
}

int child_send_fd(struct child *c, enum process to, uint32_t type, struct str body, int fd)
{
	ASSERT(to < PROCESS_COUNT);
	return c->peers[to] == NULL ? -ENOTCONN : chan_send(c->peers[to], type, body, fd);
}

int child_send(struct child *c, enum process to, uint32_t type, struct str body)
{
	return child_send_fd(c, to, type, body, -1);
}

void child_bad(struct child *c, enum process from)
{
	if (c->peers[from] != NULL) {
		chan_bad(c->peers[from]);
	}
}

static void peer_received(void *ctx, const struct chan_msg *m)
{
	struct peer_link *link = ctx;

	link->child->spec->received(link->child->ctx, link->peer, m);
	if (m->fd >= 0) {
		close(m->fd); /* whoever needs it longer has mapped or doubled it */
	}
}

static void peer_paused(void *ctx)
{
	struct peer_link *link = ctx;

	if (link->child->spec->paused != NULL) {
		link->child->spec->paused(link->child->ctx, link->peer);
	}
}

static void peer_closed(void *ctx)
{
	struct peer_link *link = ctx;
	struct child *c = link->child;

	chan_free(c->peers[link->peer]);
	c->peers[link->peer] = NULL;
	c->spec->peer_down(c->ctx, link->peer);
}

static const struct chan_ops peer_ops = {
	.received = peer_received, .paused = peer_paused, .closed = peer_closed};

static void connect_peer(struct child *c, const struct chan_msg *m)
{
	struct cur body = cur_of(m->body.ptr, m->body.len);
	enum process peer = (enum process)cur_uint(&body, 1, PROCESS_COUNT - 1);

	if (cur_end(&body) < 0 || m->fd < 0) {
		chan_bad(c->parent);
		if (m->fd >= 0) {
			close(m->fd);
		}
		return;
	}
	if (c->peers[peer] != NULL) {
		chan_free(c->peers[peer]);
		c->peers[peer] = NULL;
		c->spec->peer_down(c->ctx, peer);
	}
	c->links[peer] = (struct peer_link){.child = c, .peer = peer};
	c->peers[peer] = chan_new(c->loop, m->fd, PEER_QUEUE_MAX, &peer_ops, &c->links[peer]);
	if (c->peers[peer] != NULL) {
		c->spec->peer_up(c->ctx, peer);
	}
}

static void finish(struct child *c)
{
	c->spec->stop(c->ctx);
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		if (c->peers[i] != NULL) {
			chan_flush(c->peers[i], FLUSH_MS);
		}
	}
	exit(EXIT_SUCCESS);
}

static void parent_received(void *ctx, const struct chan_msg *m)
{
	struct child *c = ctx;

	if (m->type == MSG_PEER) {
		connect_peer(c, m);
	} else if (m->type == MSG_STOP) {
		finish(c);
	} else if (c->spec->from_parent != NULL) {
		c->spec->from_parent(c->ctx, m);
	} else {
		chan_bad(c->parent);
		if (m->fd >= 0) {
			close(m->fd);
		}
	}
}

/* Without the parent nobody could start us again or connect us: end in order. */
static void parent_closed(void *ctx)
{
	finish(ctx);
}

static const struct chan_ops parent_ops = {.received = parent_received, .closed = parent_closed};

static void sigterm_came(int signo, void *ctx)
{
	(void)signo;
	finish(ctx);
}

NORETURN static void fail(struct child *c, const struct errmsg *err)
{
	LOG_EVENT(&c->log, LOG_LEVEL_ERROR, "child.failed", F_CSTR("why", err->text));
	if (c->parent != NULL && chan_send(c->parent, MSG_FAILED, str_of(err->text), -1) == 0) {
		chan_flush(c->parent, FLUSH_MS);
	}
	exit(EXIT_FAILURE);
}

/* The folders and not the files: an updater puts a new file in the place of the old. */
static void add_list_folders(const struct child *c, char folders[LISTS_MAX][PATH_MAX],
			     const char **readable)
{
	size_t n = 0;

	while (readable[n] != NULL) {
		n++;
	}
	for (size_t i = 0; i < c->policy->list_count && i < LISTS_MAX; i++) {
		struct str path = str_of(c->policy->lists[i].file);
		while (path.len > 1 && path.ptr[path.len - 1] != '/') {
			path.len--;
		}
		path.len -= path.len > 1;
		bool is_known = false;
		for (size_t k = 0; k < n; k++) {
			is_known = is_known || str_is_equal(str_of(readable[k]), path);
		}
		if (!is_known && n + 1 < SANDBOX_PATHS_MAX &&
		    str_copy(folders[i], sizeof(folders[i]), path)) {
			readable[n++] = folders[i];
		}
	}
}

static int enter_sandbox(struct child *c, struct errmsg *reterr)
{
	char folders[LISTS_MAX][PATH_MAX];
	struct sandbox s = {
		.user = c->spec->user,
		.caps = c->spec->caps,
		.writable = {c->state_dir},
		.profile = c->spec->profile,
		.required = c->policy->sandbox_required,
	};

	memcpy(s.readable, c->spec->readable, sizeof(s.readable));
	if (c->spec->process == PROCESS_DESK) {
		add_list_folders(c, folders, s.readable);
	}
	return sandbox_enter(&s, &c->layers, reterr);
}

static int start(struct child *c, int parent_fd, struct errmsg *reterr)
{
	c->links = calloc(PROCESS_COUNT, sizeof(*c->links));
	c->loop = loop_new();
	if (c->links == NULL || c->loop == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	c->parent = chan_new(c->loop, parent_fd, PARENT_QUEUE_MAX, &parent_ops, c);
	c->sigterm = loop_signal(c->loop, SIGTERM, sigterm_came, c);
	if (c->parent == NULL || c->sigterm == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	int n = snprintf(c->state_dir, sizeof(c->state_dir), "%s/%s", c->policy->state_dir,
			 c->spec->name);
	if (n < 0 || (size_t)n >= sizeof(c->state_dir)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	int r = c->spec->open(c, &c->ctx, reterr);
	if (r == 0) {
		r = enter_sandbox(c, reterr);
	}
	if (r == 0) {
		r = c->spec->start(c->ctx, reterr);
	}
	if (r == 0) {
		uint8_t body = (uint8_t)c->layers;
		r = chan_send(c->parent, MSG_READY, (struct str){(const char *)&body, 1}, -1);
		if (r < 0) {
			err_set(reterr, r, "the parent is gone");
		}
	}
	return r;
}

/* An order must not wait behind whatever else a busy gateway computes. The desk may: it is the slow
 * path. Where it is not allowed, everything works, only later. */
#define FAST_PATH_NICE (-10)

static void hurry(const struct child_spec *spec)
{
	if (spec->process != PROCESS_DESK) {
		(void)setpriority(PRIO_PROCESS, 0, FAST_PATH_NICE);
	}
}

void child_run(const struct child_spec *spec, const struct policy *policy, int parent_fd)
{
	static struct child child; /* one process, one child */
	struct errmsg err = {.text = ""};

	child.spec = spec;
	child.policy = policy;
	child.log = (struct log){
		.process = spec->name, .most = LOG_LEVEL_NOTICE, .fd = STDERR_FILENO};
	(void)prctl(PR_SET_NAME, spec->name, 0, 0, 0);
	hurry(spec);
	if (start(&child, parent_fd, &err) < 0) {
		fail(&child, &err);
	}
	LOG_EVENT(&child.log, LOG_LEVEL_NOTICE, "child.started", F_U64("pid", getpid()),
		  F_U64("sandbox_layers", child.layers));
	if (loop_run(child.loop) < 0) {
		err_set(&err, -EIO, "the event loop failed");
		fail(&child, &err);
	}
	exit(EXIT_SUCCESS);
}
