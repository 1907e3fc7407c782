/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: the parent's loop. Layer: daemon.
 */
#include "daemon/parent/supervisor.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/cur.h"
#include "base/jsonw.h"
#include "daemon/child.h"
#include "daemon/parent/folders.h"
#include "daemon/parent/keeper.h"
#include "daemon/parent/taps.h"
#include "sys/chan.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/poison.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define HEALTHY_NS (30 * NS_PER_S) /* after so long the backoff starts anew */
#define STOP_MS 5000               /* then SIGKILL */
#define STATS_MS 2000
#define CHILD_QUEUE_MAX ((size_t)1 << 20)
#define STATS_MAX 4096

struct worker {
	struct supervisor *supervisor;
	const struct child_spec *spec;
	pid_t pid; /* 0: not running */
	struct chan *chan;
	struct loop_event *retry;
	struct mono started;
	unsigned backoff_ms;
	uint64_t starts;
	bool ready;
	unsigned layers;
};

struct supervisor {
	const struct supervisor_opts *opts;
	struct policy *policy;
	struct loop *loop;
	struct worker workers[PROCESS_COUNT];
	struct loop_event *signals[4];
	struct loop_event *stop_timer;
	struct loop_event *stats_timer;
	bool was_ready; /* all ran at once before: from now on failures are retried for ever */
	bool stopping;
	int status;
};

static const struct log *log_of(const struct worker *w)
{
	return w->supervisor->opts->log;
}

static void begin_stop(struct supervisor *s, int status)
{
	if (s->stopping) {
		return;
	}
	s->stopping = true;
	s->status = status;
	bool any = false;
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		struct worker *w = &s->workers[i];
		loop_timer_stop(w->retry);
		if (w->pid > 0) {
			any = true;
			if (w->chan == NULL || chan_send(w->chan, MSG_STOP, STR_EMPTY, -1) < 0) {
				kill(w->pid, SIGTERM);
			}
		}
	}
	if (!any) {
		loop_stop(s->loop);
		return;
	}
	loop_timer_once(s->stop_timer, STOP_MS);
}

static void stop_took_too_long(void *ctx)
{
	struct supervisor *s = ctx;

	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		if (s->workers[i].pid > 0) {
			LOG_EVENT(s->opts->log, LOG_LEVEL_WARNING, "child.killed",
				  F_CSTR("process", s->workers[i].spec->name));
			kill(s->workers[i].pid, SIGKILL);
		}
	}
}

static void say_ready(struct supervisor *s)
{
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		if (!s->workers[i].ready) {
			return;
		}
	}
	if (s->was_ready) {
		return;
	}
	s->was_ready = true;
	LOG_EVENT(s->opts->log, LOG_LEVEL_NOTICE, "posternd.ready", F_U64("pid", getpid()));
	const char octet = READY_OCTET;
	if (s->opts->ready_fd >= 0 && write(s->opts->ready_fd, &octet, 1) < 0) {
		/* Who waited is gone: nobody to tell. */
	}
}

static void child_failed(struct worker *w, struct str text)
{
	struct supervisor *s = w->supervisor;

	if (s->was_ready || s->stopping) {
		return; /* its exit starts it again */
	}
	if (s->opts->ready_fd >= 0) {
		struct buf line;
		buf_init(&line, 2048);
		buf_printf(&line, "posternd: cannot start: %s: %.*s\n", w->spec->name,
			   STR_ARG(str_head(text, 1024)));
		if (write(s->opts->ready_fd, line.ptr, line.len) < 0) {
			/* It is in the log too. */
		}
		buf_done(&line);
	}
	begin_stop(s, EXIT_FAILURE);
}

static void put_first_token(struct worker *w, struct cur *c)
{
	struct str text = cur_str(c, 64);
	struct errmsg err;

	int r = cur_end(c);
	if (r == 0) {
		r = folders_put_first_token(w->supervisor->policy, text, &err);
	} else {
		err_set(&err, r, "malformed");
	}
	if (r < 0) {
		LOG_EVENT(log_of(w), LOG_LEVEL_WARNING, "first_token.failed",
			  F_CSTR("why", err.text));
	}
}

static void child_received(void *ctx, const struct chan_msg *m)
{
	struct worker *w = ctx;
	struct cur c = cur_of(m->body.ptr, m->body.len);

	if (m->fd >= 0) {
		close(m->fd); /* children send none */
	}
	if (m->type == MSG_READY && m->body.len == 1) {
		w->layers = (unsigned)cur_uint(&c, 1, SANDBOX_ALL);
		w->ready = true;
		say_ready(w->supervisor);
	} else if (m->type == MSG_FAILED) {
		child_failed(w, m->body);
	} else if (m->type == MSG_WANT_SOCKET && w->spec->process == PROCESS_TAP) {
		struct str name = cur_str(&c, 64);
		if (cur_end(&c) == 0) {
			taps_send(w->supervisor->policy, w->chan, log_of(w), name);
		}
	} else if (m->type == MSG_FIRST_TOKEN && w->spec->process == PROCESS_DESK) {
		put_first_token(w, &c);
	} else {
		chan_bad(w->chan);
	}
}

/* The exit, which follows, is what counts. */
static void child_closed(void *ctx)
{
	struct worker *w = ctx;

	chan_free(w->chan);
	w->chan = NULL;
}

static const struct chan_ops child_ops = {.received = child_received, .closed = child_closed};

static int send_peer(struct worker *to, enum process peer, int fd)
{
	char body = (char)peer;

	return chan_send(to->chan, MSG_PEER, (struct str){&body, 1}, fd);
}

static void connect_pair(struct worker *a, struct worker *b)
{
	int fds[2] = {-1, -1};
	int r = chan_pair(fds);

	if (r == 0) {
		r = send_peer(a, b->spec->process, fds[0]);
	}
	if (r == 0) {
		r = send_peer(b, a->spec->process, fds[1]);
	}
	if (r < 0) {
		LOG_EVENT(log_of(a), LOG_LEVEL_ERROR, "child.not_connected",
			  F_CSTR("a", a->spec->name), F_CSTR("b", b->spec->name),
			  F_CSTR("why", strerror(-r)));
	}
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

static void connect_worker(struct worker *w)
{
	struct supervisor *s = w->supervisor;

	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		if (&s->workers[i] != w && s->workers[i].chan != NULL) {
			connect_pair(w, &s->workers[i]);
		}
	}
	if (w->spec->process == PROCESS_TAP) {
		taps_send_all(s->policy, w->chan, log_of(w));
	}
}

/* After fork: nothing of the parent but the standard descriptors, the own channel and what is not
 * close-on-exec (the keeper's pipe) may stay open. */
static void close_inherited(int keep)
{
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		if (fd != keep && flags >= 0 && (flags & FD_CLOEXEC) != 0) {
			close(fd);
		}
	}
}

NORETURN static void become_child(struct worker *w, int fd)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		signal(signals[i], SIG_DFL);
	}
	signal(SIGINT, SIG_IGN); /* Ctrl-C at a terminal is the parent's to handle */
	signal(SIGPIPE, SIG_IGN);
	loop_forget(w->supervisor->loop);
	close_inherited(fd);
	child_run(w->spec, w->supervisor->policy, fd);
}

static void spawn(struct worker *w);

static void retry_now(void *ctx)
{
	spawn(ctx);
}

static void retry_later(struct worker *w)
{
	if (mono_now().ns - w->started.ns > HEALTHY_NS) {
		w->backoff_ms = BACKOFF_MIN_MS;
	}
	loop_timer_once(w->retry, w->backoff_ms);
	w->backoff_ms = w->backoff_ms * 2 < BACKOFF_MAX_MS ? w->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void spawn(struct worker *w)
{
	int fds[2] = {-1, -1};
	int r = chan_pair(fds);

	w->started = mono_now();
	w->ready = false;
	if (r < 0) {
		LOG_EVENT(log_of(w), LOG_LEVEL_ERROR, "child.no_channel",
			  F_CSTR("why", strerror(-r)));
		retry_later(w);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		become_child(w, fds[1]);
	}
	fd_close(&fds[1]);
	if (pid < 0) {
		LOG_EVENT(log_of(w), LOG_LEVEL_ERROR, "child.no_fork",
			  F_CSTR("why", strerror(errno)));
		fd_close(&fds[0]);
		retry_later(w);
		return;
	}
	w->pid = pid;
	w->starts++;
	w->chan = chan_new(w->supervisor->loop, fds[0], CHILD_QUEUE_MAX, &child_ops, w);
	if (w->chan == NULL) {
		kill(pid, SIGKILL);
		return;
	}
	connect_worker(w);
}

static void child_exited(struct worker *w, int status)
{
	struct supervisor *s = w->supervisor;
	bool orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	w->pid = 0;
	if (w->chan != NULL) {
		/* Its end may be seen before its last words: why it could not start. */
		chan_drain(w->chan);
	}
	w->ready = false;
	chan_free(w->chan);
	w->chan = NULL;
	LOG_EVENT(s->opts->log, orderly ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "child.ended",
		  F_CSTR("process", w->spec->name),
		  F_I64("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
		  F_I64("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
	if (!s->stopping && !s->was_ready && WIFEXITED(status)) {
		begin_stop(s, EXIT_FAILURE); /* it said why before */
	}
	if (!s->stopping) {
		retry_later(w);
		return;
	}
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		if (s->workers[i].pid > 0) {
			return;
		}
	}
	loop_stop(s->loop);
}

static void reap(struct supervisor *s)
{
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0) {
			return;
		}
		for (size_t i = 0; i < PROCESS_COUNT; i++) {
			if (s->workers[i].pid == pid) {
				child_exited(&s->workers[i], status);
				break;
			}
		}
	}
}

/* A good new configuration replaces the snapshot, and each process starts anew with it; blocks
 * stay in the kernel meanwhile. A bad one changes nothing. */
static void reload(struct supervisor *s)
{
	struct errmsg err = {.text = ""};
	struct policy *fresh = s->opts->reload(s->opts->reload_ctx, &err);

	if (fresh == NULL) {
		LOG_EVENT(s->opts->log, LOG_LEVEL_ERROR, "config.kept_old",
			  F_CSTR("why", err.text));
		return;
	}
	policy_free(s->policy);
	s->policy = fresh;
	LOG_EVENT(s->opts->log, LOG_LEVEL_NOTICE, "config.reloaded",
		  F_U64("networks", fresh->network_count));
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		struct worker *w = &s->workers[i];
		w->backoff_ms = BACKOFF_MIN_MS;
		if (w->pid > 0 &&
		    (w->chan == NULL || chan_send(w->chan, MSG_STOP, STR_EMPTY, -1) < 0)) {
			kill(w->pid, SIGTERM);
		}
	}
}

static void signal_came(int signo, void *ctx)
{
	struct supervisor *s = ctx;

	if (signo == SIGCHLD) {
		reap(s);
	} else if (signo == SIGHUP) {
		if (!s->stopping) {
			reload(s);
		}
	} else {
		begin_stop(s, EXIT_SUCCESS);
	}
}

static void write_worker(struct jsonw *w, const struct worker *worker)
{
	jsonw_object(w, NULL);
	jsonw_cstr(w, "name", worker->spec->name);
	jsonw_i64(w, "pid", worker->pid);
	jsonw_bool(w, "ready", worker->ready);
	jsonw_u64(w, "restarts", worker->starts > 0 ? worker->starts - 1 : 0);
	jsonw_array(w, "sandbox");
	for (unsigned bit = 1; bit < SANDBOX_ALL; bit <<= 1) {
		if ((worker->layers & bit) != 0) {
			jsonw_cstr(w, NULL, sandbox_layer_name((enum sandbox_layer)bit));
		}
	}
	jsonw_array_end(w);
	jsonw_object_end(w);
}

/* The desk shows what the parent knows: {"processes":[…]} with PROCESS_COUNT as the sender. */
static void send_stats(void *ctx)
{
	struct supervisor *s = ctx;
	struct chan *desk = s->workers[PROCESS_DESK].chan;
	struct buf body;

	if (desk == NULL) {
		return;
	}
	buf_init(&body, STATS_MAX);
	buf_add_char(&body, (char)PROCESS_COUNT);
	struct jsonw w = jsonw_of(&body);
	jsonw_object(&w, NULL);
	jsonw_array(&w, "processes");
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		write_worker(&w, &s->workers[i]);
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	if (buf_end(&body) == 0 && chan_send(desk, MSG_STATS, buf_str(&body), -1) < 0) {
		/* The next ones come in two seconds. */
	}
	buf_done(&body);
}

static int prepare(struct supervisor *s)
{
	static const struct child_spec *const specs[PROCESS_COUNT] = {
		[PROCESS_TAP] = &tap_child,
		[PROCESS_JUDGE] = &judge_child,
		[PROCESS_GATE] = &gate_child,
		[PROCESS_DESK] = &desk_child,
	};
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	static_assert(COUNT_OF(signals) == COUNT_OF(((struct supervisor *)NULL)->signals),
		      "an event for each");

	s->loop = loop_new();
	if (s->loop == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		s->signals[i] = loop_signal(s->loop, signals[i], signal_came, s);
		if (s->signals[i] == NULL) {
			return -ENOMEM;
		}
	}
	s->stop_timer = loop_timer(s->loop, stop_took_too_long, s);
	s->stats_timer = loop_timer(s->loop, send_stats, s);
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		struct worker *w = &s->workers[i];
		*w = (struct worker){
			.supervisor = s, .spec = specs[i], .backoff_ms = BACKOFF_MIN_MS};
		w->retry = loop_timer(s->loop, retry_now, w);
		if (w->retry == NULL) {
			return -ENOMEM;
		}
	}
	return s->stop_timer == NULL || s->stats_timer == NULL ? -ENOMEM : 0;
}

static void release(struct supervisor *s)
{
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		chan_free(s->workers[i].chan);
		loop_event_free(s->workers[i].retry);
	}
	for (size_t i = 0; i < COUNT_OF(s->signals); i++) {
		loop_event_free(s->signals[i]);
	}
	loop_event_free(s->stop_timer);
	loop_event_free(s->stats_timer);
	loop_free(s->loop);
	policy_free(s->policy);
}

int supervisor_run(const struct supervisor_opts *opts)
{
	struct supervisor s = {.opts = opts, .policy = opts->policy};
	int r = prepare(&s);

	if (r == 0) {
		/* Gate first: what the journal holds is in the kernel before anything else runs. */
		static const enum process order[] = {PROCESS_GATE, PROCESS_DESK, PROCESS_JUDGE,
						     PROCESS_TAP};
		for (size_t i = 0; i < COUNT_OF(order); i++) {
			spawn(&s.workers[order[i]]);
		}
		loop_timer_every(s.stats_timer, STATS_MS);
		r = loop_run(s.loop);
	}
	if (r < 0) {
		LOG_EVENT(opts->log, LOG_LEVEL_ERROR, "posternd.failed",
			  F_CSTR("why", strerror(-r)));
		s.status = EXIT_FAILURE;
	}
	LOG_EVENT(opts->log, LOG_LEVEL_NOTICE, "posternd.ended", F_I64("status", s.status));
	release(&s);
	return s.status;
}
