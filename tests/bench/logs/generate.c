/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: the log of a mail server that was made up, and the truth about it.
 *
 * Usage: log_generate --mta postfix|exim [--time 3164|3339|exim] [--ids short|long] [--filter]
 *                     [--size BYTES] [--seed N] [--truth FILE] [--clean] >LOG
 *
 * Legitimate mail in and out, what strangers try, and three runs: an account whose password was
 * stolen, a script that was put into a site, a form that is misused; --clean leaves the runs out.
 * Lines interleave as on a busy machine. Every message comes to its end, so the log holds all that
 * the truth says. The same arguments give the same octets. Synthetic names throughout.
 */
#include "world.h"

#include "base/clock.h"
#include "base/num.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STOLEN_ACCOUNT 7
#define SCRIPT_SITE 11
#define FORM_SITE 19
#define FORM_OWNER 7
#define IDS_MAX 2000                        /* messages that the truth names */
#define BEGIN_US (INT64_C(1780272000) * US) /* 2026-06-01 */

struct event {
	int64_t at_us;
	uint64_t order;
	enum step step;
	struct message *m;
};

struct count {
	uint64_t messages;
	uint64_t recipients;
	uint64_t sent;
	uint64_t bounced;
};

struct id {
	char message_id[96];
	char queue_id[32];
	bool site;
	uint32_t who;
};

struct generator {
	struct world w;
	struct event *heap;
	size_t count;
	size_t size;
	uint64_t order;
	uint64_t until_bytes;
	bool clean;
	struct count accounts[ACCOUNTS];
	struct count sites[SITES];
	struct id ids[IDS_MAX];
	uint64_t named; /* messages that might have been named */
};

/* ---- lines ---- */

static void write_time(struct world *w, enum form form)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[WALL_TEXT_SIZE];
	int64_t s = w->now_us / US;

	if (s != w->date_s) {
		w->date_s = s;
		wall_format((struct wall){s * NS_PER_S}, text); /* 2026-06-01T00:00:00… */
		int month = (text[5] - '0') * 10 + text[6] - '0';
		int day = (text[8] - '0') * 10 + text[9] - '0';
		if (form == FORM_3164) {
			snprintf(w->date, sizeof(w->date), "%.3s %2u %.8s",
				 months + (month - 1) * 3, day, text + 11);
		} else {
			text[10] = form == FORM_EXIM ? ' ' : 'T';
			snprintf(w->date, sizeof(w->date), "%.19s", text);
		}
	}
	w->bytes += (uint64_t)fprintf(w->out, "%s", w->date);
	if (form == FORM_3339) {
		w->bytes += (uint64_t)fprintf(w->out, ".%06u+00:00", (unsigned)(w->now_us % US));
	}
}

void world_line(struct world *w, const char *tag, uint32_t pid, const char *fmt, ...)
{
	va_list ap;

	write_time(w, w->form);
	if (w->form != FORM_EXIM) {
		w->bytes += (uint64_t)(pid != 0 ? fprintf(w->out, " srv1 %s[%u]:", tag, pid)
						: fprintf(w->out, " srv1 %s:", tag));
	}
	fputc(' ', w->out);
	va_start(ap, fmt);
	w->bytes += (uint64_t)vfprintf(w->out, fmt, ap);
	va_end(ap);
	fputc('\n', w->out);
	w->bytes += 2;
	w->lines++;
}

/* ---- what comes next ---- */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void push(struct generator *g, struct message *m, enum step step, int64_t at_us)
{
	if (g->count == g->size) {
		g->size = g->size == 0 ? 1024 : g->size * 2;
		g->heap = realloc(g->heap, g->size * sizeof(*g->heap));
		if (g->heap == NULL) {
			abort();
		}
	}
	struct event e = {at_us, g->order++, step, m};
	size_t i = g->count++;
	while (i > 0 && is_before(&e, &g->heap[(i - 1) / 2])) {
		g->heap[i] = g->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	g->heap[i] = e;
}

static struct event pop(struct generator *g)
{
	struct event top = g->heap[0];
	struct event last = g->heap[--g->count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= g->count) {
			break;
		}
		if (child + 1 < g->count && is_before(&g->heap[child + 1], &g->heap[child])) {
			child++;
		}
		if (!is_before(&g->heap[child], &last)) {
			break;
		}
		g->heap[i] = g->heap[child];
		i = child;
	}
	g->heap[i] = last;
	return top;
}

static int64_t soon(struct generator *g, uint32_t up_to_ms)
{
	return g->w.now_us + 1000 + (int64_t)prng_below(&g->w.rnd, up_to_ms * 1000);
}

static enum fate fate_of(struct generator *g, enum run run, unsigned i)
{
	uint64_t dice = prng_below(&g->w.rnd, 100);
	bool is_legit = run == RUN_ACCOUNT || run == RUN_SITE;

	if (run == RUN_FORM && i == 0) {
		return FATE_SENT;
	}
	if (is_legit) {
		return dice < 1 ? FATE_BOUNCED : dice < 6 ? FATE_LATE : FATE_SENT;
	}
	return dice < 50   ? FATE_BOUNCED
	       : dice < 72 ? FATE_LATE
	       : dice < 75 ? FATE_EXPIRED
			   : FATE_SENT;
}

static struct count *count_of(struct generator *g, const struct message *m)
{
	return m->run == RUN_ACCOUNT || m->run == RUN_STOLEN ? &g->accounts[m->who]
							     : &g->sites[m->who];
}

/* Every so often a message is named in the truth; how often adapts to how many there are. */
static void name_message(struct generator *g, const struct message *m)
{
	uint64_t at = g->named < IDS_MAX ? g->named : prng_below(&g->w.rnd, (uint32_t)g->named + 1);

	g->named++;
	if (at >= IDS_MAX) {
		return;
	}
	struct id *id = &g->ids[at];
	world_message_id(m, id->message_id, sizeof(id->message_id));
	if (g->w.exim) {
		exim_queue_id(&g->w, m->serial, m->born_us, id->queue_id, sizeof(id->queue_id));
	} else {
		postfix_queue_id(&g->w, m->serial, m->born_us, id->queue_id, sizeof(id->queue_id));
	}
	id->site = m->run != RUN_ACCOUNT && m->run != RUN_STOLEN;
	id->who = m->who;
}

static void choose_rcpts(struct generator *g, struct message *m)
{
	struct prng *rnd = &g->w.rnd;
	uint32_t first = 1000 + (uint32_t)prng_below(rnd, 1U << 30);

	m->rcpt_count = (uint8_t)(m->run == RUN_STOLEN    ? 20 + prng_below(rnd, 31)
				  : m->run == RUN_FORM    ? 2
				  : m->run == RUN_ACCOUNT ? 1 + prng_below(rnd, 3)
							  : 1);
	for (unsigned i = 0; i < m->rcpt_count; i++) {
		m->rcpts[i] = m->local ? LOCAL_RCPT + (uint32_t)prng_below(rnd, ACCOUNTS)
				       : first + i * 37;
		m->fates[i] = m->local ? FATE_SENT : (uint8_t)fate_of(g, m->run, i);
		if (m->run == RUN_FORM && i == 0) {
			m->rcpts[0] = FORM_OWNER;
		}
		m->retries = m->fates[i] >= FATE_LATE ? 3 : m->retries;
	}
	m->retries = m->retries > 0 ? (uint8_t)(3 + prng_below(rnd, 5)) : 0;
}

static void count_message(struct generator *g, const struct message *m)
{
	struct count *c = count_of(g, m);

	c->messages++;
	c->recipients += m->rcpt_count;
	for (unsigned i = 0; i < m->rcpt_count; i++) {
		bool failed = m->fates[i] == FATE_BOUNCED || m->fates[i] == FATE_EXPIRED;
		c->bounced += failed ? 1 : 0;
		c->sent += failed ? 0 : 1;
	}
	name_message(g, m);
}

static struct message *start(struct generator *g, enum run run)
{
	struct prng *rnd = &g->w.rnd;
	struct message *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		abort();
	}
	m->run = run;
	m->serial = ++g->w.serial;
	m->born_us = g->w.now_us;
	m->pid = 1000 + (uint32_t)prng_below(rnd, 3000);
	m->local = run == RUN_INBOUND || run == RUN_BOUNCE;
	m->who = (uint32_t)(run == RUN_STOLEN    ? STOLEN_ACCOUNT
			    : run == RUN_SCRIPT  ? SCRIPT_SITE
			    : run == RUN_FORM    ? FORM_SITE
			    : run == RUN_SITE    ? prng_below(rnd, SITES)
			    : run == RUN_INBOUND ? prng_below(rnd, 997)
						 : prng_below(rnd, ACCOUNTS));
	m->client = run == RUN_STOLEN    ? 0x2E000000U + (uint32_t)prng_below(rnd, 64) * 0x10107
		    : run == RUN_ACCOUNT ? 0x0A000000U + m->who * 256 + (uint32_t)prng_below(rnd, 2)
		    : prng_below(rnd, 4) > 0 ? 0x50000000U + (uint32_t)prng_below(rnd, 4096)
					     : 0x60000000U + (uint32_t)prng_below(rnd, 1U << 18);
	if (run == RUN_SITE && (m->who == SCRIPT_SITE || m->who == FORM_SITE)) {
		m->who++;
	}
	choose_rcpts(g, m);
	if (run != RUN_BOUNCE) {
		push(g, m, STEP_CONNECT, g->w.now_us);
	}
	if (!m->local) {
		count_message(g, m);
	}
	return m;
}

/* The next recipient of this round that is still to be tried. @return false: the round is over. */
static bool next_rcpt(struct message *m)
{
	while (m->at < m->rcpt_count && m->done[m->at]) {
		m->at++;
	}
	return m->at < m->rcpt_count;
}

static void bounce(struct generator *g, struct message *m)
{
	struct message *notice = start(g, RUN_BOUNCE);

	notice->parent = m->serial;
	notice->parent_born_us = m->born_us;
	m->parent = notice->serial; /* for the line that names it */
	push(g, notice, g->w.exim ? STEP_ARRIVE : STEP_NAME, soon(g, 20));
}

static void end_round(struct generator *g, struct message *m)
{
	bool waits = false;
	bool failed = false;
	bool expired = false;

	for (unsigned i = 0; i < m->rcpt_count; i++) {
		waits = waits || !m->done[i];
		expired = expired || (!m->done[i] && m->fates[i] == FATE_EXPIRED);
		failed = failed || m->fates[i] == FATE_BOUNCED || m->fates[i] == FATE_EXPIRED;
	}
	if (waits && m->retries > 0) {
		m->retries--;
		m->at = 0;
		push(g, m, STEP_REQUEUE,
		     g->w.now_us + 300 * US + (int64_t)prng_below(&g->w.rnd, 600) * US);
	} else if (expired && !g->w.exim) {
		push(g, m, STEP_EXPIRE, soon(g, 5));
	} else {
		push(g, m, failed ? STEP_NOTIFY : STEP_REMOVE, soon(g, 5));
	}
}

static void delivered(struct generator *g, struct message *m)
{
	enum fate fate = m->fates[m->at];
	bool late = fate == FATE_LATE || fate == FATE_EXPIRED;

	/* The last retry brings what was late; what expires is never delivered (Exim says it
	 * failed). */
	m->done[m->at] = !late || (m->retries == 0 && (fate == FATE_LATE || g->w.exim));
	m->at++;
	if (next_rcpt(m)) {
		push(g, m, STEP_DELIVER, soon(g, 400));
	} else {
		end_round(g, m);
	}
}

static void advance(struct generator *g, struct message *m, enum step done)
{
	switch (done) {
	case STEP_CONNECT:
		push(g, m, STEP_ARRIVE, soon(g, 200));
		break;
	case STEP_ARRIVE:
		push(g, m, g->w.exim ? STEP_DELIVER : STEP_NAME, soon(g, 300));
		break;
	case STEP_NAME:
		push(g, m, STEP_ACTIVE, soon(g, 50));
		break;
	case STEP_ACTIVE:
		push(g, m, STEP_LEAVE, soon(g, 20));
		break;
	case STEP_LEAVE:
		push(g, m, g->w.filter && m->run != RUN_BOUNCE ? STEP_FILTERED : STEP_DELIVER,
		     soon(g, 400));
		break;
	case STEP_FILTERED:
	case STEP_REQUEUE:
		(void)next_rcpt(m);
		push(g, m, STEP_DELIVER, soon(g, 300));
		break;
	case STEP_DELIVER:
		delivered(g, m);
		break;
	case STEP_EXPIRE:
		push(g, m, STEP_NOTIFY, soon(g, 5));
		break;
	case STEP_NOTIFY:
		push(g, m, STEP_REMOVE, soon(g, 5));
		break;
	case STEP_REMOVE:
		free(m);
		break;
	}
}

/* Postfix tries an address that will never be reached until it expires. */
static bool skip_delivery(const struct generator *g, const struct message *m)
{
	return !g->w.exim && m->retries == 0 && m->fates[m->at] == FATE_EXPIRED;
}

static void step(struct generator *g, struct event e)
{
	if (e.step == STEP_NOTIFY) {
		bounce(g, e.m);
	}
	if (e.step != STEP_DELIVER || !skip_delivery(g, e.m)) {
		(g->w.exim ? exim_step : postfix_step)(&g->w, e.m, e.step);
	}
	advance(g, e.m, e.step);
}

static void happen(struct generator *g)
{
	uint64_t percent = g->w.bytes * 100 / g->until_bytes;
	uint64_t dice = prng_below(&g->w.rnd, 1000);

	if (dice < 340) {
		(void)start(g, RUN_INBOUND);
	} else if (dice < 800) {
		(g->w.exim ? exim_noise : postfix_noise)(&g->w);
	} else if (dice < 900) {
		(void)start(g, RUN_ACCOUNT);
	} else if (dice < 945) {
		(void)start(g, RUN_SITE);
	} else if (g->clean) {
		return;
	} else if (dice < 952 && percent >= 30 && percent < 60) {
		(void)start(g, RUN_STOLEN);
	} else if (dice < 985 && percent >= 50) {
		(void)start(g, RUN_SCRIPT);
	} else if (dice < 1000 && percent >= 10 && percent < 60) {
		(void)start(g, RUN_FORM);
	}
}

static void run(struct generator *g)
{
	int64_t next_us = g->w.now_us;

	while (g->w.bytes < g->until_bytes || g->count > 0) {
		bool is_open = g->w.bytes < g->until_bytes;
		if (g->count > 0 && (!is_open || g->heap[0].at_us <= next_us)) {
			struct event e = pop(g);
			g->w.now_us = e.at_us > g->w.now_us ? e.at_us : g->w.now_us;
			step(g, e);
		} else {
			g->w.now_us = next_us;
			happen(g);
			next_us += (int64_t)prng_below(&g->w.rnd, 500000);
		}
	}
}

/* ---- the truth ---- */

static const char *name_of(const struct generator *g, bool site, uint32_t who, char *to,
			   size_t size)
{
	if (!site) {
		return world_account(who, to, size);
	}
	snprintf(to, size, g->w.exim ? "web%u" : "uid %u", g->w.exim ? who : world_uid(who));
	return to;
}

static void write_source(const struct generator *g, FILE *out, bool site, uint32_t who)
{
	const struct count *c = site ? &g->sites[who] : &g->accounts[who];
	bool accused = site ? who == SCRIPT_SITE || who == FORM_SITE : who == STOLEN_ACCOUNT;
	const char *cause = !accused || g->clean ? NULL
			    : !site              ? "password"
			    : who == FORM_SITE   ? "form"
						 : "site";
	char name[64];

	if (c->messages == 0) {
		return;
	}
	fprintf(out, "{\"kind\":\"%s\",\"name\":\"%s\",\"cause\":", site ? "user" : "account",
		name_of(g, site, who, name, sizeof(name)));
	fprintf(out, cause != NULL ? "\"%s\"" : "null", cause);
	fprintf(out,
		",\"messages\":%llu,\"recipients\":%llu,\"sent\":%llu,\"bounced\":%llu,"
		"\"deferred\":0},\n",
		(unsigned long long)c->messages, (unsigned long long)c->recipients,
		(unsigned long long)c->sent, (unsigned long long)c->bounced);
}

static void write_truth(const struct generator *g, FILE *out)
{
	char name[64];

	fprintf(out, "{\"lines\":%llu,\"bytes\":%llu,\"sources\":[\n",
		(unsigned long long)g->w.lines, (unsigned long long)g->w.bytes);
	for (uint32_t i = 0; i < ACCOUNTS; i++) {
		write_source(g, out, false, i);
	}
	for (uint32_t i = 0; i < SITES; i++) {
		write_source(g, out, true, i);
	}
	fprintf(out, "null],\"ids\":[\n");
	for (uint64_t i = 0; i < IDS_MAX && i < g->named; i++) {
		const struct id *id = &g->ids[i];
		fprintf(out, "{\"id\":\"%s\",\"queue_id\":\"%s\",\"source\":\"%s\"},\n",
			id->message_id, id->queue_id,
			name_of(g, id->site, id->who, name, sizeof(name)));
	}
	fprintf(out, "null]}\n");
}

static uint64_t number(const char *text)
{
	uint64_t n = 0;

	if (num_parse_u64(str_of(text), UINT64_MAX, &n) < 0) {
		fprintf(stderr, "log_generate: not a number: %s\n", text);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct generator g = {.until_bytes = 1 << 20};
	const char *truth = NULL;

	g.w.out = stdout;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--clean") == 0) {
			g.clean = true;
			continue;
		} else if (strcmp(argv[i], "--filter") == 0) {
			g.w.filter = true;
			continue;
		} else if (strcmp(argv[i], "--mta") == 0) {
			g.w.exim = strcmp(value, "exim") == 0;
			g.w.form = g.w.exim ? FORM_EXIM : FORM_3164;
		} else if (strcmp(argv[i], "--time") == 0) {
			g.w.form = strcmp(value, "3339") == 0   ? FORM_3339
				   : strcmp(value, "exim") == 0 ? FORM_EXIM
								: FORM_3164;
		} else if (strcmp(argv[i], "--ids") == 0) {
			g.w.long_ids = strcmp(value, "long") == 0;
		} else if (strcmp(argv[i], "--size") == 0) {
			g.until_bytes = number(value);
		} else if (strcmp(argv[i], "--seed") == 0) {
			g.w.rnd.state = number(value);
		} else if (strcmp(argv[i], "--truth") == 0) {
			truth = value;
		} else {
			fprintf(stderr, "log_generate: what is %s?\n", argv[i]);
			return 2;
		}
		i++;
	}
	g.w.now_us = BEGIN_US;
	g.w.serial = prng_below(&g.w.rnd, 1000);
	run(&g);
	FILE *out = truth != NULL ? fopen(truth, "w") : NULL;
	if (truth != NULL && out != NULL) {
		write_truth(&g, out);
	}
	bool bad = fflush(stdout) != 0 || (truth != NULL && (out == NULL || fclose(out) != 0));
	free(g.heap);
	return bad ? 1 : 0;
}
