/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_entity: the names of HTML 5 that stand for one character. Layer: proto (pure).
 */
#include "proto/html_entity.h"

#include "base/num.h"
#include "base/utf8.h"
#include "proto/html_entities.h"

#include "base/poison.h"

struct entity {
	char name[HTML_ENTITY_MAX];
	uint32_t cp;
};

static const struct entity entities[] = {ENTITIES};

/* 0x80 to 0x9f are read as Windows-1252 (HTML 5, 13.2.5.80). */
static uint32_t numbered(uint64_t cp)
{
	static const uint16_t windows[32] = {
		0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
		0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178,
	};

	if (cp >= 0x80 && cp < 0xa0) {
		return windows[cp - 0x80];
	}
	return cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000) ? 0xfffd : (uint32_t)cp;
}

uint32_t html_entity_find(struct str name)
{
	uint64_t cp;

	if (name.len > 1 && name.ptr[0] == '#') {
		bool is_hex = name.ptr[1] == 'x' || name.ptr[1] == 'X';
		int r = is_hex ? num_parse_hex(str_skip(name, 2), UINT32_MAX, &cp)
			       : num_parse_u64(str_skip(name, 1), UINT32_MAX, &cp);
		return r == 0 ? numbered(cp) : 0;
	}
	size_t low = 0;
	size_t high = COUNT_OF(entities);
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = str_compare(name, str_of(entities[mid].name));
		if (order == 0) {
			return entities[mid].cp;
		}
		low = order > 0 ? mid + 1 : low;
		high = order < 0 ? mid : high;
	}
	return 0;
}

void html_entity_decode(struct str in, struct buf *out)
{
	while (in.len > 0) {
		size_t at = str_find_char(in, '&');
		buf_add(out, str_take(&in, at));
		if (in.len == 0) {
			break;
		}
		struct str name = str_head(str_skip(in, 1), HTML_ENTITY_MAX + 1);
		size_t end = str_find_char(name, ';');
		uint32_t cp = end < name.len ? html_entity_find(str_head(name, end)) : 0;
		if (cp == 0) {
			buf_add(out, str_take(&in, 1));
			continue;
		}
		char utf8[UTF8_MAX];
		size_t n = utf8_write(cp, utf8);
		buf_add(out, (struct str){utf8, n});
		in = str_skip(in, end + 2);
	}
}
