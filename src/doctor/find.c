/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find: the search over the files of a set. Layer: doctor.
 */
#include "doctor/find.h"

#include "base/jsonw.h"
#include "core/search.h"
#include "doctor/log_file.h"
#include "sys/entropy.h"

#include <errno.h>

#include "base/poison.h"

/* @return 1: go on with the next file; 0: nothing more is to be looked for; or a negative errno. */
static int search_one(struct search *s, const struct log_set *set, uint32_t number,
		      struct errmsg *reterr)
{
	const struct log_set_file *f = &set->files[number];
	struct log_file *log;
	struct str piece;
	bool goes_on = true;
	int r = log_set_open(set, f, &log, reterr);

	if (r < 0) {
		return r;
	}
	search_file(s, number, &f->time);
	while (goes_on && (r = log_file_read(log, &piece, reterr)) > 0) {
		goes_on = search_step(s, piece);
	}
	log_file_close(log);
	return r < 0 ? r : goes_on ? 1 : 0;
}

static void search_all(const struct diagnose_opts *opts, struct finding *f, struct errmsg *reterr)
{
	int r = 1;

	for (size_t i = 0; i < opts->set->count && r != 0; i++) {
		if (opts->progress != NULL) {
			opts->progress(opts->ctx, i, opts->set->count);
		}
		r = search_one(f->search, opts->set, (uint32_t)i, reterr);
		f->damaged = f->damaged || r < 0;
	}
}

static int read_all(const struct diagnose_opts *opts, struct finding *f, struct errmsg *reterr)
{
	int r = diagnose_run(opts, &f->diagnosis, reterr);

	if (r == 0) {
		f->damaged = f->diagnosis.damaged;
		f->answers = f->diagnosis.attribution;
	}
	return r;
}

int find_run(const struct diagnose_opts *opts, struct finding *ret, struct errmsg *reterr)
{
	const struct siphash_key key = entropy_siphash_key();
	struct finding f = {.search = search_new(&key, opts->inquiry->id_count)};
	int r = f.search == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < opts->inquiry->id_count && r == 0; i++) {
		r = search_want(f.search, opts->inquiry->ids[i]);
	}
	if (r < 0) {
		search_free(f.search);
		return err_set(reterr, r, r == -ENOSPC ? "too many message ids" : "no memory");
	}
	if (search_is_settled(f.search)) {
		search_all(opts, &f, reterr);
	}
	if (search_is_settled(f.search)) {
		f.answers = search_end(f.search);
	} else {
		search_free(f.search);
		f.search = NULL;
		r = read_all(opts, &f, reterr);
	}
	if (r == 0) {
		*ret = f;
	}
	return r;
}

void finding_done(struct finding *f)
{
	search_free(f->search);
	if (f->diagnosis.hours != NULL) {
		diagnosis_done(&f->diagnosis);
	}
	*f = (struct finding){0};
}

void finding_print_json(const struct finding *f, const struct inquiry *q, struct buf *out)
{
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "doctor_find");
	jsonw_array(&w, "ids");
	for (size_t i = 0; i < q->sample_count; i++) {
		const struct inquiry_sample *s = &q->samples[i];
		const struct attribution_id *id = diagnose_find(f->answers, s);
		bool is_named = id != NULL && id->source[0] != '\0';
		jsonw_object(&w, NULL);
		jsonw_cstr(&w, "id", q->ids[s->first_id]);
		jsonw_bool(&w, "found", id != NULL);
		jsonw_cstr(&w, "queue_id", id != NULL ? id->queue_id : NULL);
		jsonw_cstr(&w, "kind", is_named ? source_kind_name(id->kind) : NULL);
		jsonw_cstr(&w, "source", is_named ? id->source : NULL);
		if (id == NULL) {
			jsonw_null(&w, "time");
		} else {
			jsonw_time(&w, "time", id->time);
		}
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_cstr(&w, "lines", f->search != NULL ? "looked_over" : "read");
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

void finding_print_text(const struct finding *f, const struct inquiry *q, struct buf *out)
{
	char time[WALL_TEXT_SIZE];

	for (size_t i = 0; i < q->sample_count; i++) {
		const struct inquiry_sample *s = &q->samples[i];
		const struct attribution_id *id = diagnose_find(f->answers, s);
		buf_add_plain(out, str_of(q->ids[s->first_id]));
		if (id == NULL) {
			buf_add(out, STR(": not in these logs\n"));
			continue;
		}
		if (id->source[0] == '\0') {
			buf_add(out, STR(": its arrival is not in these logs"));
		} else {
			buf_printf(out, ": sent by %s ", source_kind_name(id->kind));
			buf_add_plain(out, str_of(id->source));
		}
		buf_add(out, STR(", queue id "));
		buf_add_plain(out, str_of(id->queue_id));
		buf_printf(out, ", at %s\n", wall_format(id->time, time));
	}
}
