/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: the event loop, on libevent. Layer: sys.
 *
 * Every loop_event is one libevent event; freeing it inside its own callback is allowed because
 * the callback does not touch it afterwards.
 */
#include "sys/loop.h"

#include "base/assert.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "base/poison.h"

struct loop {
	struct event_base *base;
};

struct loop_event {
	struct loop *loop;
	struct event *event; /* NULL: a descriptor that waits for nothing */
	int fd;
	union {
		loop_fd_fn *on_fd;
		loop_timer_fn *on_timer;
		loop_signal_fn *on_signal;
	} fn;
	void *ctx;
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		l->base = event_base_new();
		if (l->base == NULL) {
			free(l);
			return NULL;
		}
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (l != NULL) {
		event_base_free(l->base);
		free(l);
	}
}

void loop_forget(struct loop *l)
{
	/* First a kernel object of our own, or freeing would take the parent's events away. */
	if (event_reinit(l->base) == 0) {
		event_base_free(l->base);
	}
	free(l);
}

int loop_run(struct loop *l)
{
	return event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

void loop_turn(struct loop *l, unsigned wait_ms)
{
	if (wait_ms > 0) {
		struct timeval limit = {wait_ms / 1000, (suseconds_t)(wait_ms % 1000) * 1000};
		event_base_loopexit(l->base, &limit);
		event_base_loop(l->base, EVLOOP_ONCE);
	} else {
		event_base_loop(l->base, EVLOOP_NONBLOCK);
	}
}

static struct loop_event *event_new_of(struct loop *l, void *ctx)
{
	struct loop_event *e = calloc(1, sizeof(*e));

	if (e != NULL) {
		e->loop = l;
		e->ctx = ctx;
		e->fd = -1;
	}
	return e;
}

static void fd_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_event *e = arg;
	unsigned ready = ((what & EV_READ) != 0 ? LOOP_READ : 0U) |
			 ((what & EV_WRITE) != 0 ? LOOP_WRITE : 0U);

	e->fn.on_fd((int)fd, ready, e->ctx);
}

struct loop_event *loop_fd(struct loop *l, int fd, unsigned wants, loop_fd_fn *fn, void *ctx)
{
	struct loop_event *e = event_new_of(l, ctx);

	if (e == NULL) {
		return NULL;
	}
	e->fn.on_fd = fn;
	e->fd = fd;
	e->event = event_new(l->base, fd, EV_READ | EV_PERSIST, fd_ready, e);
	if (e->event == NULL) {
		free(e);
		return NULL;
	}
	loop_fd_set(e, wants);
	return e;
}

void loop_fd_set(struct loop_event *e, unsigned wants)
{
	short flags = EV_PERSIST;

	ASSERT(e->fd >= 0);
	event_del(e->event);
	if (wants == 0) {
		return;
	}
	flags |= (wants & LOOP_READ) != 0 ? EV_READ : 0;
	flags |= (wants & LOOP_WRITE) != 0 ? EV_WRITE : 0;
	int r = event_assign(e->event, e->loop->base, e->fd, flags, fd_ready, e);
	ASSERT(r == 0);
	event_add(e->event, NULL);
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_event *e = arg;

	(void)fd;
	(void)what;
	e->fn.on_timer(e->ctx);
}

struct loop_event *loop_timer(struct loop *l, loop_timer_fn *fn, void *ctx)
{
	struct loop_event *e = event_new_of(l, ctx);

	if (e == NULL) {
		return NULL;
	}
	e->fn.on_timer = fn;
	e->event = event_new(l->base, -1, 0, timer_fired, e);
	if (e->event == NULL) {
		free(e);
		return NULL;
	}
	return e;
}

static void timer_start(struct loop_event *e, uint32_t delay_ms, short flags)
{
	struct timeval delay = {delay_ms / 1000, (suseconds_t)(delay_ms % 1000) * 1000};

	event_del(e->event);
	int r = event_assign(e->event, e->loop->base, -1, flags, timer_fired, e);
	ASSERT(r == 0);
	event_add(e->event, &delay);
}

void loop_timer_once(struct loop_event *e, uint32_t delay_ms)
{
	timer_start(e, delay_ms, 0);
}

void loop_timer_every(struct loop_event *e, uint32_t delay_ms)
{
	timer_start(e, delay_ms, EV_PERSIST);
}

void loop_timer_stop(struct loop_event *e)
{
	event_del(e->event);
}

static void signal_came(evutil_socket_t signo, short what, void *arg)
{
	struct loop_event *e = arg;

	(void)what;
	e->fn.on_signal((int)signo, e->ctx);
}

struct loop_event *loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *ctx)
{
	struct loop_event *e = event_new_of(l, ctx);

	if (e == NULL) {
		return NULL;
	}
	e->fn.on_signal = fn;
	e->event = evsignal_new(l->base, signo, signal_came, e);
	if (e->event == NULL || event_add(e->event, NULL) < 0) {
		loop_event_free(e);
		return NULL;
	}
	return e;
}

void loop_event_free(struct loop_event *e)
{
	if (e != NULL) {
		if (e->event != NULL) {
			event_free(e->event);
		}
		free(e);
	}
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

struct mono mono_now(void)
{
	return (struct mono){clock_ns(CLOCK_MONOTONIC)};
}

struct wall wall_now(void)
{
	return (struct wall){clock_ns(CLOCK_REALTIME)};
}
