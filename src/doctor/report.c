/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what is told to the provider. Layer: doctor.
 */
#include "doctor/report.h"

#include "base/jsonw.h"
#include "base/sha256.h"
#include "doctor/advice.h"

#include <string.h>

#include "base/poison.h"

#define SOCKETS_MAX 20
#define TEXT_MAX 2048
#define PROPOSAL_MAX 2000
#define EVIDENCE_MAX 5
#define HASH_OCTETS 6
#define ADDRESS_MAX 320

/* ---- addresses ---- */

static bool is_local_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || (uint8_t)c >= 0x80 ||
	       strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

static bool is_domain_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || (uint8_t)c >= 0x80 || c == '.' || c == '-';
}

/* Where the local part begins that ends at `at`. "key=user": the key is the log's own word when it
 * stands alone; "list-user=other.example" between brackets is one address. */
static size_t local_begin(struct str text, size_t floor, size_t at)
{
	size_t begin = at;

	while (begin > floor && text.ptr[begin - 1] != '\0' && is_local_char(text.ptr[begin - 1])) {
		begin--;
	}
	bool is_word = begin == 0 || text.ptr[begin - 1] == ' ' || text.ptr[begin - 1] == ',' ||
		       text.ptr[begin - 1] == '(';
	for (size_t i = begin; is_word && i < at; i++) {
		char c = text.ptr[i];
		if (c == '=') {
			return i + 1;
		}
		is_word = char_is_alpha(c) || c == '_' || c == '-';
	}
	return begin;
}

static void add_hash(struct str address, const uint8_t salt[static REPORT_SALT], struct buf *out)
{
	char salted[REPORT_SALT + ADDRESS_MAX];
	uint8_t hash[SHA256_OCTETS];

	memcpy(salted, salt, REPORT_SALT);
	address = str_head(address, ADDRESS_MAX);
	for (size_t i = 0; i < address.len; i++) {
		salted[REPORT_SALT + i] = char_lower(address.ptr[i]);
	}
	sha256_of((struct str){salted, REPORT_SALT + address.len}, hash);
	buf_add_char(out, '#');
	for (size_t i = 0; i < HASH_OCTETS; i++) {
		buf_printf(out, "%02x", hash[i]);
	}
}

void report_hash_addresses(struct str text, struct str own, const uint8_t salt[static REPORT_SALT],
			   struct buf *out)
{
	size_t done = 0;

	for (size_t at = 0; at < text.len; at++) {
		if (text.ptr[at] != '@') {
			continue;
		}
		size_t begin = local_begin(text, done, at);
		size_t end = at + 1;
		while (end < text.len && is_domain_char(text.ptr[end])) {
			end++;
		}
		struct str domain = {text.ptr + at + 1, end - at - 1};
		if (begin == at || domain.len == 0 ||
		    (own.len > 0 && str_is_equal_nocase(domain, own))) {
			continue;
		}
		buf_add(out, (struct str){text.ptr + done, begin - done});
		add_hash((struct str){text.ptr + begin, end - begin}, salt, out);
		done = at; /* the domain stays: it says where it went, not to whom */
	}
	buf_add(out, str_skip(text, done));
}

/* ---- has it stopped? ---- */

static void doubt(struct report_doubts *d, const char *why)
{
	if (d->count < REPORT_REASONS_MAX) {
		d->why[d->count++] = why;
	}
}

static const struct attribution_sender *source_of(const struct report_facts *f)
{
	return f->diagnosis->accused_count > 0 ? f->diagnosis->accused[0].sender : NULL;
}

static bool has_direct(const struct live *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (live_is_direct(&l->sockets[i])) {
			return true;
		}
	}
	return false;
}

void report_doubt(const struct report_facts *f, struct report_doubts *ret)
{
	const struct attribution_sender *s = source_of(f);

	*ret = (struct report_doubts){.count = 0};
	if (!f->is_here) {
		doubt(ret, "these are copies of logs: what happens now is not in them");
	}
	if (f->diagnosis->damaged) {
		doubt(ret, "a log could not be read to its end");
	}
	if (s == NULL) {
		doubt(ret, "no source was found");
	} else if (s->last.ns != 0 && f->now.ns - s->last.ns < (int64_t)f->quiet_s * NS_PER_S) {
		doubt(ret, "the source sent a message a short while ago");
	}
	if (!f->queue.is_known) {
		doubt(ret, "the queue was not looked at");
	} else if (f->queue.of_source > 0) {
		doubt(ret, "mail of the source waits in the queue");
	}
	if (f->live == NULL) {
		doubt(ret, "open connections were not looked at");
	} else if (has_direct(f->live)) {
		doubt(ret, "a program that is no mail server has connections to mail servers");
	} else if (f->live->is_blind) {
		doubt(ret, "not all processes could be looked into");
	}
}

/* ---- the object ---- */

struct writer {
	const struct report_facts *f;
	const uint8_t *salt;
	struct str own;
	struct jsonw *w;
};

/* A stranger's text, cut at a whole character, its addresses hashed. */
static void put_text(const struct writer *r, const char *key, struct str text, size_t max)
{
	struct buf hashed;
	struct buf cut;

	buf_init(&hashed, 2 * TEXT_MAX);
	buf_init(&cut, max);
	report_hash_addresses(str_head(text, TEXT_MAX), r->own, r->salt, &hashed);
	/* What is not UTF-8 would be longer in JSON than it is here. */
	for (size_t i = 0; i < hashed.len; i++) {
		hashed.ptr[i] = (uint8_t)hashed.ptr[i] < ' ' || (uint8_t)hashed.ptr[i] > '~'
					? '?'
					: hashed.ptr[i];
	}
	(void)buf_add_utf8(&cut, buf_str(&hashed));
	jsonw_str(r->w, key, buf_str(&cut));
	buf_done(&hashed);
	buf_done(&cut);
}

static void put_time(struct jsonw *w, const char *key, struct wall t)
{
	if (t.ns == 0) {
		jsonw_null(w, key);
	} else {
		jsonw_time(w, key, t);
	}
}

static void put_source(const struct writer *r)
{
	const struct attribution_sender *s = source_of(r->f);
	struct jsonw *w = r->w;

	if (s == NULL) {
		jsonw_null(w, "source");
		jsonw_cstr(w, "cause", "unknown");
		jsonw_u64(w, "confidence", 0);
		jsonw_null(w, "numbers");
		return;
	}
	const struct cause_verdict *v = &r->f->diagnosis->accused[0].verdict;
	jsonw_object(w, "source");
	jsonw_cstr(w, "kind", source_kind_name(s->kind));
	jsonw_str(w, "name", str_of(s->name));
	jsonw_cstr(w, "script", s->script[0] == '\0' ? NULL : s->script);
	jsonw_object_end(w);
	jsonw_cstr(w, "cause", cause_name(v->cause));
	jsonw_micro(w, "confidence", v->confidence_ppm, 2);
	jsonw_object(w, "numbers");
	jsonw_u64(w, "messages", s->messages);
	jsonw_u64(w, "recipients", s->recipients);
	jsonw_u64(w, "sent", s->sent);
	jsonw_u64(w, "bounced", s->bounced);
	jsonw_u64(w, "deferred", s->deferred);
	put_time(w, "first", s->first);
	put_time(w, "last", s->last);
	jsonw_object_end(w);
}

/* A request that came with the mail: when, what, from whom as a hash. Its query and what the
 * visitor said of himself stay out. */
static void put_request(const struct writer *r, const struct diagnose_web *web, size_t i)
{
	struct log_time lt = {.year = 0};
	char when[WALL_TEXT_SIZE];
	struct web_hit hit;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (web_log_parse(&lt, str_of(web->finding.evidence[i].text), &hit)) {
		buf_printf(&text, "%s ", wall_format(hit.time, when));
		add_hash(hit.client, r->salt, &text);
		buf_add_char(&text, ' ');
	}
	buf_printf(&text, "%s %s", web->finding.method, web->finding.path);
	jsonw_object(r->w, NULL);
	put_text(r, "file", str_of(web->lines[i].file), 1024);
	jsonw_u64(r->w, "line", web->lines[i].line);
	put_text(r, "text", buf_str(&text), TEXT_MAX);
	jsonw_object_end(r->w);
	buf_done(&text);
}

static void put_evidence(const struct writer *r)
{
	const struct attribution_sender *s = source_of(r->f);
	const struct diagnosis *d = r->f->diagnosis;
	const struct diagnose_web *web = s == NULL ? NULL : d->accused[0].web;
	const size_t requests = web == NULL ? 0 : web->finding.evidence_count;

	jsonw_array(r->w, "why");
	for (size_t i = 0; s != NULL && i < d->accused[0].verdict.why_count; i++) {
		jsonw_cstr(r->w, NULL, d->accused[0].verdict.why[i]);
	}
	jsonw_array_end(r->w);
	jsonw_array(r->w, "evidence");
	for (size_t i = 0; s != NULL && i < s->evidence_count && i + requests < EVIDENCE_MAX; i++) {
		const struct attribution_evidence *e = &s->evidence[i];
		jsonw_object(r->w, NULL);
		put_text(r, "file", str_of(r->f->set->files[e->place.file].path), 1024);
		jsonw_u64(r->w, "line", e->place.line);
		put_text(r, "text", str_of(e->text), TEXT_MAX);
		jsonw_object_end(r->w);
	}
	for (size_t i = 0; i < requests; i++) {
		put_request(r, web, i);
	}
	jsonw_array_end(r->w);
}

static void put_ids(const struct writer *r)
{
	const struct diagnosis *d = r->f->diagnosis;
	size_t asked = d->inquiry != NULL ? d->inquiry->sample_count : 0;
	size_t found = 0;

	for (size_t i = 0; i < asked; i++) {
		found += diagnosis_find(d, &d->inquiry->samples[i]) != NULL ? 1 : 0;
	}
	jsonw_object(r->w, "ids");
	jsonw_u64(r->w, "asked", asked);
	jsonw_u64(r->w, "found", found);
	jsonw_u64(r->w, "absent", diagnosis_absent(d));
	jsonw_object_end(r->w);
}

static void put_actions(const struct writer *r)
{
	jsonw_array(r->w, "actions");
	for (size_t i = 0; i < r->f->action_count && i < REPORT_ACTIONS_MAX; i++) {
		const struct report_action *a = &r->f->actions[i];
		jsonw_object(r->w, NULL);
		put_time(r->w, "time", a->time);
		jsonw_cstr(r->w, "what", a->what);
		put_text(r, "detail", str_of(a->detail), 512);
		jsonw_object_end(r->w);
	}
	jsonw_array_end(r->w);
}

static void put_queue(const struct writer *r)
{
	if (!r->f->queue.is_known) {
		jsonw_null(r->w, "queue");
		return;
	}
	jsonw_object(r->w, "queue");
	jsonw_u64(r->w, "left", r->f->queue.left);
	jsonw_u64(r->w, "of_source", r->f->queue.of_source);
	jsonw_object_end(r->w);
}

static void put_live(const struct writer *r)
{
	const struct live *l = r->f->live;
	char text[ADDR_TEXT_SIZE];

	if (l == NULL) {
		jsonw_null(r->w, "live");
		return;
	}
	jsonw_object(r->w, "live");
	jsonw_u64(r->w, "seconds", l->seconds);
	jsonw_array(r->w, "sockets");
	for (size_t i = 0; i < l->count && i < SOCKETS_MAX; i++) {
		const struct live_socket *s = &l->sockets[i];
		jsonw_object(r->w, NULL);
		jsonw_cstr(r->w, "remote", addr_format(&s->remote, text));
		jsonw_u64(r->w, "port", s->port);
		jsonw_u64(r->w, "uid", s->uid);
		jsonw_cstr(r->w, "user", s->user[0] == '\0' ? NULL : s->user);
		jsonw_u64(r->w, "pid", s->process.pid);
		put_text(r, "exe", str_of(s->process.exe), LIVE_TEXT_MAX);
		put_text(r, "cwd", str_of(s->process.cwd), LIVE_TEXT_MAX);
		jsonw_object_end(r->w);
	}
	jsonw_array_end(r->w);
	jsonw_object_end(r->w);
}

static void put_coverage(const struct writer *r)
{
	const struct diagnosis *d = r->f->diagnosis;
	uint64_t lines = 0;
	uint64_t lost = 0;

	for (size_t i = 0; i < d->hour_count; i++) {
		lines += d->hours[i].lines;
		lost += d->hours[i].lost;
	}
	if (lines == 0) {
		jsonw_null(r->w, "coverage");
		return;
	}
	jsonw_object(r->w, "coverage");
	put_time(r->w, "from", d->begin);
	put_time(r->w, "to", d->end);
	jsonw_micro(r->w, "share", (int64_t)(lines * 1000000 / (lines + lost)), 3);
	jsonw_object_end(r->w);
}

static void put_stopped(const struct writer *r)
{
	struct report_doubts doubts;

	report_doubt(r->f, &doubts);
	jsonw_bool(r->w, "source_stopped", doubts.count == 0);
	jsonw_array(r->w, "not_stopped");
	for (size_t i = 0; i < doubts.count; i++) {
		jsonw_cstr(r->w, NULL, doubts.why[i]);
	}
	jsonw_array_end(r->w);
}

/* Words for the request to be opened; the owner may say it in others. */
static void put_proposal(const struct writer *r)
{
	const struct attribution_sender *s = source_of(r->f);
	struct buf cause;
	struct buf fix;

	buf_init(&cause, PROPOSAL_MAX);
	buf_init(&fix, PROPOSAL_MAX);
	if (s != NULL) {
		buf_printf(&cause, "%s: %s %s",
			   advice_title(r->f->diagnosis->accused[0].verdict.cause),
			   source_kind_name(s->kind), s->name);
	}
	for (size_t i = 0; i < r->f->action_count && i < REPORT_ACTIONS_MAX; i++) {
		(void)buf_add_utf8(&fix, i > 0 ? STR("; ") : STR(""));
		(void)buf_add_utf8(&fix, str_of(r->f->actions[i].detail));
	}
	jsonw_object(r->w, "proposal");
	put_text(r, "cause", buf_str(&cause), PROPOSAL_MAX);
	put_text(r, "fix", buf_str(&fix), PROPOSAL_MAX);
	jsonw_object_end(r->w);
	buf_done(&cause);
	buf_done(&fix);
}

static const char *verdict_of(const struct diagnosis *d)
{
	if (d->accused_count > 0) {
		return "abused";
	}
	return d->lines_classified == 0 || d->damaged || diagnosis_absent(d) > 0 ? "unknown"
										 : "clean";
}

void report_write(const struct report_facts *f, const uint8_t salt[static REPORT_SALT],
		  struct buf *out)
{
	const struct attribution_sender *s = source_of(f);
	struct str own = s != NULL ? str_of(s->name) : STR_EMPTY;
	struct jsonw w = jsonw_of(out);
	struct writer r = {.f = f, .salt = salt, .w = &w};

	r.own = str_skip(own, str_find_char(own, '@'));
	r.own = str_skip(r.own, 1);
	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "doctor-report");
	jsonw_u64(&w, "version", 1);
	jsonw_cstr(&w, "case", f->case_id);
	jsonw_time(&w, "made_at", f->now);
	jsonw_cstr(&w, "program", "postern " POSTERN_VERSION);
	jsonw_cstr(&w, "host", f->host);
	jsonw_cstr(&w, "verdict", verdict_of(f->diagnosis));
	put_source(&r);
	put_evidence(&r);
	put_ids(&r);
	put_actions(&r);
	put_queue(&r);
	put_live(&r);
	put_coverage(&r);
	put_stopped(&r);
	put_proposal(&r);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}
