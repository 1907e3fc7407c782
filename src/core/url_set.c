/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_set: a header and open addressing. Layer: core (pure).
 */
#include "core/url_set.h"

#include "base/assert.h"
#include "proto/idna.h"
#include "proto/url.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

#define MAGIC UINT64_C(0x706f737475726c31)
/* Steps of one look-up; a block of ours, half empty, needs a few. */
#define STEPS_MAX 4096

/* In the machine's own order of octets: it never leaves it. */
struct head {
	uint64_t magic;
	uint64_t kinds;
	struct siphash_key key;
	uint64_t count;
	uint64_t slots;
};

/* What a URL is compared by: its host, and host and path. */
struct parts {
	char host[IDNA_NAME_MAX + 1];
	size_t host_len;
	char text[URL_TEXT_MAX]; /* host, then path */
	size_t text_len;
};

static struct str without_www(struct str host)
{
	return str_has_prefix(host, STR("www.")) ? str_skip(host, 4) : host;
}

static bool parts_of(struct str s, struct parts *ret)
{
	struct url u = url_split(s);

	if (u.scheme.len == 0 && !str_has_prefix(str_trim(s), STR("//"))) {
		/* "www.host/path", as it stands in text: the same with a scheme before it. */
		char with[URL_TEXT_MAX + 8] = "http://";
		struct str text = str_head(str_trim(s), URL_TEXT_MAX);
		memcpy(with + 7, text.ptr != NULL ? text.ptr : "", text.len);
		u = url_split((struct str){with, 7 + text.len});
		u.path = str_skip(
			text, (size_t)(u.path.len <= text.len ? text.len - u.path.len : text.len));
		ret->host_len = idna_to_ascii(u.host, ret->host);
	} else if (str_has_prefix_nocase(u.scheme, STR("http")) || u.scheme.len == 0) {
		ret->host_len = idna_to_ascii(u.host, ret->host);
	} else {
		return false;
	}
	if (ret->host_len == 0) {
		return false;
	}
	struct str host = without_www((struct str){ret->host, ret->host_len});
	struct str path = str_head(u.path, str_find_char(u.path, '#'));
	if (path.len == 0) {
		path = STR("/");
	}
	memcpy(ret->text, host.ptr, host.len);
	path = str_head(path, sizeof(ret->text) - host.len);
	memcpy(ret->text + host.len, path.ptr, path.len);
	ret->text_len = host.len + path.len;
	return true;
}

static uint64_t hash(const struct siphash_key *key, enum url_entry kind, struct str text)
{
	const struct siphash_key of_kind = {key->k0 + (uint64_t)kind, key->k1};
	uint64_t h = siphash(&of_kind, text.ptr, text.len);

	return h == 0 ? 1 : h;
}

size_t url_entry_name(struct str text, char *ret)
{
	size_t len = idna_to_ascii(text, ret);
	struct str host = without_www((struct str){ret, len});

	/* A name without a dot would list a whole top-level domain. */
	if (str_find_char(host, '.') == host.len) {
		return 0;
	}
	memmove(ret, host.ptr, host.len);
	ret[host.len] = '\0';
	return host.len;
}

uint64_t url_entry_hash(const struct siphash_key *key, enum url_entry kind, struct str text)
{
	struct parts p;

	if (kind == URL_ENTRY_URL) {
		return parts_of(text, &p) ? hash(key, kind, (struct str){p.text, p.text_len}) : 0;
	}
	size_t len = url_entry_name(text, p.host);
	return len > 0 ? hash(key, kind, (struct str){p.host, len}) : 0;
}

static uint64_t slots_for(size_t count)
{
	uint64_t slots = 16;

	while (slots < (uint64_t)count * 2) {
		slots *= 2;
	}
	return slots;
}

size_t url_set_size(size_t count)
{
	ASSERT(count <= URL_SET_MAX);
	return sizeof(struct head) + (size_t)slots_for(count) * sizeof(uint64_t);
}

void url_set_build(const struct siphash_key *key, const uint64_t *hashes, size_t count,
		   unsigned kinds, void *block)
{
	struct head *head = block;
	uint64_t *slots = (uint64_t *)(head + 1);
	uint64_t mask = slots_for(count) - 1;

	*head = (struct head){.magic = MAGIC, .kinds = kinds, .key = *key, .slots = mask + 1};
	memset(slots, 0, (size_t)(mask + 1) * sizeof(*slots));
	for (size_t i = 0; i < count; i++) {
		uint64_t at = hashes[i] & mask;
		while (slots[at] != 0 && slots[at] != hashes[i]) {
			at = (at + 1) & mask;
		}
		head->count += slots[at] == 0;
		slots[at] = hashes[i];
	}
}

int url_set_open(const void *block, size_t size, struct url_set *ret)
{
	struct head head;

	if (size < sizeof(head)) {
		return -EBADMSG;
	}
	memcpy(&head, block, sizeof(head));
	uint64_t slots = (size - sizeof(head)) / sizeof(uint64_t);
	if (head.magic != MAGIC || head.slots != slots || slots < 16 ||
	    (slots & (slots - 1)) != 0 || size % sizeof(uint64_t) != 0 || head.count > slots ||
	    head.kinds >= 1U << URL_ENTRY_COUNT) {
		return -EBADMSG;
	}
	*ret = (struct url_set){
		.key = head.key,
		.slots = (const uint64_t *)(const void *)((const char *)block + sizeof(head)),
		.mask = slots - 1,
		.count = head.count,
		.kinds = (unsigned)head.kinds,
	};
	return 0;
}

static bool find(const struct url_set *s, enum url_entry kind, struct str text)
{
	if ((s->kinds & 1U << kind) == 0) {
		return false;
	}
	uint64_t h = hash(&s->key, kind, text);
	uint64_t at = h & s->mask;
	for (unsigned step = 0; step < STEPS_MAX && s->slots[at] != 0; step++) {
		if (s->slots[at] == h) {
			return true;
		}
		at = (at + 1) & s->mask;
	}
	return false;
}

bool url_set_has(const struct url_set *s, struct str url)
{
	struct parts p;

	if (s->count == 0 || !parts_of(url, &p)) {
		return false;
	}
	struct str host = without_www((struct str){p.host, p.host_len});
	if (find(s, URL_ENTRY_URL, (struct str){p.text, p.text_len}) ||
	    find(s, URL_ENTRY_HOST, host)) {
		return true;
	}
	while (str_find_char(host, '.') < host.len) {
		if (find(s, URL_ENTRY_DOMAIN, host)) {
			return true;
		}
		(void)str_take_until(&host, '.');
	}
	return false;
}
