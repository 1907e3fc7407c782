/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: a diagnosis as JSON and in words. Layer: doctor.
 */
#include "doctor/print.h"

#include "base/jsonw.h"
#include "doctor/advice.h"

#include "base/poison.h"

static const char *verdict_of(const struct diagnosis *d)
{
	if (d->accused_count > 0) {
		return "abused";
	}
	return d->lines_classified == 0 || d->damaged ? "unknown" : "clean";
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
	jsonw_time(w, "first", s->first);
	jsonw_time(w, "last", s->last);
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
	jsonw_array_end(w);
	jsonw_object_end(w);
}

/* Is the whole log there for this time? Without it "not found" proves nothing. */
static bool is_covered(const struct diagnosis *d)
{
	for (size_t i = 0; i < d->hour_count; i++) {
		if (d->hours[i].share_ppm < 1000000) {
			return false;
		}
	}
	return d->hour_count > 0 && !d->damaged;
}

static void write_ids(struct jsonw *w, const struct diagnosis *d)
{
	const struct attribution_id *id;

	jsonw_array(w, "ids");
	for (size_t i = 0; (id = attribution_id_get(d->attribution, i)) != NULL; i++) {
		jsonw_object(w, NULL);
		jsonw_cstr(w, "id", id->wanted);
		jsonw_bool(w, "found", id->found);
		jsonw_cstr(w, "queue_id", id->found ? id->queue_id : NULL);
		jsonw_cstr(w, "source", id->source[0] == '\0' ? NULL : id->source);
		jsonw_cstr(w, "coverage", id->found || is_covered(d) ? "covered" : "gap");
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void print_json(const struct diagnosis *d, const struct log_set *set, struct buf *out)
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
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

/* Strangers' text for a terminal: no control characters. */
static void add_plain(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		bool is_plain = *text >= ' ' && *text < 0x7F;
		if (is_plain) {
			buf_add_char(out, *text);
		} else {
			buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*text);
		}
	}
}

static void print_accused(const struct diagnose_accused *a, const struct log_set *set,
			  struct buf *out)
{
	const struct attribution_sender *s = a->sender;
	char first[WALL_TEXT_SIZE];
	char last[WALL_TEXT_SIZE];

	buf_printf(out, "%s ", source_kind_name(s->kind));
	add_plain(out, s->name);
	buf_printf(out, "\n  cause: %s (%u %% sure)\n", advice_title(a->verdict.cause),
		   (unsigned)(a->verdict.confidence_ppm / 10000));
	for (size_t i = 0; i < a->verdict.why_count; i++) {
		buf_printf(out, "    - %s\n", a->verdict.why[i]);
	}
	buf_printf(out,
		   "  %llu messages to %llu recipients: %llu sent, %llu bounced, %llu deferred\n",
		   (unsigned long long)s->messages, (unsigned long long)s->recipients,
		   (unsigned long long)s->sent, (unsigned long long)s->bounced,
		   (unsigned long long)s->deferred);
	buf_printf(out, "  first %s, last %s\n", wall_format(s->first, first),
		   wall_format(s->last, last));
	if (s->script[0] != '\0') {
		buf_add(out, STR("  script or folder: "));
		add_plain(out, s->script);
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < s->evidence_count; i++) {
		buf_add(out, STR("  "));
		add_plain(out, set->files[s->evidence[i].place.file].path);
		buf_printf(out, ":%u: ", s->evidence[i].place.line);
		add_plain(out, s->evidence[i].text);
		buf_add_char(out, '\n');
	}
	advice_print(a->verdict.cause, out);
}

void print_text(const struct diagnosis *d, const struct log_set *set, struct buf *out)
{
	const struct attribution_id *id;

	buf_printf(out, "%llu lines in %zu files, %llu of them of mail servers\n",
		   (unsigned long long)d->lines_total, set->count,
		   (unsigned long long)d->lines_mta);
	for (size_t i = 0; (id = attribution_id_get(d->attribution, i)) != NULL; i++) {
		add_plain(out, id->wanted);
		buf_add(out, id->found ? STR(": sent by ") : STR(": not in these logs"));
		add_plain(out,
			  id->found ? (id->source[0] == '\0'
					       ? "an unknown source (its arrival is not in the log)"
					       : id->source)
				    : "");
		buf_add(out, STR("\n"));
	}
	if (d->accused_count == 0) {
		buf_add(out,
			d->lines_classified == 0
				? STR("No line of a mail server was found: nothing can be said.\n")
				: STR("Nothing in these logs looks like abuse.\n"));
	}
	for (size_t i = 0; i < d->accused_count; i++) {
		buf_add_char(out, '\n');
		print_accused(&d->accused[i], set, out);
	}
}
