/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_driver: a desk with a gate that remembers, for tests that kill it.
 *
 *   desk_driver DIR SMTP [KILL_AT]
 *
 * The gate's journal holds ORDERS blocks of SERVERS servers of one tenant, and each server's order
 * comes twice (both families). The desk's store is DIR/desk, what the gate was told is kept in
 * DIR/committed and DIR/desk_orders, as the real gate's journal would. When all is committed, the
 * owner has the first case opened. Ends 0 when nothing is left to do, 3 when that takes too long;
 * with KILL_AT it is killed at that call to the store.
 *
 * Time runs SPEED times as fast as it does.
 */
#include "base/cur.h"
#include "base/num.h"
#include "core/proof.h"
#include "core/sample.h"
#include "daemon/desk/desk.h"
#include "daemon/msg.h"
#include "store/store_impl.h"
#include "sys/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define SERVERS 3
#define ORDERS (2 * SERVERS)
#define SPEED 20
#define TICK_MS 5
#define TICKS_MAX 4000

struct driver {
	struct loop *loop;
	struct desk *desk;
	struct policy *policy;
	char dir[512];
	struct mono began;
	bool committed[ORDERS + 1];
	uint64_t desk_seq; /* last in the gate's journal */
	bool desk_committed;
	bool asked_unblock;
	unsigned ticks;
	uint64_t calls_left;
	int result;
};

static struct network network;
static struct server servers[SERVERS];
static struct tenant tenant;
static struct prefix prefixes[2 + 2 * SERVERS];
static const char *contacts[] = {"owner@b.example", "second@b.example"};

static void die(const char *why)
{
	(void)fprintf(stderr, "desk_driver: %s: %s\n", why, strerror(errno));
	exit(1);
}

/* ---- the gate's memory ---- */

/* Appended and on the disk before the next step, like the gate's journal. */
static void remember(const struct driver *t, const char *name, uint64_t v)
{
	char path[600];
	char text[32];

	(void)snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)v);
	if (fd < 0 || write(fd, text, (size_t)n) != n || fsync(fd) < 0) {
		die(path);
	}
	close(fd);
}

static void recall(struct driver *t)
{
	static const char *const names[] = {"committed", "desk_orders", "desk_committed"};
	char path[600];
	char line[32];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", t->dir, names[i]);
		FILE *f = fopen(path, "re");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			uint64_t v = 0;
			if (num_parse_u64(str_trim(str_of(line)), INT64_MAX, &v) < 0) {
				die(path);
			}
			if (i == 0) {
				t->committed[v] = true;
			} else if (i == 1) {
				t->desk_seq = v;
			} else {
				t->desk_committed = true;
			}
		}
		if (f != NULL) {
			(void)fclose(f);
		}
	}
}

static struct order journal_order(const struct driver *t, uint64_t seq)
{
	(void)t;
	return (struct order){
		.origin = ORIGIN_JUDGE,
		.seq = seq,
		.source = {.network = 0, .prefix = prefixes[2 + (seq - 1)]},
		.rung = RUNG_BLOCK,
		.verdict = VERDICT_ABUSED,
		.giver = GIVER_JUDGE,
		.mode = MODE_ENFORCE,
		.given_at = wall_now(),
		.reason = STR("content and recipients"),
	};
}

static void from_gate(struct driver *t, uint32_t type, const void *body, int len)
{
	if (len < 0 ||
	    !desk_received(t->desk, PROCESS_GATE, type, (struct str){body, (size_t)len})) {
		die("the desk does not understand its gate");
	}
}

static void say_state(struct driver *t, const struct order *o)
{
	uint8_t body[ORDER_REPORT_ENCODED_MAX];
	const struct order_report r = {
		.origin = o->origin,
		.seq = o->seq,
		.source = o->source,
		.state = o->rung == RUNG_PASS ? ORDER_RELEASED : ORDER_INSTALLED,
		.at = o->given_at,
		.apply_us = 700,
	};

	from_gate(t, MSG_ORDER_REPORT, body, order_report_encode(&r, body, sizeof(body)));
}

static void say_order(struct driver *t, const struct order *o)
{
	uint8_t body[ORDER_ENCODED_MAX];

	from_gate(t, MSG_ORDER_JOURNALED, body, order_encode(o, body, sizeof(body)));
	say_state(t, o);
}

static void say_hello(struct driver *t)
{
	uint8_t body[8 * ORIGIN_COUNT];
	struct enc e = enc_of(body, sizeof(body));

	enc_uint(&e, 8, ORDERS);
	enc_uint(&e, 8, t->desk_seq);
	from_gate(t, MSG_GATE_HELLO, body, enc_end(&e));
}

/* ---- what the desk says ---- */

/* The orders that it has not confirmed, and the state of all. */
static void say_all(struct driver *t)
{
	for (uint64_t seq = 1; seq <= ORDERS; seq++) {
		struct order o = journal_order(t, seq);
		if (t->committed[seq]) {
			say_state(t, &o);
		} else {
			say_order(t, &o);
		}
	}
	if (t->desk_seq > 0) {
		/* The one order that the desk gives: what the owner's click opened. */
		struct order o = journal_order(t, 1);
		o.origin = ORIGIN_DESK;
		o.seq = t->desk_seq;
		o.rung = RUNG_PASS;
		o.giver = GIVER_STAFF;
		if (t->desk_committed) {
			say_state(t, &o);
		} else {
			say_order(t, &o);
		}
	}
}

static void take_order(struct driver *t, struct str body)
{
	struct order o;

	if (order_decode(body.ptr, body.len, &o) < 0) {
		die("an order that can't be read");
	}
	if (o.seq > t->desk_seq) {
		t->desk_seq = o.seq;
		remember(t, "desk_orders", o.seq);
	}
	say_order(t, &o);
}

static void take_committed(struct driver *t, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	uint64_t origin = cur_uint(&c, 1, ORIGIN_COUNT - 1);
	uint64_t seq = cur_uint(&c, 8, INT64_MAX);

	if (cur_end(&c) < 0) {
		die("a confirmation that can't be read");
	}
	if (origin == ORIGIN_DESK) {
		t->desk_committed = true;
		remember(t, "desk_committed", seq);
	} else if (!t->committed[seq]) {
		t->committed[seq] = true;
		remember(t, "committed", seq);
	}
}

static void sent(void *ctx, int to, uint32_t type, struct str body)
{
	struct driver *t = ctx;

	if (to == PROCESS_GATE && type == MSG_ORDERS_AFTER) {
		say_all(t);
	} else if (to == PROCESS_GATE && type == MSG_ORDER) {
		take_order(t, body);
	} else if (to == PROCESS_GATE && type == MSG_ORDER_COMMITTED) {
		take_committed(t, body);
	}
}

/* ---- the tap's memory: it repeats its last samples to a new desk ---- */

static void say_samples(struct driver *t)
{
	static const char head[] =
		"Received: from b1.example by b1.example (Postfix, from userid 33)\r\n"
		"X-PHP-Originating-Script: 33:mailer.php\r\n"
		"From: Cheap <info@b.example>\r\nTo: victim@c.example\r\nSubject: cheap pills\r\n"
		"Message-ID: <spam-1@b.example>\r\n\r\nbuy now\r\n";
	uint8_t body[8192];

	for (size_t i = 0; i < SERVERS; i++) {
		struct sample s = {
			.helo = STR("b1.example"),
			.mail_from = STR("info@b.example"),
			.message_id = STR("<spam-1@b.example>"),
			.subject = STR("cheap pills"),
			.from = STR("info@b.example"),
			.reply = STR("250 2.0.0 ok"),
			.rcpt_count = 2,
			.rcpts = {{STR("c.example"), 1, 250}, {STR("d.example"), 2, 550}},
			.head = {head, sizeof(head) - 1},
		};
		s.obs.time = wall_now();
		s.obs.source = (struct source_key){.network = 0, .prefix = prefixes[2 + 2 * i]};
		s.obs.client = prefixes[2 + 2 * i].addr;
		s.obs.destination = prefixes[0].addr;
		s.obs.dport = 25;
		s.obs.score_micro = 987654;
		s.obs.sample[0] = (uint8_t)(i + 1);
		int n = sample_encode(&s, body, sizeof(body));
		if (n < 0 || !desk_received(t->desk, PROCESS_TAP, MSG_SAMPLE,
					    (struct str){(const char *)body, (size_t)n})) {
			die("the desk does not understand its tap");
		}
	}
}

/* ---- time ---- */

static struct wall fast_now(void *ctx)
{
	struct driver *t = ctx;

	return (struct wall){wall_now().ns + (SPEED - 1) * (mono_now().ns - t->began.ns)};
}

static bool is_all_committed(const struct driver *t)
{
	for (size_t i = 1; i <= ORDERS; i++) {
		if (!t->committed[i]) {
			return false;
		}
	}
	return true;
}

/* The owner's click, when it has not been made before the kill. */
static void ask_unblock(struct driver *t)
{
	const struct actor owner = {.role = ACTOR_OWNER, .name = STR("b"), .tenant = STR("b")};
	const struct desk_plea plea = {.cause = STR("a password"), .fix = STR("changed")};
	struct desk_unblock u;
	struct errmsg err;
	int r = desk_case_unblock(t->desk, 1, &owner, &plea, &u, &err);

	t->asked_unblock = r == 0 || r == -EBUSY; /* done, or done before the kill */
}

static bool has_nothing_queued(struct driver *t)
{
	struct wall due;
	struct errmsg err;

	return notices_next_due(desk_store(t->desk), &due, &err) == -ENOENT;
}

static void tick(void *ctx)
{
	struct driver *t = ctx;

	desk_tick(t->desk);
	if (is_all_committed(t) && !t->asked_unblock) {
		ask_unblock(t);
	}
	if (is_all_committed(t) && t->asked_unblock && t->desk_committed && has_nothing_queued(t)) {
		t->result = 0;
		loop_stop(t->loop);
	} else if (++t->ticks > TICKS_MAX) {
		loop_stop(t->loop);
	}
}

static bool count_call(void *ctx)
{
	struct driver *t = ctx;

	if (t->calls_left > 0 && --t->calls_left == 0) {
		(void)raise(SIGKILL);
	}
	return false;
}

static void parse_prefix(const char *text, struct prefix *ret)
{
	if (prefix_parse(str_of(text), ret) < 0) {
		die(text);
	}
}

static void make_policy(struct driver *t, const char *smtp)
{
	static char names[SERVERS][8];
	char text[64];

	t->policy = policy_new();
	if (t->policy == NULL) {
		die("policy");
	}
	parse_prefix("192.0.2.0/24", &prefixes[0]);
	parse_prefix("2001:db8::/32", &prefixes[1]);
	for (unsigned i = 0; i < SERVERS; i++) {
		(void)snprintf(text, sizeof(text), "192.0.2.%u", i + 1);
		parse_prefix(text, &prefixes[2 + 2 * i]);
		(void)snprintf(text, sizeof(text), "2001:db8:0:%u::/64", i + 1);
		parse_prefix(text, &prefixes[3 + 2 * i]);
		(void)snprintf(names[i], sizeof(names[i]), "b%u", i + 1);
		servers[i] = (struct server){
			.name = names[i], .sources = &prefixes[2 + 2 * i], .source_count = 2};
	}
	network = (struct network){.name = "customers",
				   .prefixes = prefixes,
				   .prefix_count = 2,
				   .ports = {25, 465},
				   .port_count = 2,
				   .mode = MODE_ENFORCE,
				   .unblock = UNBLOCK_CHECKED,
				   .v6_source_len = 64};
	tenant = (struct tenant){.name = "b",
				 .contacts = contacts,
				 .contact_count = COUNT_OF(contacts),
				 .language = "en",
				 .servers = servers,
				 .server_count = SERVERS};
	t->policy->networks = &network;
	t->policy->network_count = 1;
	t->policy->tenants = &tenant;
	t->policy->tenant_count = 1;
	t->policy->notice_smtp = smtp;
	t->policy->notice_from = "abuse@provider.example";
	t->policy->notice_portal = "https://abuse.provider.example";
	t->policy->cool_down_s[0] = 0;
	t->policy->quiet_s = 1;
}

int main(int argc, char **argv)
{
	struct driver t = {.result = 3};
	struct errmsg err = {.text = ""};
	char store[600];

	if (argc < 3 || argc > 4 ||
	    (argc == 4 && num_parse_u64(str_of(argv[3]), UINT32_MAX, &t.calls_left) < 0)) {
		(void)fprintf(stderr, "usage: desk_driver DIR SMTP [KILL_AT]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)str_copy(t.dir, sizeof(t.dir), str_of(argv[1]));
	(void)snprintf(store, sizeof(store), "%s/desk", t.dir);
	if (mkdir(store, 0700) < 0 && errno != EEXIST) {
		die(store);
	}
	make_policy(&t, argv[2]);
	recall(&t);
	t.began = mono_now();
	t.loop = loop_new();
	const struct desk_opts opts = {.loop = t.loop,
				       .policy = t.policy,
				       .store_dir = store,
				       .send = sent,
				       .now = fast_now,
				       .ctx = &t};
	if (t.loop == NULL || desk_new(&opts, &t.desk, &err) < 0) {
		(void)fprintf(stderr, "desk_driver: %s\n", err.text);
		policy_free(t.policy);
		loop_free(t.loop);
		return 1;
	}
	db_set_hook(desk_store(t.desk)->db, count_call, &t);
	say_samples(&t);
	say_hello(&t);
	struct loop_event *timer = loop_timer(t.loop, tick, &t);
	if (timer == NULL) {
		die("timer");
	}
	loop_timer_every(timer, TICK_MS);
	if (loop_run(t.loop) < 0) {
		die("loop");
	}
	loop_event_free(timer);
	desk_free(t.desk);
	policy_free(t.policy);
	loop_free(t.loop);
	return t.result;
}
