/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose: one pass over the logs, then the verdicts. Layer: doctor.
 */
#include "doctor/diagnose.h"

#include "doctor/log_file.h"
#include "doctor/queue_feed.h"
#include "proto/line_ends.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define NS_PER_H (3600 * NS_PER_S)
/* A log with fewer Message-IDs than this does not log them. */
#define IDS_MIN 5

/* Line ends that are found at once: few, so that their lines are still in the nearest cache. */
#define ENDS_MAX 192

struct pass {
	struct diagnosis *d;
	line_ends_fn *ends;
	struct log_time time;
	struct log_line_memory memory;
	struct attribution_place place;
	struct diagnose_hour *hour;
	struct wall seen; /* the time of the line before */
	struct attribution *attribution;
	uint64_t by_mta[LOG_MTA_COUNT]; /* lines of each */
	uint64_t unknown;               /* of them: of a form that is not known */
};

/* The hour of a line. Lines come nearly in order, so it is nearly always the last one. */
static struct diagnose_hour *hour_of(struct diagnosis *d, struct wall time)
{
	int64_t begin = time.ns - time.ns % NS_PER_H;

	for (size_t i = d->hour_count; i > 0 && i + 4 > d->hour_count; i--) {
		if (d->hours[i - 1].begin.ns == begin) {
			return &d->hours[i - 1];
		}
	}
	if (d->hour_count == DIAGNOSE_HOURS_MAX) {
		return &d->hours[d->hour_count - 1];
	}
	d->hours[d->hour_count] = (struct diagnose_hour){.begin = {begin}};
	return &d->hours[d->hour_count++];
}

/* What the time of a line says of the log. Many lines have the same. */
static void see_time(struct pass *p, struct wall time)
{
	if (p->d->begin.ns == 0 || time.ns < p->d->begin.ns) {
		p->d->begin = time;
	}
	if (time.ns > p->d->end.ns) {
		p->d->end = time;
	}
	if (p->hour == NULL || time.ns < p->hour->begin.ns ||
	    time.ns >= p->hour->begin.ns + NS_PER_H) {
		p->hour = hour_of(p->d, time);
	}
	p->seen = time;
}

static void read_line(struct pass *p, struct str raw)
{
	UNINITIALIZED struct log_line l;
	UNINITIALIZED struct log_event e;

	p->place.line++;
	if (!log_line_parse_next(&p->time, &p->memory, raw, &l)) {
		return;
	}
	log_event_parse(&l, &e);
	if (p->hour == NULL || l.time.ns != p->seen.ns) {
		see_time(p, l.time);
	}
	p->hour->lines++;
	if (e.type == LOG_NOT_MAIL) {
		return;
	}
	p->by_mta[e.mta]++;
	if (e.type == LOG_OTHER) {
		return;
	}
	if (e.type == LOG_LOST_LINES) {
		p->hour->lost += e.count > 0 ? e.count : 1;
	}
	p->unknown += e.type == LOG_UNKNOWN ? 1 : 0;
	attribution_step(p->attribution, &l, &e, p->place);
}

/* Whole lines; the last one of a file may lack its newline. */
static void read_lines(struct pass *p, struct str text)
{
	UNINITIALIZED uint32_t ends[ENDS_MAX];
	size_t count;

	while ((count = p->ends(text, ends, ENDS_MAX)) > 0) {
		size_t begin = 0;
		for (size_t i = 0; i < count; i++) {
			struct str line = {text.ptr + begin, ends[i] - begin};
			if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
				line.len--;
			}
			read_line(p, line);
			begin = (size_t)ends[i] + 1;
		}
		text = str_skip(text, begin);
	}
	if (text.len > 0) {
		read_line(p, text);
	}
}

static int read_file(struct pass *p, const struct log_set *set, const struct log_set_file *f,
		     struct errmsg *reterr)
{
	struct log_file *log;
	struct str piece;
	p->place.line = 0;
	int r = log_set_open(set, f, &log, reterr);

	if (r < 0) {
		return r;
	}
	p->time = f->time;
	while ((r = log_file_read(log, &piece, reterr)) > 0) {
		read_lines(p, piece);
	}
	p->d->lines_total += p->place.line;
	log_file_close(log);
	return r;
}

static bool is_named(const struct attribution *a, const struct attribution_sender *s)
{
	const struct attribution_id *id;

	for (size_t i = 0; (id = attribution_id_get(a, i)) != NULL; i++) {
		if (id->found && id->kind == s->kind && strcmp(id->source, s->name) == 0) {
			return true;
		}
	}
	return false;
}

static int by_weight(const void *a, const void *b)
{
	const struct diagnose_accused *x = a;
	const struct diagnose_accused *y = b;

	if (x->sender->recipients != y->sender->recipients) {
		return x->sender->recipients > y->sender->recipients ? -1 : 1;
	}
	int by_name = strcmp(x->sender->name, y->sender->name);
	return by_name != 0 ? by_name : (int)x->sender->kind - (int)y->sender->kind;
}

struct cause_verdict diagnosis_judge(const struct diagnosis *d, const struct attribution_sender *s,
				     enum cause_web web)
{
	return cause_of(
		s, &(struct cause_context){.is_named = is_named(d->attribution, s),
					   .incoming = attribution_totals(d->attribution)->incoming,
					   .web = web});
}

static void accuse(struct diagnosis *d)
{
	const struct attribution_sender *s;
	size_t pos = 0;

	while ((s = attribution_next(d->attribution, &pos)) != NULL) {
		if (s->messages == 0) {
			continue;
		}
		struct cause_verdict v = diagnosis_judge(d, s, CAUSE_WEB_NONE);
		if (!v.is_accused) {
			continue;
		}
		struct diagnose_accused one = {.sender = s, .verdict = v};
		if (d->accused_count < DIAGNOSE_ACCUSED_MAX) {
			d->accused[d->accused_count++] = one;
		} else {
			/* Full: the smallest one makes room. */
			qsort(d->accused, d->accused_count, sizeof(d->accused[0]), by_weight);
			if (by_weight(&one, &d->accused[d->accused_count - 1]) < 0) {
				d->accused[d->accused_count - 1] = one;
			}
		}
	}
	if (d->accused_count > 1) {
		qsort(d->accused, d->accused_count, sizeof(d->accused[0]), by_weight);
	}
}

static void share_hours(struct diagnosis *d)
{
	for (size_t i = 0; i < d->hour_count; i++) {
		struct diagnose_hour *h = &d->hours[i];
		uint64_t all = h->lines + h->lost;
		h->share_ppm = all == 0 ? 0 : (uint32_t)(h->lines * 1000000 / all);
	}
}

static void count_lines(struct diagnosis *d, const struct pass *p)
{
	memcpy(d->by_mta, p->by_mta, sizeof(d->by_mta));
	for (size_t i = 0; i < LOG_MTA_COUNT; i++) {
		d->lines_mta += p->by_mta[i];
	}
	d->lines_classified = d->lines_mta - p->unknown;
}

int diagnose_run(const struct diagnose_opts *opts, struct diagnosis *ret, struct errmsg *reterr)
{
	struct attribution_opts how = {.key = entropy_siphash_key()};
	struct diagnosis d = {.attribution = attribution_new(&how)};
	int r = 0;

	d.hours = calloc(DIAGNOSE_HOURS_MAX, sizeof(*d.hours));
	d.damages = calloc(opts->set->count + 1, sizeof(*d.damages));
	if (d.attribution == NULL || d.hours == NULL || d.damages == NULL) {
		diagnosis_done(&d);
		return err_set(reterr, -ENOMEM, "no memory");
	}
	d.inquiry = opts->inquiry;
	for (size_t i = 0; d.inquiry != NULL && i < d.inquiry->id_count && r == 0; i++) {
		r = attribution_want(d.attribution, d.inquiry->ids[i]);
	}
	if (r < 0) {
		diagnosis_done(&d);
		return err_set(reterr, r, "too many message ids");
	}
	struct pass p = {.d = &d, .ends = line_ends_best(), .attribution = d.attribution};
	for (size_t i = 0; i < opts->set->count; i++) {
		if (opts->set->files[i].is_queue) {
			continue;
		}
		if (opts->progress != NULL) {
			opts->progress(opts->ctx, i, opts->set->count);
		}
		p.place.file = (uint32_t)i;
		if (read_file(&p, opts->set, &opts->set->files[i], reterr) < 0) {
			d.damaged = true;
			d.damages[d.damage_count++] = (struct diagnose_damage){i, p.place.line};
		}
	}
	if (opts->queue != NULL) {
		d.from_queue = queue_feed(d.attribution, opts->queue,
					  (uint32_t)(opts->set->count - 1));
	}
	attribution_end(d.attribution);
	count_lines(&d, &p);
	for (size_t i = LOG_MTA_NONE + 1; i < LOG_MTA_COUNT; i++) {
		bool is_more = d.place.mta == LOG_MTA_NONE || d.by_mta[i] > d.by_mta[d.place.mta];
		if (d.by_mta[i] > 0 && is_more) {
			d.place.mta = (enum log_mta)i;
		}
	}
	accuse(&d);
	share_hours(&d);
	*ret = d;
	return 0;
}

const struct attribution_id *diagnose_find(const struct attribution *a,
					   const struct inquiry_sample *s)
{
	for (size_t i = 0; i < s->id_count; i++) {
		const struct attribution_id *id = attribution_id_get(a, s->first_id + i);
		if (id != NULL && id->found) {
			return id;
		}
	}
	return NULL;
}

const struct attribution_id *diagnosis_find(const struct diagnosis *d,
					    const struct inquiry_sample *s)
{
	return diagnose_find(d->attribution, s);
}

bool diagnosis_covers(const struct diagnosis *d, struct wall t)
{
	bool has_hour = t.ns == 0;

	if (d->damaged || d->hour_count == 0 ||
	    (t.ns != 0 && (t.ns < d->begin.ns || t.ns > d->end.ns))) {
		return false;
	}
	for (size_t i = 0; i < d->hour_count; i++) {
		const struct diagnose_hour *h = &d->hours[i];
		bool is_it = t.ns >= h->begin.ns && t.ns < h->begin.ns + NS_PER_H;
		has_hour = has_hour || is_it;
		if ((t.ns == 0 || is_it) && h->share_ppm < 1000000) {
			return false;
		}
	}
	return has_hour;
}

size_t diagnosis_absent(const struct diagnosis *d)
{
	size_t n = 0;

	/* qmail logs no ids: of its mail nobody can know. */
	if (attribution_totals(d->attribution)->with_id < IDS_MIN) {
		return 0;
	}
	for (size_t i = 0; d->inquiry != NULL && i < d->inquiry->sample_count; i++) {
		const struct inquiry_sample *s = &d->inquiry->samples[i];
		n += diagnosis_find(d, s) == NULL && diagnosis_covers(d, s->time) ? 1 : 0;
	}
	return n;
}

void diagnosis_done(struct diagnosis *d)
{
	for (size_t i = 0; i < d->webs.count; i++) {
		for (size_t k = 0; k < WEB_EVIDENCE_MAX; k++) {
			free(d->webs.found[i].lines[k].file);
		}
	}
	free(d->webs.found);
	free(d->made);
	attribution_free(d->attribution);
	free(d->hours);
	free(d->damages);
	*d = (struct diagnosis){0};
}
