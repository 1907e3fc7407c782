/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: a diagnosis as JSON and in words. Layer: doctor.
 */
#include "doctor/print.h"

#include "base/jsonw.h"
#include "doctor/advice.h"
#include "doctor/web_print.h"

#include "base/poison.h"

static const char *verdict_of(const struct diagnosis *d)
{
	if (d->accused_count > 0) {
		return "abused";
	}
	/* What was complained about did not come from here: "clean" would be too much. */
	return d->lines_classified == 0 || d->damaged || diagnosis_absent(d) > 0 ? "unknown"
										 : "clean";
}

static void write_time(struct jsonw *w, const char *key, struct wall t)
{
	if (t.ns == 0) {
		jsonw_null(w, key);
	} else {
		jsonw_time(w, key, t);
	}
}

static void write_accused(struct jsonw *w, const struct diagnose_accused *a,
			  const struct log_set *set)
{
	const struct attribution_sender *s = a->sender;

	jsonw_object(w, NULL);
	jsonw_cstr(w, "kind", source_kind_name(s->kind));
	jsonw_cstr(w, "name", s->name);
	jsonw_cstr(w, "cause", cause_name(a->verdict.cause));
	jsonw_micro(w, "confidence", a->verdict.confidence_ppm, 2);
	jsonw_u64(w, "messages", s->messages);
	jsonw_u64(w, "recipients", s->recipients);
	jsonw_u64(w, "sent", s->sent);
	jsonw_u64(w, "bounced", s->bounced);
	jsonw_u64(w, "deferred", s->deferred);
	jsonw_u64(w, "networks", s->networks);
	jsonw_cstr(w, "script", s->script[0] == '\0' ? NULL : s->script);
	write_time(w, "first", s->first);
	write_time(w, "last", s->last);
	jsonw_array(w, "why");
	for (size_t i = 0; i < a->verdict.why_count; i++) {
		jsonw_cstr(w, NULL, a->verdict.why[i]);
	}
	jsonw_array_end(w);
	jsonw_array(w, "ruled_out");
	for (size_t i = 0; i < a->verdict.ruled_out_count; i++) {
		jsonw_cstr(w, NULL, cause_name(a->verdict.ruled_out[i]));
	}
	jsonw_array_end(w);
	jsonw_array(w, "evidence");
	for (size_t i = 0; i < s->evidence_count; i++) {
		jsonw_object(w, NULL);
		jsonw_cstr(w, "file", set->files[s->evidence[i].place.file].path);
		jsonw_u64(w, "line", s->evidence[i].place.line);
		jsonw_cstr(w, "text", s->evidence[i].text);
		jsonw_object_end(w);
	}
	web_print_evidence_json(w, a->web);
	jsonw_array_end(w);
	web_print_json(w, a->web);
	jsonw_object_end(w);
}

static void write_ids(struct jsonw *w, const struct diagnosis *d)
{
	jsonw_array(w, "ids");
	for (size_t i = 0; d->inquiry != NULL && i < d->inquiry->sample_count; i++) {
		const struct inquiry_sample *s = &d->inquiry->samples[i];
		const struct attribution_id *id = diagnosis_find(d, s);
		bool is_found = id != NULL;
		jsonw_object(w, NULL);
		jsonw_cstr(w, "id", d->inquiry->ids[s->first_id]);
		jsonw_bool(w, "found", is_found);
		jsonw_cstr(w, "queue_id", is_found ? id->queue_id : NULL);
		jsonw_cstr(w, "source", is_found && id->source[0] != '\0' ? id->source : NULL);
		jsonw_cstr(w, "coverage",
			   is_found || diagnosis_covers(d, s->time) ? "covered" : "gap");
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_process(struct jsonw *w, const char *key, const struct live_process *p)
{
	if (p->pid == 0) {
		jsonw_null(w, key);
		return;
	}
	jsonw_object(w, key);
	jsonw_u64(w, "pid", p->pid);
	jsonw_cstr(w, "exe", p->exe[0] == '\0' ? NULL : p->exe);
	jsonw_cstr(w, "cwd", p->cwd[0] == '\0' ? NULL : p->cwd);
	jsonw_cstr(w, "cmdline", p->cmdline);
	jsonw_object_end(w);
}

static void write_live(struct jsonw *w, const struct live *l)
{
	char text[ADDR_TEXT_SIZE];

	if (l == NULL) {
		jsonw_null(w, "live");
		return;
	}
	jsonw_object(w, "live");
	jsonw_u64(w, "seconds", l->seconds);
	jsonw_bool(w, "all_seen", !l->is_blind && l->left_out == 0);
	jsonw_u64(w, "by_mail_server", l->by_mta);
	jsonw_array(w, "sockets");
	for (size_t i = 0; i < l->count; i++) {
		const struct live_socket *s = &l->sockets[i];
		jsonw_object(w, NULL);
		jsonw_cstr(w, "remote", addr_format(&s->remote, text));
		jsonw_u64(w, "port", s->port);
		jsonw_cstr(w, "state", s->is_open ? "established" : "syn_sent");
		jsonw_u64(w, "uid", s->uid);
		jsonw_cstr(w, "user", s->user[0] == '\0' ? NULL : s->user);
		write_process(w, "process", &s->process);
		write_process(w, "parent", &s->parent);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_object_end(w);
}

static void write_damages(struct jsonw *w, const struct diagnosis *d, const struct log_set *set)
{
	jsonw_array(w, "damaged");
	for (size_t i = 0; i < d->damage_count; i++) {
		jsonw_object(w, NULL);
		jsonw_cstr(w, "file", set->files[d->damages[i].file].path);
		jsonw_u64(w, "last_line", d->damages[i].line);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void print_json(const struct diagnosis *d, const struct log_set *set, const struct live *live,
		struct buf *out)
{
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "doctor");
	jsonw_cstr(&w, "verdict", verdict_of(d));
	jsonw_array(&w, "accused");
	for (size_t i = 0; i < d->accused_count; i++) {
		write_accused(&w, &d->accused[i], set);
	}
	jsonw_array_end(&w);
	write_ids(&w, d);
	jsonw_object(&w, "lines");
	jsonw_u64(&w, "total", d->lines_total);
	jsonw_u64(&w, "mta", d->lines_mta);
	jsonw_u64(&w, "classified", d->lines_classified);
	jsonw_u64(&w, "other", d->lines_total - d->lines_mta);
	jsonw_object_end(&w);
	jsonw_array(&w, "coverage");
	for (size_t i = 0; i < d->hour_count; i++) {
		jsonw_object(&w, NULL);
		jsonw_time(&w, "hour", d->hours[i].begin);
		jsonw_micro(&w, "share", d->hours[i].share_ppm, 3);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	write_damages(&w, d, set);
	jsonw_object(&w, "web_logs");
	jsonw_u64(&w, "files", d->webs.files);
	jsonw_bool(&w, "all_read", !d->webs.is_partly);
	jsonw_object_end(&w);
	write_live(&w, live);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

static void print_numbers(const struct attribution_sender *s, struct buf *out)
{
	char first[WALL_TEXT_SIZE];
	char last[WALL_TEXT_SIZE];

	buf_printf(out,
		   "  %llu messages to %llu recipients: %llu sent, %llu bounced, %llu deferred\n",
		   (unsigned long long)s->messages, (unsigned long long)s->recipients,
		   (unsigned long long)s->sent, (unsigned long long)s->bounced,
		   (unsigned long long)s->deferred);
	buf_printf(out, "  first %s, last %s\n", wall_format(s->first, first),
		   wall_format(s->last, last));
}

static void print_accused(const struct diagnose_accused *a, const struct log_set *set,
			  const struct advice_place *where, struct buf *out)
{
	const struct attribution_sender *s = a->sender;

	buf_printf(out, "%s ", source_kind_name(s->kind));
	buf_add_plain(out, str_of(s->name));
	buf_printf(out, "\n  cause: %s", advice_title(a->verdict.cause));
	if (a->verdict.cause != CAUSE_UNKNOWN) {
		buf_printf(out, " (%u %% sure)", (unsigned)(a->verdict.confidence_ppm / 10000));
	}
	buf_add_char(out, '\n');
	for (size_t i = 0; i < a->verdict.why_count; i++) {
		buf_printf(out, "    - %s\n", a->verdict.why[i]);
	}
	if (s->messages > 0) {
		print_numbers(s, out);
	}
	if (s->script[0] != '\0') {
		buf_add(out, STR("  script or folder: "));
		buf_add_plain(out, str_of(s->script));
		buf_add_char(out, '\n');
	}
	web_print_text(a->web, out);
	for (size_t i = 0; i < s->evidence_count; i++) {
		buf_add(out, STR("  "));
		buf_add_plain(out, str_of(set->files[s->evidence[i].place.file].path));
		buf_printf(out, ":%u: ", s->evidence[i].place.line);
		buf_add_plain(out, str_of(s->evidence[i].text));
		buf_add_char(out, '\n');
	}
	web_print_evidence_text(a->web, out);
	advice_print_setting(&a->verdict, s, where, out);
	web_print_steps(a->web, out);
	advice_print(a->verdict.cause, where, out);
}

static void print_ids(const struct diagnosis *d, struct buf *out)
{
	for (size_t i = 0; d->inquiry != NULL && i < d->inquiry->sample_count; i++) {
		const struct inquiry_sample *s = &d->inquiry->samples[i];
		const struct attribution_id *id = diagnosis_find(d, s);
		buf_add_plain(out, str_of(d->inquiry->ids[s->first_id]));
		if (id != NULL) {
			buf_add(out, STR(": sent by "));
			buf_add_plain(
				out,
				str_of(id->source[0] == '\0'
					       ? "an unknown source (its arrival is not in the log)"
					       : id->source));
			buf_add_char(out, '\n');
		} else {
			buf_add(out,
				diagnosis_covers(d, s->time)
					? STR(": not in these logs, which are whole for its time\n")
					: STR(": not in these logs, which have a gap at its "
					      "time\n"));
		}
	}
}

static void print_process(const char *what, const struct live_process *p, struct buf *out)
{
	if (p->pid == 0) {
		return;
	}
	buf_printf(out, "    %s %u: ", what, p->pid);
	buf_add_plain(out, str_of(p->exe[0] != '\0' ? p->exe : "(its file is not to be seen)"));
	buf_add(out, STR(", in "));
	buf_add_plain(out, str_of(p->cwd[0] != '\0' ? p->cwd : "?"));
	buf_add(out, STR(", calls itself "));
	buf_add_plain(out, str_of(p->cmdline));
	buf_add_char(out, '\n');
}

static void print_live(const struct live *l, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	if (l == NULL) {
		return;
	}
	for (size_t i = 0; i < l->count; i++) {
		const struct live_socket *s = &l->sockets[i];
		buf_printf(out, "connection to %s port %u, %s, by user ",
			   addr_format(&s->remote, text), s->port,
			   s->is_open ? "open" : "tries to open");
		buf_add_plain(out, str_of(s->user[0] != '\0' ? s->user : "?"));
		buf_printf(out, " (uid %u)%s\n", s->uid,
			   live_is_direct(s) ? ", past the mail server"
					     : " (may be a login at a relay)");
		print_process("process", &s->process, out);
		print_process("started by", &s->parent, out);
	}
	if (l->is_blind) {
		buf_add(out, STR("Not all processes could be looked into: run it as root.\n"));
	}
}

void print_text(const struct diagnosis *d, const struct log_set *set, const struct live *live,
		struct buf *out)
{
	buf_printf(out, "%llu lines in %zu file%s, %llu of them of mail servers\n",
		   (unsigned long long)d->lines_total, set->count, set->count == 1 ? "" : "s",
		   (unsigned long long)d->lines_mta);
	if (d->from_queue > 0) {
		buf_printf(out,
			   "%llu messages that wait in the queue and are in no log were added\n",
			   (unsigned long long)d->from_queue);
	}
	for (size_t i = 0; i < d->damage_count; i++) {
		buf_add_plain(out, str_of(set->files[d->damages[i].file].path));
		buf_printf(
			out,
			" is damaged or cut behind its line %llu: what follows is missing here\n",
			(unsigned long long)d->damages[i].line);
	}
	if (d->webs.is_partly) {
		buf_add(out, STR("Not all of the access logs could be read for the time of the "
				 "mail.\n"));
	}
	print_ids(d, out);
	print_live(live, out);
	if (d->accused_count == 0) {
		buf_add(out,
			d->lines_classified == 0 && d->from_queue == 0
				? STR("No line of a mail server was found: nothing can be said.\n")
			: diagnosis_absent(d) > 0
				? STR("What was complained about did not pass this mail server: "
				      "its log is\n"
				      "whole for that time. A program that sends by itself did it. "
				      "Run the\n"
				      "doctor as root while it sends: --watch 120.\n")
				: STR("Nothing in these logs looks like abuse.\n"));
	}
	for (size_t i = 0; i < d->accused_count; i++) {
		buf_add_char(out, '\n');
		print_accused(&d->accused[i], set, &d->place, out);
	}
}
