/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_talk: what the gate says to the judge and to the desk, as far as their channels take it.
 * Nothing is said twice and nothing is lost: what could not be sent is owed. Layer: daemon.
 */
#include "daemon/gate/gate.h"

#include "base/cur.h"
#include "base/jsonw.h"

#include <errno.h>

#include "base/poison.h"

/* A full channel is tried again after this long. */
#define PUMP_AGAIN_MS 50
#define STATS_MAX 4096

void gate_hello(struct gate *g, enum process to)
{
	uint8_t body[8 * ORIGIN_COUNT];
	struct enc e = enc_of(body, sizeof(body));

	for (size_t i = 0; i < ORIGIN_COUNT; i++) {
		enc_uint(&e, 8, g->wishes.last_seq[i]);
	}
	int n = enc_end(&e);
	if (n > 0 && child_send(g->child, to, MSG_GATE_HELLO,
				(struct str){(const char *)body, (size_t)n}) < 0) {
		/* A channel that has just opened is empty: it is gone again, and a new one comes.
		 */
		return;
	}
}

/* @return true when it is sent or can never be. */
static bool is_paid(int r)
{
	return r == 0 || r == -EMSGSIZE;
}

static bool send_report(struct gate *g, const struct wish *x, enum process to)
{
	uint8_t body[ORDER_REPORT_ENCODED_MAX];
	struct order_report report = wish_report(x);
	int n = order_report_encode(&report, body, sizeof(body));

	return n < 0 || is_paid(child_send(g->child, to, MSG_ORDER_REPORT,
					   (struct str){(const char *)body, (size_t)n}));
}

/* The desk hears of an order before it hears of its state. */
static bool pay_desk(struct gate *g, struct wish *x)
{
	struct str journaled = {(const char *)x->blob, x->blob_len};

	if ((x->owes & OWES_JOURNALED) != 0) {
		if (!is_paid(child_send(g->child, PROCESS_DESK, MSG_ORDER_JOURNALED, journaled))) {
			return false;
		}
		wish_paid(x, OWES_JOURNALED);
	}
	if ((x->owes & OWES_DESK_REPORT) != 0) {
		if (!send_report(g, x, PROCESS_DESK)) {
			return false;
		}
		wish_paid(x, OWES_DESK_REPORT);
	}
	return true;
}

static bool pay_judge(struct gate *g, struct wish *x)
{
	if (!send_report(g, x, PROCESS_JUDGE)) {
		return false;
	}
	wish_paid(x, OWES_JUDGE_REPORT);
	return true;
}

static void pump(struct gate *g, enum creditor to)
{
	struct list *owing = &g->wishes.owing[to];

	while (!list_is_empty(owing)) {
		struct wish *x = CONTAINER_OF(owing->next, struct wish, owing[to]);
		if (!(to == CREDITOR_DESK ? pay_desk(g, x) : pay_judge(g, x))) {
			loop_timer_once(g->pump_timer, PUMP_AGAIN_MS);
			return;
		}
		wishes_forget(&g->wishes, x);
	}
}

void gate_pump(struct gate *g)
{
	if (g->desk_asked && g->child->peers[PROCESS_DESK] != NULL) {
		pump(g, CREDITOR_DESK);
	}
	if (g->child->peers[PROCESS_JUDGE] != NULL) {
		pump(g, CREDITOR_JUDGE);
	}
}

void gate_send_stats(struct gate *g)
{
	struct buf json;
	struct jsonw w = jsonw_of(&json);
	char body[STATS_MAX + 8];
	struct enc e = enc_of(body, sizeof(body));

	buf_init(&json, STATS_MAX);
	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "backend", g->enforcer.ops != NULL ? g->enforcer.ops->name : NULL);
	jsonw_bool(&w, "loaded", g->loaded);
	jsonw_bool(&w, "panic_open", g->panic);
	jsonw_bool(&w, "trouble", g->said_trouble);
	jsonw_u64(&w, "orders", g->orders);
	jsonw_u64(&w, "orders_kept", map_count(g->wishes.wishes));
	jsonw_u64(&w, "sources_listed", g->listed);
	jsonw_u64(&w, "repairs", g->repairs);
	jsonw_u64(&w, "kernel_failures", g->kernel_failures);
	jsonw_u64(&w, "passed", g->passed);
	jsonw_u64(&w, "journal_bytes", journal_bytes(g->journal));
	jsonw_u64(&w, "journal_failures", g->journal_failures);
	jsonw_u64(&w, "sessions_poked", g->cutter.poked);
	jsonw_u64(&w, "cuts_skipped", g->cutter.skipped);
	jsonw_object_end(&w);
	enc_uint(&e, 1, PROCESS_GATE);
	enc_bytes(&e, json.ptr, json.len);
	int n = enc_end(&e);
	/* Numbers for people: the next ones come in a moment. */
	if (buf_end(&json) == 0 && n > 0) {
		(void)!child_send(g->child, PROCESS_DESK, MSG_STATS, (struct str){body, (size_t)n});
	}
	buf_done(&json);
}
