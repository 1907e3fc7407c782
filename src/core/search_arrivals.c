/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_arrivals: a ring of lines and where each begins. Layer: core (pure).
 */
#include "core/search_arrivals.h"

#include "base/attr.h"

#include <string.h>

#include "base/poison.h"

static_assert(SEARCH_ARRIVALS_TEXT > 2 * SEARCH_ARRIVAL_MAX, "room for a line at the end");
static_assert(SEARCH_ARRIVALS == 1 << 12, "as many as 12 bits can name");
static_assert(SEARCH_ARRIVAL_ID_MIN <= sizeof(uint64_t), "they are one number");

static uint64_t tail_of(const char *id_end)
{
	uint64_t tail = 0;

	memcpy(&tail, id_end - SEARCH_ARRIVAL_ID_MIN, SEARCH_ARRIVAL_ID_MIN);
	return tail;
}

static size_t place_of(uint64_t tail)
{
	return (size_t)(tail * UINT64_C(0x9E3779B97F4A7C15) >> (64 - 12));
}

void search_arrivals_add(struct search_arrivals *s, const char *id_end, struct str line,
			 int64_t year)
{
	uint64_t tail = tail_of(id_end);
	struct search_arrival *p = &s->places[place_of(tail)];
	size_t begin = s->written % SEARCH_ARRIVALS_TEXT;

	if (line.len > SEARCH_ARRIVAL_MAX) {
		*p = (struct search_arrival){.tail = 0};
		return;
	}
	if (begin + line.len > SEARCH_ARRIVALS_TEXT) {
		s->written += SEARCH_ARRIVALS_TEXT - begin;
		begin = 0;
	}
	memcpy(s->text + begin, line.ptr, line.len);
	*p = (struct search_arrival){
		.tail = tail, .at = s->written, .len = (uint32_t)line.len, .year = (int32_t)year};
	s->written += line.len;
}

void search_arrivals_remove(struct search_arrivals *s, const char *id_end)
{
	uint64_t tail = tail_of(id_end);
	struct search_arrival *p = &s->places[place_of(tail)];

	if (p->tail == tail) {
		p->tail = 0;
	}
}

bool search_arrivals_find(const struct search_arrivals *s, const char *id_end, struct str *ret_line,
			  int64_t *ret_year)
{
	uint64_t tail = tail_of(id_end);
	const struct search_arrival *p = &s->places[place_of(tail)];

	/* What is older than the ring is long was overwritten. */
	if (p->tail != tail || s->written - p->at > SEARCH_ARRIVALS_TEXT) {
		return false;
	}
	*ret_line = (struct str){s->text + p->at % SEARCH_ARRIVALS_TEXT, p->len};
	*ret_year = p->year;
	return true;
}
