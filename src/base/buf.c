/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: growing octets with a maximum. Layer: base.
 */
#include "base/buf.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define SIZE_FIRST 256

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->err != 0) {
		return NULL;
	}
	if (n > b->max || b->len > b->max - n) {
		b->err = -EMSGSIZE;
		return NULL;
	}
	if (b->len + n > b->size) {
		size_t size = b->size < SIZE_FIRST ? SIZE_FIRST : b->size;
		while (size < b->len + n) {
			size += size / 2;
		}
		size = size > b->max ? b->max : size;
		char *grown = realloc(b->ptr, size);
		if (grown == NULL) {
			b->err = -ENOMEM;
			return NULL;
		}
		b->ptr = grown;
		b->size = size;
	}
	return b->ptr + b->len;
}

void buf_add(struct buf *b, struct str s)
{
	char *at = s.len == 0 ? NULL : buf_reserve(b, s.len);

	if (at != NULL) {
		memcpy(at, s.ptr, s.len);
		b->len += s.len;
	}
}

bool buf_add_utf8(struct buf *b, struct str s)
{
	size_t room = b->max - b->len;

	buf_add(b, utf8_head(s, room));
	return s.len <= room;
}

void buf_add_cstr(struct buf *b, const char *cstr)
{
	buf_add(b, str_of(cstr));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, (struct str){&c, 1});
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, (struct str){digits + at, sizeof(digits) - at});
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_list again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	ASSERT(n >= 0);
	/* One octet more for the NUL that vsnprintf insists on. */
	char *at = n == 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (at != NULL) {
		vsnprintf(at, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_add_plain(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c >= ' ' && c < 0x7F) {
			buf_add_char(b, (char)c);
		} else {
			buf_printf(b, "\\x%02x", c);
		}
	}
}

void buf_drop(struct buf *b, size_t n)
{
	ASSERT(n <= b->len);
	b->len -= n;
	if (b->len > 0 && n > 0) {
		memmove(b->ptr, b->ptr + n, b->len);
	}
}

struct str buf_str(const struct buf *b)
{
	return (struct str){b->ptr, b->len};
}

const char *buf_cstr(struct buf *b)
{
	char *at = buf_reserve(b, 1);

	if (at == NULL) {
		return NULL;
	}
	*at = '\0';
	return b->ptr;
}

int buf_end(const struct buf *b)
{
	return b->err;
}
