/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_hello: a record, a handshake message, a list of extensions, a list of names.
 * Layer: proto (pure).
 */
#include "proto/tls_hello.h"

#include "base/cur.h"

#include "base/poison.h"

#define RECORD_HEADER 5
#define RECORD_HANDSHAKE 22
#define HANDSHAKE_CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME 0
#define NAME_HOST 0

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7F) {
			return false;
		}
	}
	return s.len > 0 && s.len <= TLS_NAME_MAX;
}

static struct cur inside(struct cur *c, size_t length_octets)
{
	size_t n = (size_t)cur_uint(c, length_octets, UINT64_MAX);
	struct str body = cur_bytes(c, n);

	return cur_of(body.ptr, body.len);
}

/* The body of the extension: a list of names, of which the first host name counts. */
static struct str host_of(struct cur ext)
{
	struct cur list = inside(&ext, 2);

	while (list.err == 0 && list.left > 0) {
		uint64_t type = cur_uint(&list, 1, UINT8_MAX);
		struct cur name = inside(&list, 2);
		if (list.err == 0 && type == NAME_HOST) {
			return (struct str){(const char *)name.ptr, name.left};
		}
	}
	return STR_EMPTY;
}

static struct str name_of(struct cur *hello)
{
	cur_bytes(hello, 2 + 32);       /* version, random */
	(void)inside(hello, 1);         /* session */
	(void)inside(hello, 2);         /* ciphers */
	(void)inside(hello, 1);         /* compressions */
	cur_uint(hello, 2, UINT16_MAX); /* octets of extensions: what is there counts */
	while (hello->err == 0 && hello->left > 0) {
		uint64_t type = cur_uint(hello, 2, UINT16_MAX);
		struct cur ext = inside(hello, 2);
		if (hello->err == 0 && type == EXTENSION_SERVER_NAME) {
			return host_of(ext);
		}
	}
	return STR_EMPTY;
}

enum tls_hello_out tls_hello_parse(struct str in, struct str *ret_name)
{
	struct cur c = cur_of(in.ptr, in.len);

	if (in.len > 0 && in.ptr[0] != RECORD_HANDSHAKE) {
		return TLS_HELLO_NOT;
	}
	if (in.len < RECORD_HEADER + 4) {
		return TLS_HELLO_MORE;
	}
	cur_uint(&c, 1, UINT8_MAX);
	uint64_t version = cur_uint(&c, 2, UINT16_MAX);
	size_t len = (size_t)cur_uint(&c, 2, UINT16_MAX);
	if (version >> 8 != 3 || len < 4 || in.ptr[RECORD_HEADER] != HANDSHAKE_CLIENT_HELLO) {
		return TLS_HELLO_NOT;
	}
	if (len > c.left) {
		return in.len < TLS_HELLO_MAX ? TLS_HELLO_MORE : TLS_HELLO_NONE;
	}
	struct str record = cur_bytes(&c, len);
	struct cur hello = cur_of(record.ptr + 4, record.len - 4);
	struct str name = name_of(&hello);
	if (!is_name(name)) {
		return TLS_HELLO_NONE;
	}
	*ret_name = name;
	return TLS_HELLO_NAME;
}
