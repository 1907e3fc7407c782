/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_look: access logs for what is blamed. Layer: doctor.
 */
#include "doctor/web_look.h"

#include "doctor/web_read.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Of all logs for one source: some seconds of reading. */
#define OCTETS_MAX INT64_C(1 << 30)
/* A file's lines may be so much older than the first line of the one that follows it. */
#define OVERLAP_S 3600

/* A file, and the time that it holds as far as its neighbours tell. */
struct pick {
	size_t file;
	uint32_t log;
	int64_t begin;
};

static int by_age(const void *a, const void *b)
{
	const struct pick *x = a;
	const struct pick *y = b;

	if (x->log != y->log) {
		return x->log < y->log ? -1 : 1;
	}
	if (x->begin != y->begin) {
		return x->begin < y->begin ? -1 : 1;
	}
	return x->file < y->file ? -1 : 1;
}

/* The files of the source's site, or all others; oldest first within each log. */
static size_t pick(const struct web_set *set, const struct attribution_sender *s, bool is_of_site,
		   struct pick *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (web_set_is_of(&set->files[i], s) != is_of_site) {
			continue;
		}
		int fd = web_set_open(set, i);
		int64_t begin = fd < 0 ? 0 : web_read_begin(fd, set->files[i].path);
		if (begin != 0) {
			ret[n++] = (struct pick){
				.file = i, .log = set->files[i].log, .begin = begin};
		}
	}
	if (n > 1) {
		qsort(ret, n, sizeof(ret[0]), by_age);
	}
	return n;
}

static bool is_needed(const struct pick *p, size_t i, size_t count, const struct web_time *t)
{
	bool has_next = i + 1 < count && p[i + 1].log == p[i].log;

	return p[i].begin < t->ranges[t->range_count - 1].end + OVERLAP_S &&
	       (!has_next || p[i + 1].begin + OVERLAP_S > t->ranges[0].begin);
}

static void read_all(struct diagnosis *d, const struct web_set *set, const struct pick *p,
		     size_t count, struct web_join *j)
{
	int64_t octets_left = OCTETS_MAX;
	struct errmsg unsaid;

	for (size_t i = 0; i < count; i++) {
		const struct web_set_file *f = &set->files[p[i].file];
		if (!is_needed(p, i, count, web_join_time(j))) {
			continue;
		}
		if (octets_left <= 0) {
			d->webs.is_partly = true;
			break;
		}
		int fd = web_set_open(set, p[i].file);
		int r = fd < 0 ? fd
			       : web_read(fd,
					  &(struct web_read_opts){.path = f->path,
								  .site = str_of(f->site),
								  .file = (uint32_t)p[i].file,
								  .log = f->log,
								  .octets_left = &octets_left},
					  j, &unsaid);
		d->webs.files++;
		d->webs.is_partly = d->webs.is_partly || r != 0;
	}
}

static int tell(struct diagnosis *d, const struct web_set *set, struct diagnose_accused *a,
		const struct web_finding *f)
{
	struct diagnose_web *w = &d->webs.found[d->webs.count++];

	*w = (struct diagnose_web){.finding = *f};
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct web_place *place = &f->evidence[i].place;
		int fd = place->line > 0 ? -1 : web_set_open(set, place->file);
		w->lines[i].line = place->line > 0 ? place->line
				   : fd < 0        ? 0
						   : web_read_line(fd, place->offset);
		w->lines[i].file = strdup(set->files[place->file].path);
		if (w->lines[i].file == NULL) {
			return -ENOMEM;
		}
	}
	a->web = w;
	struct cause_verdict v = diagnosis_judge(d, a->sender, web_finding_cause(f));
	if (v.is_accused) {
		a->verdict = v;
	}
	return 0;
}

/* The site's own logs first; when they show nothing, or are not known, the others. */
static int look_for(struct diagnosis *d, const struct web_set *set, struct diagnose_accused *a,
		    struct pick *picks)
{
	struct web_finding f;
	bool found = false;

	for (int is_of_site = 1; is_of_site >= 0 && !found; is_of_site--) {
		size_t count = pick(set, a->sender, is_of_site == 1, picks);
		struct web_join *j = web_join_new(
			&(struct web_join_opts){.moments = &a->sender->moments,
						.script = a->sender->script,
						.key = entropy_siphash_key()});
		if (j == NULL) {
			return -ENOMEM;
		}
		read_all(d, set, picks, count, j);
		found = web_join_find(j, &f);
		web_join_free(j);
	}
	return found ? tell(d, set, a, &f) : 0;
}

int web_look(struct diagnosis *d, const struct web_set *set, struct errmsg *reterr)
{
	struct pick *picks = calloc(set->count + 1, sizeof(*picks));
	size_t looked = 0;
	int r = 0;

	d->webs.found = calloc(WEB_LOOK_SOURCES_MAX, sizeof(*d->webs.found));
	if (picks == NULL || d->webs.found == NULL) {
		r = -ENOMEM;
	}
	for (size_t i = 0; i < d->accused_count && r == 0 && looked < WEB_LOOK_SOURCES_MAX; i++) {
		if (set->count > 0 && d->accused[i].sender->moments.count > 0) {
			r = look_for(d, set, &d->accused[i], picks);
			looked++;
		}
	}
	free(picks);
	return r < 0 ? err_set(reterr, r, "no memory") : 0;
}
