/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is asked of the API over a real connection: there is an answer, it is not that
 * something failed here, JSON is whole, and nobody gets what is not for him.
 *
 * The input is up to REQUESTS_MAX requests with an octet FF between them. Of each the first octet
 * says who asks, the second what: a row of the route table, whose {…} is the first line, then a
 * line with the query, one with a header, and the body; or, past the last row, the rest as it is.
 * The desk is made anew after whatever may have changed it, so an input alone is its whole story.
 */
#include "../api/desk_policy.h"
#include "../api/desk_world.h"
#include "base/num.h"
#include "daemon/desk/api_call.h"
#include "sys/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/poison.h"

#define REQUESTS_MAX 4
#define ANSWER_MAX ((size_t)20 << 20)
/* Reads before the desk is made anew: each may leave a row of the audit. */
#define READS_MAX 500
#define WAITS_MAX 1000
#define WAIT_MS 10
/* Stands in the sample of the case, which is of tenant b. */
#define SECRET "spam.example"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum who {
	WHO_NOBODY,
	WHO_STAFF,
	WHO_OBSERVER,
	WHO_OWNER,
	WHO_STRANGER, /* the owner of something else */
	WHO_LINK,
	WHO_REPORT,
	WHO_PANEL,
	WHO_LOCAL,
	WHO_COUNT,
};

static struct site {
	struct desk_world world;
	struct loop *loop;
	struct api *api;
	struct sockaddr_in tcp;
	struct sockaddr_un local;
	socklen_t local_len;
	char auth[WHO_COUNT][512]; /* header lines that say who it is */
	struct buf request;
	struct buf answer;
	unsigned reads;
	bool is_changed;
} site;

static struct http_sockets listen_somewhere(void)
{
	const struct sockaddr_un any = {.sun_family = AF_UNIX};
	struct http_sockets s = {
		.tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	};
	socklen_t len = sizeof(site.tcp);

	site.tcp = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ASSERT(bind(s.tcp, (const struct sockaddr *)&site.tcp, sizeof(site.tcp)) == 0 &&
	       listen(s.tcp, 8) == 0 &&
	       getsockname(s.tcp, (struct sockaddr *)&site.tcp, &len) == 0);
	/* The kernel gives a name that is in no folder. */
	site.local_len = sizeof(site.local);
	ASSERT(bind(s.local, (const struct sockaddr *)&any, sizeof(any.sun_family)) == 0 &&
	       listen(s.local, 8) == 0 &&
	       getsockname(s.local, (struct sockaddr *)&site.local, &site.local_len) == 0);
	return s;
}

static void add_token(enum who who, enum token_kind kind, enum token_role role, const char *tenant)
{
	const struct token_row row = {.kind = kind,
				      .role = role,
				      .name = STR("anna"),
				      .tenant = str_of(tenant),
				      .created_at = wall_now()};
	struct store *st = desk_store(site.world.desk);
	char text[TOKEN_TEXT_SIZE];
	char csrf[STORE_HASH_SIZE];
	char line[TOKEN_TEXT_SIZE + 8];
	struct errmsg err;
	uint64_t id;

	ASSERT(tokens_add(st, &row, text, &id, &err) == 0);
	if (kind != TOKEN_SESSION) {
		snprintf(site.auth[who], sizeof(site.auth[who]), "Authorization: Bearer %s\r\n",
			 text);
		return;
	}
	snprintf(line, sizeof(line), "csrf %s", text);
	store_hash(st, str_of(line), csrf);
	snprintf(site.auth[who], sizeof(site.auth[who]),
		 "Cookie: " SESSION_COOKIE "=%s\r\nX-CSRF-Token: %s\r\n", text, csrf);
}

static void make_visitors(void)
{
	struct store *st = desk_store(site.world.desk);
	char link[STORE_LINK_SIZE];
	char report[REPORT_TOKEN_SIZE];

	add_token(WHO_STAFF, TOKEN_API, ROLE_STAFF, NULL);
	add_token(WHO_OBSERVER, TOKEN_API, ROLE_OBSERVER, NULL);
	add_token(WHO_OWNER, TOKEN_API, ROLE_OWNER, "b");
	add_token(WHO_STRANGER, TOKEN_API, ROLE_OWNER, "c");
	add_token(WHO_PANEL, TOKEN_SESSION, ROLE_STAFF, NULL);
	store_case_link(st, 1, link);
	snprintf(site.auth[WHO_LINK], sizeof(site.auth[0]), "Authorization: Link 1:%s\r\n", link);
	doctor_reports_token(st, 1, 1, report);
	snprintf(site.auth[WHO_REPORT], sizeof(site.auth[0]), "Authorization: Bearer %s\r\n",
		 report);
}

static void site_close(void)
{
	api_free(site.api);
	desk_free(site.world.desk);
	loop_turn(site.loop, 0); /* connections end in the loop */
	site.api = NULL;
	site.world.desk = NULL;
}

static void site_open(void)
{
	struct errmsg err;
	const struct desk_opts desk = {
		.policy = site.world.policy, .send = world_sent, .ctx = &site.world};

	ASSERT(desk_new(&desk, &site.world.desk, &err) == 0);
	const struct api_opts api = {
		.loop = site.loop, .desk = site.world.desk, .sockets = listen_somewhere()};
	ASSERT(api_new(&api, &site.api, &err) == 0);
	world_peers_up(&site.world);
	site.world.judge_seq = 0;
	world_block(&site.world, STR("192.0.2.20"));
	desk_tick(site.world.desk);
	make_visitors();
	site.reads = 0;
	site.is_changed = false;
}

/* ---- one request ---- */

/* @return A connection. A reset ends it, so that no address stays taken for a minute. */
static int connect_as(enum who who)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	bool local = who == WHO_LOCAL;
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	int r;
	do { /* the fuzzer's timer interrupts; the next call waits for what was begun */
		r = local ? connect(fd, (const struct sockaddr *)&site.local, site.local_len)
			  : connect(fd, (const struct sockaddr *)&site.tcp, sizeof(site.tcp));
	} while (r < 0 && errno == EINTR);
	ASSERT(r == 0);
	return fd;
}

/* Text of the input within a line of the head. */
static void add_line(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char ch = text.ptr[i];
		buf_add_char(out, ch == '\r' || ch == '\0' ? '.' : ch);
	}
}

static void add_path(struct buf *out, const char *path, struct str arg)
{
	struct str rest = str_of(path);

	buf_add_cstr(out, API_PREFIX);
	buf_add(out, str_take_until(&rest, '{'));
	if (rest.ptr != NULL && rest.len > 0) {
		add_line(out, arg);
		(void)str_take_until(&rest, '}');
		buf_add(out, rest);
	}
}

static void make_request(struct buf *out, enum who who, const struct route *r, struct str in)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE"};

	buf_printf(out, "%s ", methods[r->method]);
	add_path(out, r->path, str_take_until(&in, '\n'));
	struct str query = str_take_until(&in, '\n');
	if (query.len > 0) {
		buf_add_char(out, '?');
		add_line(out, query);
	}
	buf_add_cstr(out, " HTTP/1.1\r\nHost: localhost\r\n");
	/* Before the others: one that begins with a blank goes on with the line above it. */
	struct str header = str_take_until(&in, '\n');
	if (header.len > 0) {
		add_line(out, header);
		buf_add_cstr(out, "\r\n");
	}
	buf_printf(out, "Connection: close\r\n%s", site.auth[who]);
	if (in.len > 0) {
		buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			   in.len);
	}
	buf_add_cstr(out, "\r\n");
	buf_add(out, in);
}

static bool is_stream(struct str answer)
{
	return str_find(answer, STR("text/event-stream")) < answer.len;
}

/* @return false when the connection was reset. */
static bool exchange(int fd, struct str request, bool is_all, struct buf *answer)
{
	/* With none left, neither an answer nor an end came. */
	for (unsigned waits = 0;; waits++) {
		ASSERT(waits < WAITS_MAX);
		if (request.len > 0) {
			ssize_t n = send(fd, request.ptr, request.len, MSG_DONTWAIT | MSG_NOSIGNAL);
			request = str_skip(request, n > 0 ? (size_t)n : 0);
		}
		if (request.len == 0 && is_all) {
			shutdown(fd, SHUT_WR); /* also when nothing was to be sent */
		}
		loop_turn(site.loop, waits > 2 ? WAIT_MS : 0);
		char *at = buf_reserve(answer, 65536);
		ASSERT(at != NULL);
		ssize_t n = recv(fd, at, 65536, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			return n == 0;
		}
		waits = n > 0 ? 0 : waits;
		answer->len += n > 0 ? (size_t)n : 0;
		if (!is_all && is_stream(buf_str(answer))) {
			return true;
		}
	}
}

/* ---- what has to hold ---- */

/* Takes the head off. @return The status; 0: no answer. */
static unsigned take_head(struct str *answer, struct str *ret_head)
{
	uint64_t status = 0;

	do {
		size_t end = str_find(*answer, STR("\r\n\r\n"));
		if (end == answer->len || !str_has_prefix(*answer, STR("HTTP/1."))) {
			return 0;
		}
		*ret_head = str_head(*answer, end);
		*answer = str_skip(*answer, end + 4);
		ASSERT(num_parse_u64(str_head(str_skip(*ret_head, 9), 3), 599, &status) == 0);
	} while (status == 100);
	return (unsigned)status;
}

static void check_json(unsigned status, struct str head, struct str body)
{
	struct errmsg err;
	bool is_problem = str_find(head, STR("application/problem+json")) < head.len;

	if (!is_problem && str_find(head, STR("Content-Type: application/json")) == head.len) {
		return;
	}
	struct jsonr *v = jsonr_parse(body, &err);
	ASSERT(v != NULL && jsonr_type(v) == JSONR_OBJECT);
	/* "No" comes with the checks that say why. */
	ASSERT(is_problem == (status >= 400) || status == 409);
	ASSERT(!is_problem || jsonr_i64(jsonr_get(v, "status")) == (int64_t)status);
	jsonr_free(v);
}

/* @return Whether this visitor may be served at all by the row. */
static bool may(enum who who, const struct route *r)
{
	switch (who) {
	case WHO_NOBODY:
		return r->access == ACCESS_ANY;
	case WHO_LINK:
		return r->access == ACCESS_ANY || r->access == ACCESS_CASE;
	case WHO_REPORT:
		return r->access == ACCESS_ANY || r->access == ACCESS_REPORT;
	case WHO_OWNER:
	case WHO_STRANGER:
		return r->access != ACCESS_VIEWER && r->access != ACCESS_STAFF;
	case WHO_OBSERVER: /* changes nothing */
		return r->method == HTTP_GET || r->access == ACCESS_ANY ||
		       str_is_equal(str_of(r->path), STR("/logout"));
	case WHO_STAFF:
	case WHO_PANEL:
	case WHO_LOCAL:
		return true;
	case WHO_COUNT:
		break;
	}
	return false;
}

static void check_answer(enum who who, const struct route *r, struct str in, struct str answer)
{
	struct str head = STR_EMPTY;
	struct str all = answer;
	unsigned status = take_head(&answer, &head);

	ASSERT(status >= 200 && status < 500);
	ASSERT(status >= 300 || may(who, r));
	if (who == WHO_NOBODY || who == WHO_STRANGER || who == WHO_REPORT) {
		ASSERT(str_find(all, STR(SECRET)) == all.len || str_find(in, STR(SECRET)) < in.len);
	}
	check_json(status, head, answer);
	site.reads++;
	/* What was refused for its state, 409 and 429, may have been noted. */
	site.is_changed |= r->method != HTTP_GET &&
			   (status < 400 || status == 409 || status == 429);
}

static void ask(struct str in)
{
	enum who who = (enum who)((uint8_t)in.ptr[0] % WHO_COUNT);
	size_t row = (uint8_t)in.ptr[1] % (api_route_count + 1);
	bool is_raw = row == api_route_count;
	struct str rest = str_skip(in, 2);

	buf_clear(&site.request);
	buf_clear(&site.answer);
	if (is_raw) {
		buf_add(&site.request, rest);
	} else {
		make_request(&site.request, who, &api_routes[row], rest);
	}
	int fd = connect_as(who);
	bool is_whole = exchange(fd, buf_str(&site.request), is_raw, &site.answer);
	fd_close(&fd);
	if (is_whole && !is_raw) {
		check_answer(who, &api_routes[row], rest, buf_str(&site.answer));
	}
	site.is_changed |= is_raw && who == WHO_LOCAL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str in = {(const char *)data, len};

	if (site.loop == NULL) {
		site.loop = loop_new();
		ASSERT(site.loop != NULL);
		site.world.policy = policy_new();
		ASSERT(site.world.policy != NULL);
		desk_policy_make(site.world.policy);
		buf_init(&site.request, (size_t)1 << 20);
		buf_init(&site.answer, ANSWER_MAX);
		site_open();
	}
	for (int i = 0; i < REQUESTS_MAX && in.len > 0; i++) {
		struct str one = str_take_until(&in, '\xff');
		if (one.len >= 2) {
			ask(one);
		}
	}
	if (site.is_changed || site.reads > READS_MAX) {
		site_close();
		site_open();
	}
	return 0;
}
