/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_status: how postern is, for people (status) and for Prometheus (metrics). Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "daemon/child.h"
#include "daemon/desk/lists.h"
#include "daemon/desk/opinions.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* A process that has said nothing for this long is shown as silent. */
#define SILENT_S 30
#define METRIC_NAME_MAX 96
#define COUNT_PAGE 1000

struct case_counts {
	uint64_t by_state[CASE_STATE_COUNT];
	uint64_t staff_only;
};

static void count_case(const struct case_row *row, void *ctx)
{
	struct case_counts *n = ctx;

	n->by_state[row->state]++;
	n->staff_only += row->staff_only ? 1 : 0;
}

/* @return 0, or the store's failure: then the counts say what was seen so far. */
static int count_cases(struct store *st, struct case_counts *ret, struct errmsg *err)
{
	const struct case_filter filter = {.open_only = true, .state = -1};
	struct page_end end = {.cursor = ""};
	int r;

	*ret = (struct case_counts){0};
	do {
		char cursor[STORE_CURSOR_SIZE];
		str_copy(cursor, sizeof(cursor), str_of(end.cursor));
		const struct page page = {.limit = COUNT_PAGE, .cursor = str_of(cursor)};
		r = cases_list(st, &filter, &page, count_case, ret, &end, err);
	} while (r == 0 && end.cursor[0] != '\0');
	return r;
}

/* What the parent knows of a process: which layers of its sandbox hold, how often it came back. */
static void put_parents_word(struct call *c, const char *name)
{
	const struct jsonr *all = jsonr_get(c->api->parent, "processes");
	const struct jsonr *found = NULL;

	for (size_t i = 0; i < jsonr_count(all); i++) {
		if (str_is_equal(jsonr_str(jsonr_get(jsonr_at(all, i), "name")), str_of(name))) {
			found = jsonr_at(all, i);
		}
	}
	if (jsonr_i64(jsonr_get(found, "pid")) > 0) {
		jsonw_i64(&c->w, "pid", jsonr_i64(jsonr_get(found, "pid")));
	} else {
		jsonw_null(&c->w, "pid");
	}
	jsonw_i64(&c->w, "restarts", jsonr_i64(jsonr_get(found, "restarts")));
	jsonw_array(&c->w, "sandbox");
	const struct jsonr *layers = jsonr_get(found, "sandbox");
	for (size_t i = 0; i < jsonr_count(layers); i++) {
		jsonw_str(&c->w, NULL, jsonr_str(jsonr_at(layers, i)));
	}
	jsonw_array_end(&c->w);
}

static const char *state_of(const struct call *c, int process)
{
	struct desk_peer peer = desk_peer_get(c->api->o.desk, process);
	bool silent = peer.stats_at.ns == 0 ||
		      wall_now().ns - peer.stats_at.ns > SILENT_S * NS_PER_S;

	if (process == PROCESS_DESK) {
		return "up";
	}
	return !peer.connected ? "down" : silent ? "silent" : "up";
}

static void put_processes(struct call *c)
{
	jsonw_array(&c->w, "processes");
	for (int i = 0; i < PROCESS_COUNT; i++) {
		struct desk_peer peer = desk_peer_get(c->api->o.desk, i);
		const char *name = process_name((enum process)i);
		jsonw_object(&c->w, NULL);
		jsonw_cstr(&c->w, "name", name);
		jsonw_cstr(&c->w, "state", state_of(c, i));
		put_parents_word(c, name);
		put_time(&c->w, "stats_at", i == PROCESS_DESK ? wall_now() : peer.stats_at);
		jsonw_raw(&c->w, "stats", peer.stats.len > 0 ? peer.stats : STR("{}"));
		jsonw_object_end(&c->w);
	}
	jsonw_array_end(&c->w);
}

static void put_network(struct jsonw *w, const struct network *n)
{
	char text[ADDR_TEXT_SIZE];
	char rate[24];

	jsonw_object(w, NULL);
	jsonw_cstr(w, "name", n->name);
	jsonw_array(w, "prefixes");
	for (size_t i = 0; i < n->prefix_count; i++) {
		jsonw_cstr(w, NULL, prefix_format(&n->prefixes[i], text));
	}
	jsonw_array_end(w);
	jsonw_array(w, "interfaces");
	for (size_t i = 0; i < n->interface_count; i++) {
		jsonw_cstr(w, NULL, n->interfaces[i]);
	}
	jsonw_array_end(w);
	jsonw_array(w, "ports");
	for (size_t i = 0; i < n->port_count; i++) {
		jsonw_u64(w, NULL, n->ports[i]);
	}
	jsonw_array_end(w);
	jsonw_cstr(w, "posture", posture_name(n->posture));
	jsonw_cstr(w, "mode", mode_name(n->mode));
	jsonw_cstr(w, "feel", feel_name(n->feel));
	jsonw_cstr(w, "content", content_policy_name(n->content));
	jsonw_cstr(w, "unblock", unblock_policy_name(n->unblock));
	jsonw_object(w, "throttle");
	snprintf(rate, sizeof(rate), "%u/m", n->throttle_per_min);
	jsonw_cstr(w, "rate", rate);
	jsonw_u64(w, "burst", n->throttle_burst);
	jsonw_object_end(w);
	jsonw_u64(w, "v6_source", n->v6_source_len);
	/* There is no relay in this version: what should be diverted is throttled. */
	jsonw_object(w, "falls_back");
	jsonw_cstr(w, "divert", rung_name(RUNG_THROTTLE));
	jsonw_object_end(w);
	jsonw_object_end(w);
}

static void put_networks(struct call *c, const char *key)
{
	const struct policy *p = desk_policy(c->api->o.desk);

	jsonw_array(&c->w, key);
	for (size_t i = 0; i < p->network_count; i++) {
		put_network(&c->w, &p->networks[i]);
	}
	jsonw_array_end(&c->w);
}

void networks_list(struct call *c)
{
	jsonw_object(&c->w, NULL);
	put_networks(c, "items");
	jsonw_null(&c->w, "next");
	jsonw_object_end(&c->w);
}

static void put_health(struct call *c)
{
	struct http_counts http = http_counts_get(c->api->http);
	struct desk_health h;

	desk_health_get(c->api->o.desk, &h);
	jsonw_object(&c->w, "brake");
	jsonw_bool(&c->w, "on", h.brake_on);
	jsonw_u64(&c->w, "blocks", h.brake_blocks);
	put_time(&c->w, "since", h.brake_since);
	jsonw_object_end(&c->w);
	jsonw_object(&c->w, "desk");
	jsonw_u64(&c->w, "orders_waiting", h.orders_waiting);
	jsonw_u64(&c->w, "journal_failures", h.journal_failures);
	jsonw_u64(&c->w, "bad_messages", h.bad_messages);
	jsonw_u64(&c->w, "notice_failures", h.notices_queued_fails);
	jsonw_u64(&c->w, "http_requests", http.requests);
	jsonw_u64(&c->w, "http_refused", http.refused);
	jsonw_u64(&c->w, "http_connections", http.connections);
	jsonw_cstr(&c->w, "store_trouble", h.store_trouble[0] != '\0' ? h.store_trouble : NULL);
	jsonw_object_end(&c->w);
}

void status_get(struct call *c)
{
	uint64_t sources[VERDICT_COUNT];
	struct case_counts cases;
	struct errmsg err;

	int r = sources_count(call_store(c), sources, &err);
	if (r == 0) {
		r = count_cases(call_store(c), &cases, &err);
	}
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	jsonw_object(&c->w, NULL);
	jsonw_cstr(&c->w, "version", POSTERN_VERSION);
	jsonw_time(&c->w, "time", wall_now());
	put_networks(c, "networks");
	put_processes(c);
	lists_write(c->api->o.lists, &c->w, "lists");
	opinions_write(c->api->o.opinions, &c->w, "second_opinion");
	jsonw_object(&c->w, "sources");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		jsonw_u64(&c->w, verdict_name((enum verdict)i), sources[i]);
	}
	jsonw_object_end(&c->w);
	jsonw_object(&c->w, "cases");
	for (int i = 0; i < CASE_CLOSED; i++) {
		jsonw_u64(&c->w, case_state_name((enum case_state)i), cases.by_state[i]);
	}
	jsonw_u64(&c->w, "staff_only", cases.staff_only);
	jsonw_object_end(&c->w);
	put_health(c);
	jsonw_object_end(&c->w);
}

void brake_post_lift(struct call *c)
{
	struct errmsg err;

	int r = c->dry_run ? 0 : desk_brake_lift(c->api->o.desk, &c->actor, &err);
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	jsonw_object(&c->w, NULL);
	put_health(c);
	jsonw_object_end(&c->w);
}

/* ---- Prometheus ---- */

static void metric(struct buf *out, const char *type, const char *name, uint64_t v)
{
	buf_printf(out, "# TYPE %s %s\n%s %llu\n", name, type, name, (unsigned long long)v);
}

/* Names of processes' counters become part of a metric's: letters, digits and _ only. */
static bool metric_name(const char *process, const char *key, char ret[static METRIC_NAME_MAX])
{
	int n = snprintf(ret, METRIC_NAME_MAX, "postern_%s_%s", process, key);

	if (n < 0 || n >= METRIC_NAME_MAX) {
		return false;
	}
	for (char *p = ret; *p != '\0'; p++) {
		if (!char_is_alpha(*p) && !char_is_digit(*p)) {
			*p = '_';
		}
	}
	return true;
}

/* One number for each of a few names that the operator gave. */
static void write_named(struct buf *out, const char *name, const struct jsonr *object)
{
	const char *key = NULL;
	void *pos = NULL;
	const struct jsonr *member;

	buf_printf(out, "# TYPE %s untyped\n", name);
	while ((member = jsonr_next(object, &pos, &key)) != NULL) {
		if (jsonr_type(member) == JSONR_INT) {
			buf_printf(out, "%s{name=\"%s\"} %lld\n", name, key,
				   (long long)jsonr_i64(member));
		}
	}
}

/* What a process says of itself: each number is a gauge, what is no number is left out. */
static void write_stats(struct buf *out, enum process process, struct str stats)
{
	char name[METRIC_NAME_MAX];
	const char *key = NULL;
	void *pos = NULL;
	struct errmsg err;
	struct jsonr *v = jsonr_parse(stats, &err);
	const struct jsonr *member;

	while (v != NULL && jsonr_type(v) == JSONR_OBJECT &&
	       (member = jsonr_next(v, &pos, &key)) != NULL) {
		enum jsonr_type type = jsonr_type(member);
		if ((type == JSONR_INT || type == JSONR_REAL) &&
		    metric_name(process_name(process), key, name)) {
			buf_printf(out, "# TYPE %s untyped\n%s %.17g\n", name, name,
				   jsonr_real(member));
		} else if (type == JSONR_OBJECT && metric_name(process_name(process), key, name)) {
			write_named(out, name, member);
		}
	}
	jsonr_free(v);
}

static void write_store(struct api *a, struct buf *out)
{
	uint64_t sources[VERDICT_COUNT];
	struct case_counts cases;
	struct errmsg err;

	bool works = sources_count(desk_store(a->o.desk), sources, &err) == 0 &&
		     count_cases(desk_store(a->o.desk), &cases, &err) == 0;
	metric(out, "gauge", "postern_store_up", works ? 1 : 0);
	if (!works) {
		return;
	}
	buf_add_cstr(out, "# TYPE postern_sources gauge\n");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		buf_printf(out, "postern_sources{verdict=\"%s\"} %llu\n",
			   verdict_name((enum verdict)i), (unsigned long long)sources[i]);
	}
	buf_add_cstr(out, "# TYPE postern_cases gauge\n");
	for (int i = 0; i < CASE_CLOSED; i++) {
		buf_printf(out, "postern_cases{state=\"%s\"} %llu\n",
			   case_state_name((enum case_state)i),
			   (unsigned long long)cases.by_state[i]);
	}
}

void metrics_write(struct api *a, struct buf *out)
{
	struct http_counts http = http_counts_get(a->http);
	struct desk_health h;

	desk_health_get(a->o.desk, &h);
	buf_add_cstr(out, "# TYPE postern_build_info gauge\n"
			  "postern_build_info{version=\"" POSTERN_VERSION "\"} 1\n"
			  "# TYPE postern_process_up gauge\n");
	for (int i = 0; i < PROCESS_COUNT; i++) {
		buf_printf(out, "postern_process_up{process=\"%s\"} %d\n",
			   process_name((enum process)i),
			   i == PROCESS_DESK || desk_peer_get(a->o.desk, i).connected ? 1 : 0);
	}
	write_store(a, out);
	metric(out, "gauge", "postern_brake_on", h.brake_on ? 1 : 0);
	metric(out, "gauge", "postern_desk_orders_waiting", h.orders_waiting);
	metric(out, "counter", "postern_desk_journal_failures_total", h.journal_failures);
	metric(out, "counter", "postern_desk_bad_messages_total", h.bad_messages);
	metric(out, "counter", "postern_desk_notice_failures_total", h.notices_queued_fails);
	metric(out, "counter", "postern_http_requests_total", http.requests);
	metric(out, "counter", "postern_http_refused_total", http.refused);
	metric(out, "gauge", "postern_http_connections", http.connections);
	metric(out, "gauge", "postern_http_streams", http.streams);
	metric(out, "counter", "postern_logins_total", a->logins);
	metric(out, "counter", "postern_logins_refused_total", a->logins_refused);
	metric(out, "counter", "postern_doctor_reports_total", a->reports);
	metric(out, "counter", "postern_doctor_reports_refused_total", a->reports_refused);
	metric(out, "counter", "postern_doctor_reports_limited_total", a->reports_limited);
	opinions_write_metrics(a->o.opinions, out);
	for (int i = 0; i < PROCESS_COUNT; i++) {
		struct desk_peer peer = desk_peer_get(a->o.desk, i);
		write_stats(out, (enum process)i, peer.stats);
	}
}
