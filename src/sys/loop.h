/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: one event loop a process: file descriptors, timers, signals. Layer: sys.
 *
 * A thin face of libevent, so that its header stays in one file; the HTTP server asks for the
 * library's own base with loop_base.
 */
#ifndef SYS_LOOP_H
#define SYS_LOOP_H

#include "base/attr.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_event;
struct event_base;

enum loop_wants {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
};

typedef void loop_fd_fn(int fd, unsigned ready, void *ctx);
typedef void loop_timer_fn(void *ctx);
typedef void loop_signal_fn(int signo, void *ctx);

MUSTUSE struct loop *loop_new(void);
void loop_free(struct loop *l);
/** After fork, in the child: let go of a loop that the parent goes on using. Its events are dead.
 */
void loop_forget(struct loop *l);
/** Runs until loop_stop. @return 0, or a negative errno. */
MUSTUSE int loop_run(struct loop *l);
void loop_stop(struct loop *l);
/** Runs what is ready, waiting at most `wait_ms` (0: not at all): for tests and last flushes. */
void loop_turn(struct loop *l, unsigned wait_ms);

/**
 * Watch a descriptor that the caller owns. Level-triggered. @return NULL without memory.
 *
 * @param wants  LOOP_READ, LOOP_WRITE or both; 0: made but asleep.
 */
MUSTUSE struct loop_event *loop_fd(struct loop *l, int fd, unsigned wants, loop_fd_fn *fn,
				   void *ctx);
/** Change what a loop_fd event waits for. */
void loop_fd_set(struct loop_event *e, unsigned wants);
/** A timer, not yet started. */
MUSTUSE struct loop_event *loop_timer(struct loop *l, loop_timer_fn *fn, void *ctx);
/** Fire once after delay_ms, or every delay_ms. Starting again replaces the old time. */
void loop_timer_once(struct loop_event *e, uint32_t delay_ms);
void loop_timer_every(struct loop_event *e, uint32_t delay_ms);
void loop_timer_stop(struct loop_event *e);
MUSTUSE struct loop_event *loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *ctx);
/** Ends any kind of event; NULL is allowed; allowed inside its own callback. */
void loop_event_free(struct loop_event *e);

/** libevent's own base, for evhttp and bufferevent users. */
struct event_base *loop_base(struct loop *l);

struct mono mono_now(void);
struct wall wall_now(void);

#endif
