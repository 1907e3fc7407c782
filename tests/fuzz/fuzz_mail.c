/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mail: a message, walked whole and in pieces.
 *
 * The first octet chooses the size of the pieces. Asserts: all texts are valid UTF-8, slices and
 * indices lie inside, memory stays under its limit, a reset walker gives the same view as a new
 * one, and cuts change nothing.
 */
#include "proto/mail.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/poison.h"

static void text_check(struct str s)
{
	ASSERT(utf8_is_valid(s));
}

static void addrs_check(const struct mail_addrs *list)
{
	ASSERT(list->count <= list->total && list->count <= MAIL_ADDRS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		text_check(list->items[i].name);
		text_check(list->items[i].addr);
		ASSERT(list->items[i].addr.len <= MAIL_STRING_MAX);
	}
}

static void inside_check(struct str inner, struct str outer)
{
	ASSERT(inner.len == 0 ||
	       (inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len));
}

static void view_check(const struct mail_view *v)
{
	text_check(v->subject);
	text_check(v->message_id);
	text_check(v->date);
	text_check(v->list_id);
	text_check(v->mailer);
	text_check(v->text);
	text_check(v->hidden);
	addrs_check(&v->from);
	addrs_check(&v->to);
	addrs_check(&v->cc);
	addrs_check(&v->reply_to);
	ASSERT(v->text.len <= MAIL_TEXT_MAX && v->hidden.len <= MAIL_HIDDEN_MAX);
	ASSERT(v->part_count >= 1 && v->part_count <= MAIL_PARTS_MAX);
	ASSERT(v->header_bytes <= v->size_bytes);
	for (size_t i = 0; i < v->part_count; i++) {
		const struct mail_part *p = &v->parts[i];
		ASSERT(p->parent <= i && (i == 0 || p->parent < i));
		ASSERT(p->text_at + p->text_len <= v->text.len);
		text_check(str_head(str_skip(v->text, p->text_at), p->text_len));
		text_check(p->name);
		ASSERT(p->depth <= MAIL_DEPTH_MAX && p->magic_len <= sizeof(p->magic));
	}
	ASSERT(v->link_count <= MAIL_LINKS_MAX);
	for (size_t i = 0; i < v->link_count; i++) {
		const struct mail_link *l = &v->links[i];
		text_check(l->url);
		text_check(l->text);
		inside_check(l->host, l->url);
		inside_check(l->scheme, l->url);
		inside_check(l->path, l->url);
	}
}

static uint64_t digest_of(const struct mail_view *v)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	struct str texts[] = {v->subject, v->message_id, v->date, v->text, v->hidden, v->list_id};
	uint64_t numbers[] = {v->flags,        v->part_count,       v->link_count, v->html_bytes,
			      v->html_tags,    v->images,           v->from.total, v->to.total,
			      v->header_bytes, v->html_hidden_chars};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		for (size_t k = 0; k < texts[i].len; k++) {
			h = (h ^ (uint8_t)texts[i].ptr[k]) * UINT64_C(0x100000001b3);
		}
	}
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		h = (h ^ numbers[i]) * UINT64_C(0x100000001b3);
	}
	for (size_t i = 0; i < v->part_count; i++) {
		h = (h ^ v->parts[i].size_bytes ^ v->parts[i].kind) * UINT64_C(0x100000001b3);
	}
	return h;
}

static uint64_t walk(struct mail *m, const uint8_t *data, size_t size, size_t step)
{
	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;
		mail_step(m, (struct str){(const char *)data + at, n});
	}
	const struct mail_view *v = mail_end(m);
	view_check(v);
	ASSERT(v->size_bytes == size);
	ASSERT(mail_size(m) <= MAIL_BYTES_MAX);
	return digest_of(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	size_t step = data[0] % 61 + 1U;
	struct mail *m = mail_new(NULL, NULL);

	ASSERT(m != NULL);
	uint64_t whole = walk(m, data + 1, size - 1, size);
	mail_reset(m);
	uint64_t pieces = walk(m, data + 1, size - 1, step);
	ASSERT(whole == pieces);
	mail_reset(m);
	mail_step(m, (struct str){(const char *)data + 1, (size - 1) / 2});
	mail_gap(m, 7);
	mail_step(m, (struct str){(const char *)data + 1, size - 1});
	view_check(mail_end(m));
	mail_free(m);
	return 0;
}
