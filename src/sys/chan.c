/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan: messages between our processes over SOCK_SEQPACKET pairs. Layer: sys.
 *
 * The receiver may free the channel inside a callback: `dead` and `depth` hold the memory until
 * the callback has returned.
 */
#include "sys/chan.h"

#include "base/assert.h"
#include "base/list.h"
#include "sys/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/poison.h"

#define HEAD_SIZE 4
/* Messages read in one turn of the loop, so that one busy channel does not starve the others. */
#define BURST_MAX 256
/* The kernel's limit for one datagram and for what waits in the socket. */
#define SOCKET_BUFFER (4 * 1024 * 1024)

struct waiting {
	struct list link;
	int fd; /* owned, or -1 */
	size_t len;
	char data[]; /* type and body */
};

struct chan {
	struct loop *loop;
	struct loop_event *event;
	int fd;
	const struct chan_ops *ops;
	void *ctx;
	struct list queue;
	size_t queued;
	size_t queue_max;
	uint64_t lost;
	uint64_t bad;
	unsigned depth; /* callbacks running */
	bool dead;      /* freed by its owner inside a callback */
	bool broken;    /* the other side is gone */
	char in[HEAD_SIZE + CHAN_BODY_MAX];
};

int chan_pair(int ret_fds[static 2])
{
	int size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0) {
		return -errno;
	}
	for (int i = 0; i < 2; i++) {
		/* Privileged callers get all of it, others what the system allows. */
		if (setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0) {
			(void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		}
	}
	return 0;
}

static int send_now(int fd, uint32_t type, struct str body, int passed_fd)
{
	uint8_t head[HEAD_SIZE] = {(uint8_t)(type >> 24), (uint8_t)(type >> 16),
				   (uint8_t)(type >> 8), (uint8_t)type};
	struct iovec iov[2] = {{.iov_base = head, .iov_len = sizeof(head)}, {.iov_len = body.len}};
	memcpy(&iov[1].iov_base, &body.ptr, sizeof(iov[1].iov_base));
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = body.len > 0 ? 2 : 1};

	if (passed_fd >= 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed_fd, sizeof(int));
	}
	ssize_t n;
	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int send_waiting(struct chan *c, const struct waiting *w)
{
	uint32_t type;

	memcpy(&type, w->data, HEAD_SIZE);
	return send_now(c->fd, type, (struct str){w->data + HEAD_SIZE, w->len}, w->fd);
}

static void waiting_free(struct chan *c, struct waiting *w)
{
	list_remove(&w->link);
	c->queued -= w->len + HEAD_SIZE;
	fd_close(&w->fd);
	free(w);
}

static void flush_queue(struct chan *c)
{
	while (!list_is_empty(&c->queue) && !c->broken) {
		struct waiting *w = LIST_ITEM(c->queue.next, struct waiting, link);
		int r = send_waiting(c, w);
		if (r == -EAGAIN || r == -ENOBUFS) {
			return;
		}
		if (r < 0) {
			/* EOF on the reading side tells the owner. */
			c->broken = true;
			return;
		}
		waiting_free(c, w);
	}
	loop_fd_set(c->event, LOOP_READ);
}

static void chan_destroy(struct chan *c)
{
	LIST_FOR_EACH (pos, tmp, &c->queue) {
		waiting_free(c, LIST_ITEM(pos, struct waiting, link));
	}
	loop_event_free(c->event);
	fd_close(&c->fd);
	free(c);
}

static int passed_fd_of(struct msghdr *msg)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof(int))) {
			fd_close(&fd);
			memcpy(&fd, CMSG_DATA(c), sizeof(int));
		}
	}
	return fd;
}

/* @return 1: a message was handed on; 0: nothing there now; -EPIPE: the other side is gone. */
static int receive_one(struct chan *c)
{
	struct iovec iov = {.iov_base = c->in, .iov_len = sizeof(c->in)};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0 && errno == ECONNRESET) {
		/* Said once, when the other side ended without reading all: what it had said itself
		 * is still there, and is read now. */
		n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	}
	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	}
	if (n == 0) {
		return -EPIPE;
	}
	int fd = passed_fd_of(&msg);
	if (n < HEAD_SIZE || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		c->bad++;
		fd_close(&fd);
		return 1;
	}
	const uint8_t *head = (const uint8_t *)c->in;
	struct chan_msg m = {
		.type = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
			head[3],
		.body = {c->in + HEAD_SIZE, (size_t)n - HEAD_SIZE},
		.fd = fd,
	};
	c->ops->received(c->ctx, &m);
	return 1;
}

static void chan_ready(int fd, unsigned ready, void *ctx)
{
	struct chan *c = ctx;
	int r = 1;

	(void)fd;
	c->depth++;
	if ((ready & LOOP_WRITE) != 0) {
		flush_queue(c);
	}
	if ((ready & LOOP_READ) != 0) {
		for (int i = 0; i < BURST_MAX && r > 0 && !c->dead; i++) {
			r = receive_one(c);
		}
		if (!c->dead && c->ops->paused != NULL) {
			c->ops->paused(c->ctx);
		}
	}
	if (r == -EPIPE && !c->dead) {
		c->broken = true;
		loop_fd_set(c->event, 0);
		c->ops->closed(c->ctx);
	}
	c->depth--;
	if (c->dead && c->depth == 0) {
		chan_destroy(c);
	}
}

void chan_drain(struct chan *c)
{
	c->depth++;
	while (!c->dead && receive_one(c) > 0) {
		/* The next one. */
	}
	c->depth--;
	if (c->dead && c->depth == 0) {
		chan_destroy(c);
	}
}

struct chan *chan_new(struct loop *l, int fd, size_t queue_max, const struct chan_ops *ops,
		      void *ctx)
{
	struct chan *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		fd_close(&fd);
		return NULL;
	}
	list_init(&c->queue);
	c->loop = l;
	c->fd = fd;
	c->ops = ops;
	c->ctx = ctx;
	c->queue_max = queue_max;
	c->event = loop_fd(l, fd, LOOP_READ, chan_ready, c);
	if (c->event == NULL) {
		chan_destroy(c);
		return NULL;
	}
	return c;
}

void chan_free(struct chan *c)
{
	if (c == NULL) {
		return;
	}
	c->dead = true;
	if (c->depth == 0) {
		chan_destroy(c);
	}
}

static int enqueue(struct chan *c, uint32_t type, struct str body, int fd)
{
	size_t cost = body.len + HEAD_SIZE;

	if (cost > c->queue_max || c->queued > c->queue_max - cost) {
		c->lost++;
		return -ENOBUFS;
	}
	struct waiting *w = malloc(sizeof(*w) + cost);
	int copy = fd < 0 ? -1 : dup(fd);
	if (w == NULL || (fd >= 0 && copy < 0)) {
		free(w);
		fd_close(&copy);
		c->lost++;
		return -ENOBUFS;
	}
	*w = (struct waiting){.fd = copy, .len = body.len};
	memcpy(w->data, &type, HEAD_SIZE);
	if (body.len > 0) {
		memcpy(w->data + HEAD_SIZE, body.ptr, body.len);
	}
	list_push_back(&c->queue, &w->link);
	c->queued += cost;
	loop_fd_set(c->event, LOOP_READ | LOOP_WRITE);
	return 0;
}

int chan_send(struct chan *c, uint32_t type, struct str body, int fd)
{
	ASSERT(!c->dead);
	if (body.len > CHAN_BODY_MAX) {
		return -EMSGSIZE;
	}
	if (c->broken) {
		return -EPIPE;
	}
	if (!list_is_empty(&c->queue)) {
		return enqueue(c, type, body, fd);
	}
	int r = send_now(c->fd, type, body, fd);
	if (r == -EAGAIN || r == -ENOBUFS) {
		return enqueue(c, type, body, fd);
	}
	return r == 0 ? 0 : -EPIPE;
}

void chan_flush(struct chan *c, unsigned wait_ms)
{
	struct mono end = {mono_now().ns + (int64_t)wait_ms * NS_PER_MS};

	flush_queue(c);
	while (!list_is_empty(&c->queue) && !c->broken) {
		int64_t left_ms = (end.ns - mono_now().ns) / NS_PER_MS;
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};
		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0) {
			return;
		}
		flush_queue(c);
	}
}

uint64_t chan_lost(const struct chan *c)
{
	return c->lost;
}

void chan_bad(struct chan *c)
{
	c->bad++;
}

uint64_t chan_bad_count(const struct chan *c)
{
	return c->bad;
}
