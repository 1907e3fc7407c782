/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_time: seconds near to mail. Layer: core (pure).
 */
#include "core/web_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Read around each sample, for comparison. */
#define AROUND_S 60
/* And before the first and after the last mail: a run without a pause has nothing else. */
#define BESIDE_S 900

static int by_second(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y ? 1 : 0;
}

static int by_begin(const void *a, const void *b)
{
	const struct web_range *x = a;
	const struct web_range *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin ? 1 : 0;
}

/* Does a run begin with this second? */
static bool is_run(const struct web_time *t, size_t i)
{
	return i == 0 || t->at[i] - t->at[i - 1] > 2 * WEB_NEAR_S;
}

static void sample_mails(struct web_time *t)
{
	t->mail_count = t->count < WEB_SAMPLE_MAX ? t->count : WEB_SAMPLE_MAX;
	for (size_t i = 0; i < t->mail_count; i++) {
		int64_t s = t->at[i * t->count / t->mail_count];
		t->mails[i] = (struct web_range){s - WEB_NEAR_S, s + WEB_NEAR_S + 1};
	}
}

static void sample_runs(struct web_time *t)
{
	size_t all = 0;
	size_t seen = 0;

	for (size_t i = 0; i < t->count; i++) {
		all += is_run(t, i) ? 1 : 0;
	}
	size_t wanted = all < WEB_SAMPLE_MAX ? all : WEB_SAMPLE_MAX;
	for (size_t i = 0; i < t->count; i++) {
		bool begins = is_run(t, i);
		/* The n-th run is in the sample when a new share of them begins with it. */
		if (begins && t->run_count < wanted && seen >= t->run_count * all / wanted) {
			t->runs[t->run_count++] = (struct web_range){t->at[i] - WEB_NEAR_S, 0};
			t->runs[t->run_count - 1].end = (int64_t)t->at[i] + WEB_NEAR_S + 1;
		} else if (!begins && t->run_count > 0 &&
			   t->runs[t->run_count - 1].end ==
				   (int64_t)t->at[i - 1] + WEB_NEAR_S + 1) {
			t->runs[t->run_count - 1].end = (int64_t)t->at[i] + WEB_NEAR_S + 1;
		}
		seen += begins ? 1 : 0;
	}
}

static void set_ranges(struct web_time *t)
{
	struct web_range all[WEB_RANGES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < t->mail_count; i++) {
		all[n++] = (struct web_range){t->mails[i].begin - AROUND_S,
					      t->mails[i].end + AROUND_S};
	}
	for (size_t i = 0; i < t->run_count; i++) {
		all[n++] = (struct web_range){t->runs[i].begin - AROUND_S,
					      t->runs[i].begin + AROUND_S};
	}
	int64_t first = t->at[0];
	int64_t last = t->at[t->count - 1];
	all[n++] = (struct web_range){first - BESIDE_S, first};
	all[n++] = (struct web_range){last, last + BESIDE_S};
	qsort(all, n, sizeof(all[0]), by_begin);
	for (size_t i = 0; i < n; i++) {
		struct web_range *before = t->range_count == 0 ? NULL
							       : &t->ranges[t->range_count - 1];
		if (before == NULL || all[i].begin > before->end) {
			t->ranges[t->range_count++] = all[i];
		} else if (all[i].end > before->end) {
			before->end = all[i].end;
		}
	}
}

int web_time_init(struct web_time *t, const struct moments *m)
{
	*t = (struct web_time){.count = 0};
	if (m->count == 0) {
		return -ENOENT;
	}
	t->at = malloc(m->count * sizeof(*t->at));
	if (t->at == NULL) {
		return -ENOMEM;
	}
	memcpy(t->at, m->at, m->count * sizeof(*t->at));
	qsort(t->at, m->count, sizeof(*t->at), by_second);
	for (size_t i = 0; i < m->count; i++) {
		if (i == 0 || t->at[i] != t->at[t->count - 1]) {
			t->at[t->count++] = t->at[i];
		}
	}
	sample_mails(t);
	sample_runs(t);
	set_ranges(t);
	return 0;
}

void web_time_done(struct web_time *t)
{
	free(t->at);
	*t = (struct web_time){.count = 0};
}

bool web_time_is_asked(const struct web_time *t, int64_t second)
{
	size_t low = 0;
	size_t high = t->range_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (t->ranges[mid].end <= second) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low < t->range_count && t->ranges[low].begin <= second;
}

/* The first second with mail that is not before this one. */
static size_t first_from(const struct web_time *t, int64_t second)
{
	size_t low = 0;
	size_t high = t->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (t->at[mid] < second) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

bool web_time_is_near(const struct web_time *t, int64_t second)
{
	size_t i = first_from(t, second - WEB_NEAR_S);

	return i < t->count && t->at[i] <= second + WEB_NEAR_S;
}

struct web_range web_time_span(const struct web_time *t)
{
	return (struct web_range){(int64_t)t->at[0] - AROUND_S,
				  (int64_t)t->at[t->count - 1] + AROUND_S + 1};
}

static void mark(const struct web_range *ranges, size_t count, int64_t second, uint64_t *bits)
{
	size_t low = 0;
	size_t high = count;

	/* They begin and end in the same order. */
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (ranges[mid].end <= second) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	for (; low < count && ranges[low].begin <= second; low++) {
		bits[low / 64] |= UINT64_C(1) << (low % 64);
	}
}

void web_time_mark(const struct web_time *t, int64_t second, struct web_marks *m)
{
	mark(t->mails, t->mail_count, second, m->mails);
	mark(t->runs, t->run_count, second, m->runs);
}

/* Seconds of a range that are near to mail. */
static uint64_t near_of(const struct web_time *t, struct web_range r)
{
	uint64_t near_s = 0;
	int64_t done = r.begin;

	for (size_t i = first_from(t, r.begin - WEB_NEAR_S); i < t->count; i++) {
		int64_t begin = (int64_t)t->at[i] - WEB_NEAR_S;
		int64_t end = (int64_t)t->at[i] + WEB_NEAR_S + 1;
		if (begin >= r.end) {
			break;
		}
		begin = begin > done ? begin : done;
		end = end < r.end ? end : r.end;
		if (end > begin) {
			near_s += (uint64_t)(end - begin);
			done = end;
		}
	}
	return near_s;
}

void web_time_share(const struct web_time *t, struct web_range covered, uint64_t *ret_near_s,
		    uint64_t *ret_all_s)
{
	*ret_near_s = 0;
	*ret_all_s = 0;
	for (size_t i = 0; i < t->range_count; i++) {
		struct web_range r = t->ranges[i];
		r.begin = r.begin > covered.begin ? r.begin : covered.begin;
		r.end = r.end < covered.end ? r.end : covered.end;
		if (r.end > r.begin) {
			*ret_near_s += near_of(t, r);
			*ret_all_s += (uint64_t)(r.end - r.begin);
		}
	}
}

static uint64_t marked(const struct web_range *ranges, size_t count, struct web_range covered,
		       const uint64_t *bits)
{
	uint64_t n = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_covered = ranges[i].begin + WEB_NEAR_S < covered.end &&
				  ranges[i].end - WEB_NEAR_S > covered.begin;
		bool is_marked = bits == NULL || ((bits[i / 64] >> (i % 64)) & 1) != 0;
		n += is_covered && is_marked ? 1 : 0;
	}
	return n;
}

uint64_t web_time_mails(const struct web_time *t, struct web_range covered,
			const struct web_marks *m)
{
	return marked(t->mails, t->mail_count, covered, m == NULL ? NULL : m->mails);
}

uint64_t web_time_runs(const struct web_time *t, struct web_range covered,
		       const struct web_marks *m)
{
	return marked(t->runs, t->run_count, covered, m == NULL ? NULL : m->runs);
}
