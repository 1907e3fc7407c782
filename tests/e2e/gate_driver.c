/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_driver: runs the gate process alone and plays parent, judge, desk and tap for it.
 *
 *   gate_driver CONFIG
 *
 * Commands are lines on standard input, what the gate says are lines on standard output:
 *
 *   start | kill | stop                         the gate process (kill: SIGKILL)
 *   desk on|off                                 the desk's channel
 *   order judge|desk SEQ NETWORK SOURCE RUNG GIVER MODE SECONDS     SECONDS 0: without end
 *   after JUDGE_SEQ DESK_SEQ                    MSG_ORDERS_AFTER
 *   committed judge|desk SEQ
 *   flow CLIENT PORT SERVER PORT | flows clear  what the tap answers
 *   bench COUNT PER_SECOND NETWORK FIRST_SEQ    orders at a rate; prints their latencies
 *   wait MS                                     run for so long
 *
 *   started PID | ended STATUS | hello WHO JUDGE DESK | journaled ORIGIN SEQ SOURCE RUNG
 *   report WHO ORIGIN SEQ SOURCE STATE APPLY_US SESSIONS HITS | asked SOURCE | stats JSON | ok
 */
#include "base/cur.h"
#include "base/num.h"
#include "conf/conf.h"
#include "core/order.h"
#include "core/wire.h"
#include "daemon/child.h"
#include "sys/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/poison.h"

#define FLOWS_MAX 64
#define QUEUE_MAX ((size_t)64 << 20)
#define LINE_MAX 1024
#define WORDS_MAX 10

struct flow {
	struct addr client;
	struct addr server;
	uint16_t client_port;
	uint16_t server_port;
};

struct bench {
	uint64_t first;
	size_t count;
	struct mono *sent;
	uint32_t *us;
	size_t answered;
};

static struct {
	struct loop *loop;
	struct policy *policy;
	pid_t pid;
	struct chan *parent;
	struct chan *peers[PROCESS_COUNT];
	bool desk_on;
	struct flow flows[FLOWS_MAX];
	size_t flow_count;
	struct bench bench;
	struct loop_event *bench_timer;
	uint16_t bench_network;
	size_t bench_next;
	struct mono bench_begin;
	uint64_t bench_per_s;
	char line[LINE_MAX];
	size_t line_len;
} d;

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static const char *origin_name(enum order_origin o)
{
	return o == ORIGIN_JUDGE ? "judge" : "desk";
}

/* --- what the gate says -------------------------------------------------------------------- */

static void say_hello(const char *who, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	uint64_t judge = cur_uint(&c, 8, UINT64_MAX);
	uint64_t desk = cur_uint(&c, 8, UINT64_MAX);

	printf("hello %s %llu %llu\n", who, (unsigned long long)judge, (unsigned long long)desk);
	fflush(stdout);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void bench_end(void)
{
	struct bench *b = &d.bench;

	qsort(b->us, b->count, sizeof(b->us[0]), by_value);
	printf("bench {\"orders\":%zu,\"median_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n", b->count,
	       b->us[b->count / 2], b->us[b->count * 99 / 100], b->us[b->count - 1]);
	fflush(stdout);
	free(b->sent);
	free(b->us);
	*b = (struct bench){0};
}

/* @return whether the report belongs to a benchmark, which is not printed. */
static bool bench_report(const struct order_report *r)
{
	struct bench *b = &d.bench;

	if (b->count == 0 || r->seq < b->first || r->seq >= b->first + b->count) {
		return false;
	}
	size_t i = (size_t)(r->seq - b->first);
	if (b->us[i] == 0) {
		b->us[i] = (uint32_t)((mono_now().ns - b->sent[i].ns) / NS_PER_US) | 1U;
		b->answered++;
		if (b->answered == b->count) {
			bench_end();
		}
	}
	return true;
}

static void say_report(const char *who, struct str body)
{
	struct order_report r;
	char source[ADDR_TEXT_SIZE];

	if (order_report_decode(body.ptr, body.len, &r) < 0) {
		say("bad report");
		return;
	}
	if (bench_report(&r)) {
		return;
	}
	printf("report %s %s %llu %s %s %u %u %llu\n", who, origin_name(r.origin),
	       (unsigned long long)r.seq, source_format(&r.source, source),
	       order_state_name(r.state), r.apply_us, r.sessions_ended, (unsigned long long)r.hits);
	fflush(stdout);
}

static void say_journaled(struct str body)
{
	if (d.bench.count != 0) {
		return;
	}
	struct order o;
	char source[ADDR_TEXT_SIZE];

	if (order_decode(body.ptr, body.len, &o) < 0) {
		say("bad journaled");
		return;
	}
	printf("journaled %s %llu %s %s\n", origin_name(o.origin), (unsigned long long)o.seq,
	       source_format(&o.source, source), rung_name(o.rung));
	fflush(stdout);
}

static void answer_flows(struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	uint8_t out[16 + FLOWS_MAX * 64];
	struct enc e = enc_of(out, sizeof(out));
	struct source_key source;
	char text[ADDR_TEXT_SIZE];

	enc_uint(&e, 8, cur_uint(&c, 8, UINT64_MAX));
	wire_get_source(&c, &source);
	if (d.bench.count == 0) {
		printf("asked %s\n", source_format(&source, text));
		fflush(stdout);
	}
	enc_uint(&e, 2, d.flow_count);
	for (size_t i = 0; i < d.flow_count; i++) {
		wire_put_addr(&e, &d.flows[i].client);
		enc_uint(&e, 2, d.flows[i].client_port);
		wire_put_addr(&e, &d.flows[i].server);
		enc_uint(&e, 2, d.flows[i].server_port);
	}
	int n = enc_end(&e);
	if (n < 0 || chan_send(d.peers[PROCESS_TAP], MSG_FLOWS,
			       (struct str){(const char *)out, (size_t)n}, -1) < 0) {
		say("bad flows");
	}
}

static void peer_received(void *ctx, const struct chan_msg *m)
{
	enum process who = (enum process)(uintptr_t)ctx;

	switch (m->type) {
	case MSG_GATE_HELLO:
		say_hello(process_name(who), m->body);
		break;
	case MSG_ORDER_REPORT:
		say_report(process_name(who), m->body);
		break;
	case MSG_ORDER_JOURNALED:
		say_journaled(m->body);
		break;
	case MSG_FLOWS_WANTED:
		answer_flows(m->body);
		break;
	case MSG_STATS:
		printf("stats %.*s\n", STR_ARG(str_skip(m->body, 1)));
		fflush(stdout);
		break;
	default:
		say("bad message");
	}
}

static void peer_closed(void *ctx)
{
	uintptr_t who = (uintptr_t)ctx;

	chan_free(d.peers[who]);
	d.peers[who] = NULL;
}

static const struct chan_ops peer_ops = {.received = peer_received, .closed = peer_closed};

static void parent_received(void *ctx, const struct chan_msg *m)
{
	(void)ctx;
	if (m->type == MSG_READY) {
		printf("started %d\n", (int)d.pid);
		fflush(stdout);
	} else if (m->type == MSG_FAILED) {
		printf("failed %.*s\n", STR_ARG(m->body));
		fflush(stdout);
	}
}

static void parent_closed(void *ctx)
{
	int status = 0;

	(void)ctx;
	chan_free(d.parent);
	d.parent = NULL;
	waitpid(d.pid, &status, 0);
	d.pid = 0;
	printf("ended %d\n", status);
	fflush(stdout);
}

static const struct chan_ops parent_ops = {.received = parent_received, .closed = parent_closed};

/* --- commands ------------------------------------------------------------------------------ */

static void connect_peer(enum process who)
{
	int fds[2];
	uint8_t body = (uint8_t)who;

	if (d.parent == NULL || d.peers[who] != NULL || chan_pair(fds) < 0) {
		return;
	}
	d.peers[who] = chan_new(d.loop, fds[0], QUEUE_MAX, &peer_ops, (void *)(uintptr_t)who);
	if (d.peers[who] == NULL ||
	    chan_send(d.parent, MSG_PEER, (struct str){(const char *)&body, 1}, fds[1]) < 0) {
		say("bad channel");
	}
	fd_close(&fds[1]);
}

static void start(void)
{
	int fds[2];

	if (d.pid != 0 || chan_pair(fds) < 0) {
		say("bad start");
		return;
	}
	d.pid = fork();
	if (d.pid == 0) {
		fd_close(&fds[0]);
		child_run(&gate_child, d.policy, fds[1]);
	}
	fd_close(&fds[1]);
	d.parent = chan_new(d.loop, fds[0], QUEUE_MAX, &parent_ops, NULL);
	connect_peer(PROCESS_TAP);
	connect_peer(PROCESS_JUDGE);
	if (d.desk_on) {
		connect_peer(PROCESS_DESK);
	}
}

static uint64_t number(const char *text)
{
	uint64_t v = 0;

	if (num_parse_u64(str_of(text), UINT64_MAX, &v) < 0) {
		fprintf(stderr, "gate_driver: '%s' is no number\n", text);
		exit(2);
	}
	return v;
}

static int send_order(const struct order *o)
{
	uint8_t body[ORDER_ENCODED_MAX];
	int n = order_encode(o, body, sizeof(body));
	enum process from = o->origin == ORIGIN_JUDGE ? PROCESS_JUDGE : PROCESS_DESK;

	if (n < 0 || d.peers[from] == NULL) {
		return -ENOTCONN;
	}
	return chan_send(d.peers[from], MSG_ORDER, (struct str){(const char *)body, (size_t)n}, -1);
}

static enum order_origin origin_of(const char *word)
{
	return str_is_equal(str_of(word), STR("judge")) ? ORIGIN_JUDGE : ORIGIN_DESK;
}

static void order(char **w)
{
	struct order o = {
		.origin = origin_of(w[1]),
		.seq = number(w[2]),
		.source.network = (uint16_t)number(w[3]),
		.rung = (enum rung)rung_find(str_of(w[5])),
		.giver = (enum giver)giver_find(str_of(w[6])),
		.mode = (enum mode)mode_find(str_of(w[7])),
		.given_at = wall_now(),
		.reason = STR("a test"),
	};
	uint64_t seconds = number(w[8]);

	if (seconds > 0) {
		o.expires_at.ns = o.given_at.ns + (int64_t)seconds * NS_PER_S;
	}
	if (prefix_parse(str_of(w[4]), &o.source.prefix) < 0 || send_order(&o) < 0) {
		say("bad order");
	}
}

static void bench_tick(void *ctx)
{
	struct bench *b = &d.bench;

	(void)ctx;
	/* By the clock: a tick that comes late sends what is due since. */
	uint64_t due = (uint64_t)(mono_now().ns - d.bench_begin.ns) / 1000 * d.bench_per_s /
		       1000000;
	while (d.bench_next < due && d.bench_next < b->count) {
		size_t i = d.bench_next++;
		uint8_t octets[4] = {198, 18, (uint8_t)(i >> 8), (uint8_t)i};
		struct addr a = addr_v4(octets);
		struct order o = {
			.origin = ORIGIN_JUDGE,
			.seq = b->first + i,
			.source = source_of(d.bench_network, &a, 64),
			.rung = RUNG_BLOCK,
			.giver = GIVER_JUDGE,
			.mode = MODE_ENFORCE,
			.given_at = wall_now(),
			.reason = STR("a benchmark"),
		};
		b->sent[i] = mono_now();
		if (send_order(&o) < 0) {
			say("bad order");
		}
	}
	if (d.bench_next >= b->count) {
		loop_timer_stop(d.bench_timer);
	}
}

static void bench(char **w)
{
	size_t count = (size_t)number(w[1]);

	d.bench = (struct bench){.first = number(w[4]), .count = count};
	d.bench.sent = calloc(count, sizeof(d.bench.sent[0]));
	d.bench.us = calloc(count, sizeof(d.bench.us[0]));
	d.bench_network = (uint16_t)number(w[3]);
	d.bench_next = 0;
	d.bench_begin = mono_now();
	d.bench_per_s = number(w[2]);
	loop_timer_every(d.bench_timer, 1);
}

static void add_flow(char **w)
{
	struct flow *f = &d.flows[d.flow_count];

	if (d.flow_count == FLOWS_MAX || addr_parse(str_of(w[1]), &f->client) < 0 ||
	    addr_parse(str_of(w[3]), &f->server) < 0) {
		say("bad flow");
		return;
	}
	f->client_port = (uint16_t)number(w[2]);
	f->server_port = (uint16_t)number(w[4]);
	d.flow_count++;
}

static void send_desk(uint32_t type, struct enc *e)
{
	int n = enc_end(e);

	if (n < 0 || d.peers[PROCESS_DESK] == NULL ||
	    chan_send(d.peers[PROCESS_DESK], type, (struct str){(const char *)e->ptr, (size_t)n},
		      -1) < 0) {
		say("bad desk");
	}
}

static void run_command(char **w, size_t n)
{
	uint8_t body[32];
	struct enc e = enc_of(body, sizeof(body));
	struct str verb = str_of(w[0]);

	if (str_is_equal(verb, STR("start"))) {
		start();
	} else if (str_is_equal(verb, STR("kill")) && d.pid != 0) {
		kill(d.pid, SIGKILL);
	} else if (str_is_equal(verb, STR("stop")) && d.parent != NULL) {
		if (chan_send(d.parent, MSG_STOP, STR_EMPTY, -1) < 0) {
			say("bad stop");
		}
	} else if (str_is_equal(verb, STR("desk")) && n == 2) {
		d.desk_on = str_is_equal(str_of(w[1]), STR("on"));
		if (d.desk_on) {
			connect_peer(PROCESS_DESK);
		} else if (d.peers[PROCESS_DESK] != NULL) {
			peer_closed((void *)(uintptr_t)PROCESS_DESK);
		}
	} else if (str_is_equal(verb, STR("order")) && n == 9) {
		order(w);
	} else if (str_is_equal(verb, STR("after")) && n == 3) {
		enc_uint(&e, 8, number(w[1]));
		enc_uint(&e, 8, number(w[2]));
		send_desk(MSG_ORDERS_AFTER, &e);
	} else if (str_is_equal(verb, STR("committed")) && n == 3) {
		enc_uint(&e, 1, origin_of(w[1]));
		enc_uint(&e, 8, number(w[2]));
		send_desk(MSG_ORDER_COMMITTED, &e);
	} else if (str_is_equal(verb, STR("flow")) && n == 5) {
		add_flow(w);
	} else if (str_is_equal(verb, STR("flows"))) {
		d.flow_count = 0;
	} else if (str_is_equal(verb, STR("bench")) && n == 5) {
		bench(w);
	} else {
		say("bad command");
		return;
	}
	say("ok");
}

static void run_line(char *line)
{
	char *words[WORDS_MAX + 1] = {NULL};
	size_t n = 0;
	char *save = NULL;

	for (char *word = strtok_r(line, " ", &save); word != NULL && n < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save)) {
		words[n++] = word;
	}
	if (n > 0) {
		run_command(words, n);
	}
}

static void input_ready(int fd, unsigned ready, void *ctx)
{
	ssize_t n = read(fd, d.line + d.line_len, sizeof(d.line) - d.line_len - 1);
	char *end;

	(void)ready;
	(void)ctx;
	if (n <= 0) {
		loop_stop(d.loop);
		return;
	}
	d.line_len += (size_t)n;
	d.line[d.line_len] = '\0';
	while ((end = strchr(d.line, '\n')) != NULL) {
		*end = '\0';
		run_line(d.line);
		d.line_len -= (size_t)(end + 1 - d.line);
		memmove(d.line, end + 1, d.line_len + 1);
	}
}

int main(int argc, char **argv)
{
	struct conf_report *report = conf_report_new();

	if (argc != 2 || report == NULL || conf_load(argv[1], report, &d.policy) < 0) {
		fprintf(stderr, "usage: gate_driver CONFIG (a good one)\n");
		return 2;
	}
	conf_report_free(report);
	signal(SIGPIPE, SIG_IGN);
	d.loop = loop_new();
	d.bench_timer = d.loop == NULL ? NULL : loop_timer(d.loop, bench_tick, NULL);
	if (d.bench_timer == NULL ||
	    loop_fd(d.loop, STDIN_FILENO, LOOP_READ, input_ready, NULL) == NULL ||
	    loop_run(d.loop) < 0) {
		return 1;
	}
	if (d.pid != 0) {
		kill(d.pid, SIGKILL);
	}
	return 0;
}
