/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_list: lines, columns, entries. Layer: core (pure).
 */
#include "core/url_list.h"

#include "base/assert.h"
#include "proto/idna.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

#define BOM "\xEF\xBB\xBF"

void url_list_init(struct url_list *l, const struct list_format *f, const struct siphash_key *key,
		   size_t max)
{
	ASSERT(max <= URL_SET_MAX);
	*l = (struct url_list){.format = *f, .key = *key, .max = max};
	buf_init(&l->line, URL_LIST_LINE_MAX);
}

void url_list_done(struct url_list *l)
{
	buf_done(&l->line);
	free(l->hashes);
	l->hashes = NULL;
}

void url_list_know_suffixes(struct url_list *l, url_suffix_fn *is_suffix, const void *suffixes)
{
	l->is_suffix = is_suffix;
	l->suffixes = suffixes;
}

static void note(const struct url_list *l, struct url_list_lines *lines, struct str line)
{
	if (lines->count++ > 0) {
		return;
	}
	lines->first = l->lines;
	size_t n = line.len < URL_LIST_SHOWN_MAX ? line.len : URL_LIST_SHOWN_MAX;
	for (size_t i = 0; i < n; i++) {
		char c = line.ptr[i];
		lines->text[i] = c >= 0x20 && c < 0x7F ? c : '?';
	}
	lines->text[n] = '\0';
}

static void keep(struct url_list *l, enum url_entry kind, uint64_t hash)
{
	if (l->count == l->max) {
		l->left_out++;
		return;
	}
	if (l->count == l->room) {
		size_t room = l->room == 0 ? 1024 : l->room * 2;
		uint64_t *more = realloc(l->hashes, room * sizeof(*more));
		if (more == NULL) {
			l->err = -ENOMEM;
			return;
		}
		l->hashes = more;
		l->room = room;
	}
	l->kinds |= 1U << kind;
	l->hashes[l->count++] = hash;
}

/* One field of a CSV line; quotes as in RFC 4180, but none goes over the end of a line. */
static struct str take_field(struct str *line, char *room, bool *ret_whole)
{
	size_t n = 0;
	size_t i = 1;

	*ret_whole = true;
	if (line->len == 0 || line->ptr[0] != '"') {
		return str_take_until(line, ',');
	}
	while (i < line->len) {
		if (line->ptr[i] == '"') {
			if (i + 1 < line->len && line->ptr[i + 1] == '"') {
				i++;
			} else {
				break;
			}
		}
		room[n++] = line->ptr[i++];
	}
	*ret_whole = i < line->len;
	*line = str_skip(*line, i + 1);
	(void)str_take_until(line, ',');
	return (struct str){room, n};
}

static struct str column_of(const struct url_list *l, struct str line, char *room)
{
	struct str field = STR_EMPTY;
	bool whole = true;

	for (uint32_t i = 0; i < l->format.column && whole; i++) {
		if (i > 0 && line.len == 0) {
			return STR_EMPTY;
		}
		field = take_field(&line, room, &whole);
	}
	return whole ? str_trim(field) : STR_EMPTY;
}

static struct str take_word(struct str *line)
{
	size_t n = 0;

	while (n < line->len && !char_is_space(line->ptr[n])) {
		n++;
	}
	struct str word = str_take(line, n);
	*line = str_trim(*line);
	return word;
}

/* "0.0.0.0 host" of a hosts file is the host; else what stands before the first blank. */
static struct str word_of(struct str line)
{
	struct str word = take_word(&line);
	bool is_hosts_file = str_is_equal(word, STR("0.0.0.0")) ||
			     str_is_equal(word, STR("127.0.0.1"));

	return is_hosts_file && line.len > 0 ? take_word(&line) : word;
}

static enum url_entry kind_of(const struct url_list *l, struct str entry)
{
	switch (l->format.entries) {
	case LIST_HOSTS:
		return URL_ENTRY_HOST;
	case LIST_DOMAINS:
		return URL_ENTRY_DOMAIN;
	case LIST_URLS:
		return URL_ENTRY_URL;
	case LIST_AUTO:
	case LIST_ENTRIES_COUNT:
		break;
	}
	bool is_url = str_find(entry, STR("://")) < entry.len ||
		      str_find_char(entry, '/') < entry.len;
	return is_url ? URL_ENTRY_URL : URL_ENTRY_HOST;
}

/* Where only hosts or domains are wanted and URLs stand, their hosts count. */
static struct str host_part(struct str entry)
{
	size_t scheme = str_find(entry, STR("://"));

	if (scheme < entry.len) {
		entry = str_skip(entry, scheme + 3);
	}
	entry = str_head(entry, str_find_char(entry, '/'));
	return str_head(entry, str_find_char(entry, ':'));
}

/* Everybody may have a name below a public suffix: as a domain it would accuse them all. */
static bool is_public(const struct url_list *l, enum url_entry kind, struct str entry)
{
	char name[IDNA_NAME_MAX + 1];

	return kind == URL_ENTRY_DOMAIN && l->is_suffix != NULL &&
	       url_entry_name(entry, name) > 0 && l->is_suffix(l->suffixes, name);
}

static void take_line(struct url_list *l, struct str line)
{
	char room[URL_LIST_LINE_MAX];

	l->lines++;
	if (l->lines == 1 && str_has_prefix(line, STR(BOM))) {
		line = str_skip(line, sizeof(BOM) - 1);
	}
	line = str_trim(line);
	if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == '!' || line.ptr[0] == ';') {
		return;
	}
	if (l->format.has_header) {
		l->format.has_header = false; /* the first line that is no comment */
		return;
	}
	struct str entry = l->format.is_csv ? column_of(l, line, room) : word_of(line);
	enum url_entry kind = kind_of(l, entry);
	if (kind != URL_ENTRY_URL) {
		entry = host_part(entry);
	}
	if (is_public(l, kind, entry)) {
		kind = URL_ENTRY_HOST;
		note(l, &l->public, line);
	}
	uint64_t hash = url_entry_hash(&l->key, kind, entry);
	if (hash == 0) {
		note(l, &l->malformed, line);
	} else {
		keep(l, kind, hash);
	}
}

static void too_long(struct url_list *l)
{
	l->lines++;
	note(l, &l->malformed, buf_str(&l->line));
	buf_clear(&l->line);
}

void url_list_step(struct url_list *l, struct str octets)
{
	while (octets.len > 0) {
		size_t n = str_find_char(octets, '\n');
		bool ends = n < octets.len;
		struct str part = str_head(octets, n);
		octets = str_skip(octets, ends ? n + 1 : n);
		if (!l->is_too_long && l->line.len + part.len > URL_LIST_LINE_MAX) {
			l->is_too_long = true;
			buf_add(&l->line, str_head(part, URL_LIST_LINE_MAX - l->line.len));
			too_long(l);
		}
		if (l->is_too_long) {
			l->is_too_long = !ends;
		} else if (ends && l->line.len == 0) {
			take_line(l, part);
		} else {
			buf_add(&l->line, part);
			if (ends) {
				take_line(l, buf_str(&l->line));
				buf_clear(&l->line);
			}
		}
	}
	if (buf_end(&l->line) < 0) {
		l->err = -ENOMEM;
	}
}

int url_list_end(struct url_list *l)
{
	if (l->line.len > 0) {
		take_line(l, buf_str(&l->line));
		buf_clear(&l->line);
	}
	return l->err;
}
