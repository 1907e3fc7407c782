/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_html: a document, whole and in pieces that are cut between characters.
 *
 * Asserts: text is valid UTF-8 and within its limits, links are numbered as they came, and cuts
 * change nothing.
 */
#include "proto/html.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "proto/charset.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define TEXT_MAX 4096

struct seen {
	int links;
	uint64_t digest;
};

static void digest_add(struct seen *s, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		s->digest = (s->digest ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3);
	}
	s->digest++;
}

static int link_seen(void *ctx, enum html_link_kind kind, struct str url, bool is_hidden)
{
	struct seen *s = ctx;

	ASSERT(kind < HTML_LINK_KIND_COUNT && url.len <= HTML_URL_MAX && utf8_is_valid(url));
	digest_add(s, url);
	s->digest += is_hidden;
	return s->links++;
}

static void link_text_seen(void *ctx, int number, struct str text)
{
	struct seen *s = ctx;

	ASSERT(number >= 0 && number < s->links && utf8_is_valid(text));
	digest_add(s, text);
}

static uint64_t read_html(struct str in, size_t step)
{
	struct seen seen = {.digest = 1};
	struct buf text;
	struct buf hidden;

	buf_init(&text, TEXT_MAX);
	buf_init(&hidden, TEXT_MAX / 4);
	struct html_out out = {.text = &text,
			       .hidden = &hidden,
			       .ctx = &seen,
			       .link = link_seen,
			       .link_text = link_text_seen};
	struct html *h = html_new(&out);
	ASSERT(h != NULL);
	while (in.len > 0) {
		struct str piece = utf8_head(in, step);
		piece = piece.len == 0 ? utf8_head(in, 4) : piece;
		html_step(h, piece);
		in = str_skip(in, piece.len);
	}
	html_end(h);
	ASSERT(text.len <= TEXT_MAX && utf8_is_valid(buf_str(&text)));
	ASSERT(hidden.len <= TEXT_MAX / 4 && utf8_is_valid(buf_str(&hidden)));
	digest_add(&seen, buf_str(&text));
	digest_add(&seen, buf_str(&hidden));
	seen.digest += html_facts(h)->tags + html_facts(h)->hidden_chars * 3;
	html_free(h);
	buf_done(&text);
	buf_done(&hidden);
	return seen.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	/* Octets become valid UTF-8 first, as in mail. */
	char *utf8 = malloc(CHARSET_OUT_MAX(size) * 2);
	ASSERT(utf8 != NULL);
	struct charset_decoder d = charset_start(charset_utf8());
	size_t n = charset_step(&d, (struct str){(const char *)data + 1, size - 1}, utf8);
	n += charset_end(&d, utf8 + n);
	struct str in = {utf8, n};

	ASSERT(utf8_is_valid(in));
	ASSERT(read_html(in, n + 1) == read_html(in, data[0] % 61 + 1U));
	free(utf8);
	return 0;
}
