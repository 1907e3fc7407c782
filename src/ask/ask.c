/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: connections and the breaker. Layer: ask.
 */
#include "ask/ask.h"

#include "base/assert.h"
#include "base/num.h"
#include "proto/addr.h"
#include "sys/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/poison.h"

#define PIECE 16384
/* Octets of a request. */
#define REQUEST_MAX ((size_t)64 << 20)

struct question {
	struct ask *ask;
	uint64_t token;
	int fd;
	struct loop_event *io;
	struct loop_event *timer;
	struct buf request;
	size_t sent;
	struct buf answer;
	bool is_used;
	bool is_over; /* the timer only tells */
	enum ask_outcome outcome;
	int64_t score_micro;
};

struct ask {
	struct loop *loop;
	struct ask_conf conf;
	struct sockaddr_storage to;
	socklen_t to_len;
	ask_done_fn *done;
	void *ctx;
	struct question all[ASK_PARALLEL_MAX];
	struct ask_counts counts;
	unsigned failures; /* in a row */
	struct mono rests_until;
	bool is_probing; /* one question after the rest */
};

static const char *const outcome_names[] = {"answered", "unreachable", "late", "garbage"};
static_assert(COUNT_OF(outcome_names) == ASK_OUTCOME_COUNT, "a name for every value");

const char *ask_outcome_name(enum ask_outcome o)
{
	ASSERT(o < ASK_OUTCOME_COUNT);
	return outcome_names[o];
}

static int parse_endpoint(struct ask *a, struct str text)
{
	struct addr addr;
	uint64_t port;
	size_t colon = text.len;

	while (colon > 0 && text.ptr[colon - 1] != ':') {
		colon--;
	}
	struct str host = str_head(text, colon > 0 ? colon - 1 : 0);
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
		host = str_head(str_skip(host, 1), host.len - 2);
	}
	if (num_parse_u64(str_skip(text, colon), UINT16_MAX, &port) < 0 || port == 0 ||
	    addr_parse(host, &addr) < 0) {
		return -EINVAL;
	}
	if (addr.family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		memcpy(&in.sin_addr, addr.octets, 4);
		memcpy(&a->to, &in, sizeof(in));
		a->to_len = sizeof(in);
	} else {
		struct sockaddr_in6 in = {.sin6_family = AF_INET6,
					  .sin6_port = htons((uint16_t)port)};
		memcpy(&in.sin6_addr, addr.octets, 16);
		memcpy(&a->to, &in, sizeof(in));
		a->to_len = sizeof(in);
	}
	return 0;
}

static void let_go(struct question *q)
{
	loop_event_free(q->io);
	loop_event_free(q->timer);
	fd_close(&q->fd);
	buf_done(&q->request);
	buf_done(&q->answer);
	*q = (struct question){.fd = -1};
}

static void note(struct ask *a, enum ask_outcome outcome)
{
	a->counts.by_outcome[outcome]++;
	a->is_probing = false;
	if (outcome == ASK_ANSWERED) {
		a->failures = 0;
		a->counts.is_resting = false;
		return;
	}
	a->failures++;
	if (a->failures >= ASK_FAILURES_MAX) {
		a->counts.rests += !a->counts.is_resting;
		a->counts.is_resting = true;
		a->rests_until.ns = mono_now().ns + ASK_REST_MS * NS_PER_MS;
	}
}

/* Over; told from the loop, never from within ask_start. */
static void end(struct question *q, enum ask_outcome outcome, int64_t score_micro)
{
	if (!q->is_over) {
		q->is_over = true;
		q->outcome = outcome;
		q->score_micro = score_micro;
		loop_event_free(q->io);
		q->io = NULL;
		loop_timer_once(q->timer, 0);
	}
}

static void on_timer(void *ctx)
{
	struct question *q = ctx;
	struct ask *a = q->ask;
	uint64_t token = q->token;
	enum ask_outcome outcome = q->is_over ? q->outcome : ASK_LATE;
	int64_t score_micro = q->is_over ? q->score_micro : 0;

	let_go(q);
	note(a, outcome);
	a->done(a->ctx, token, outcome, score_micro);
}

static void on_end_of_answer(struct question *q)
{
	int64_t score_micro;

	if (q->answer.len == 0) {
		end(q, ASK_UNREACHABLE, 0);
	} else if (ask_wire_answer(q->ask->conf.kind, buf_str(&q->answer), &score_micro) < 0) {
		end(q, ASK_GARBAGE, 0);
	} else {
		end(q, ASK_ANSWERED, score_micro);
	}
}

static void read_answer(struct question *q)
{
	char piece[PIECE];
	ssize_t n = recv(q->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n == 0) {
		on_end_of_answer(q);
	} else if (n > 0) {
		buf_add(&q->answer, (struct str){piece, (size_t)n});
		if (buf_end(&q->answer) < 0) {
			end(q, ASK_GARBAGE, 0);
		}
	} else if (errno != EAGAIN && errno != EINTR) {
		/* It may have answered before it broke off. */
		on_end_of_answer(q);
	}
}

static void write_request(struct question *q)
{
	struct str left = str_skip(buf_str(&q->request), q->sent);
	ssize_t n = send(q->fd, left.ptr, left.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0) {
		q->sent += (size_t)n;
	} else if (errno == EPIPE || errno == ECONNRESET) {
		q->sent = q->request.len; /* a refusal may be there to be read */
	} else if (errno != EAGAIN && errno != EINTR) {
		end(q, ASK_UNREACHABLE, 0);
		return;
	}
	if (q->sent == q->request.len) {
		/* spamd and rspamd know the length; half a close would end the connection. */
		loop_fd_set(q->io, LOOP_READ);
	}
}

static void on_io(int fd, unsigned ready, void *ctx)
{
	struct question *q = ctx;
	(void)fd;

	if (q->is_over) {
		return;
	}
	if ((ready & LOOP_WRITE) != 0 && q->sent < q->request.len) {
		write_request(q);
	} else if ((ready & LOOP_READ) != 0) {
		read_answer(q);
	}
}

static int open_connection(struct question *q)
{
	struct ask *a = q->ask;

	q->fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0) {
		return -errno;
	}
	if (connect(q->fd, (const struct sockaddr *)&a->to, a->to_len) < 0 &&
	    errno != EINPROGRESS) {
		return -errno;
	}
	q->io = loop_fd(a->loop, q->fd, LOOP_READ | LOOP_WRITE, on_io, q);
	return q->io == NULL ? -ENOMEM : 0;
}

static bool is_resting(struct ask *a)
{
	if (!a->counts.is_resting) {
		return false;
	}
	if (mono_now().ns < a->rests_until.ns || a->is_probing) {
		return true;
	}
	a->is_probing = true; /* this one tells whether it is back */
	return false;
}

int ask_start(struct ask *a, uint64_t token, struct str message)
{
	struct question *q = NULL;

	for (size_t i = 0; i < a->conf.parallel && q == NULL; i++) {
		q = a->all[i].is_used ? NULL : &a->all[i];
	}
	if (q == NULL || is_resting(a)) {
		a->counts.refused++;
		return -EBUSY;
	}
	*q = (struct question){.ask = a, .token = token, .fd = -1, .is_used = true};
	buf_init(&q->request, REQUEST_MAX);
	buf_init(&q->answer, ASK_ANSWER_MAX);
	ask_wire_request(a->conf.kind, message, &q->request);
	q->timer = loop_timer(a->loop, on_timer, q);
	if (buf_end(&q->request) < 0 || q->timer == NULL) {
		let_go(q);
		a->is_probing = false;
		return -ENOMEM;
	}
	a->counts.asked++;
	loop_timer_once(q->timer, a->conf.timeout_ms);
	if (open_connection(q) < 0) {
		end(q, ASK_UNREACHABLE, 0);
	}
	return 0;
}

int ask_new(struct loop *l, const struct ask_conf *conf, ask_done_fn *done, void *ctx,
	    struct ask **ret, struct errmsg *reterr)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	a->loop = l;
	a->conf = *conf;
	a->done = done;
	a->ctx = ctx;
	if (a->conf.parallel == 0 || a->conf.parallel > ASK_PARALLEL_MAX) {
		a->conf.parallel = ASK_PARALLEL_MAX;
	}
	for (size_t i = 0; i < ASK_PARALLEL_MAX; i++) {
		a->all[i].fd = -1;
	}
	if (parse_endpoint(a, str_of(conf->endpoint)) < 0) {
		free(a);
		return err_set(reterr, -EINVAL, "'%s' is no address and port", conf->endpoint);
	}
	*ret = a;
	return 0;
}

void ask_free(struct ask *a)
{
	if (a != NULL) {
		for (size_t i = 0; i < ASK_PARALLEL_MAX; i++) {
			if (a->all[i].is_used) {
				let_go(&a->all[i]);
			}
		}
		free(a);
	}
}

struct ask_counts ask_counts_get(const struct ask *a)
{
	return a->counts;
}
