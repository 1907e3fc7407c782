/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_form: which requests have a form that everybody reads the same way, and the words that go
 * with a status. Layer: daemon.
 */
#include "daemon/desk/http_form.h"

#include "base/num.h"
#include "daemon/desk/http.h"

#include <sys/queue.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/poison.h"

static size_t count_headers(const struct evkeyvalq *headers, const char *name)
{
	const struct evkeyval *kv;
	size_t n = 0;

	TAILQ_FOREACH(kv, headers, next)
	{
		n += str_is_equal_nocase(str_of(kv->key), str_of(name)) ? 1 : 0;
	}
	return n;
}

/* Only what everybody reads the same way. */
bool http_is_plain(struct evhttp_request *ev)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(ev);
	struct str target = str_of(evhttp_request_get_uri(ev));
	const struct evkeyval *kv;

	if (target.len == 0 || target.len > HTTP_TARGET_MAX || target.ptr[0] != '/') {
		return false;
	}
	for (size_t i = 0; i < target.len; i++) {
		if ((unsigned char)target.ptr[i] <= ' ' || (unsigned char)target.ptr[i] >= 0x7f ||
		    target.ptr[i] == '#' || target.ptr[i] == '\\') {
			return false;
		}
	}
	TAILQ_FOREACH(kv, headers, next)
	{
		struct str key = str_of(kv->key);
		for (size_t i = 0; i < key.len; i++) {
			if (!char_is_alpha(key.ptr[i]) && !char_is_digit(key.ptr[i]) &&
			    key.ptr[i] != '-' && key.ptr[i] != '_') {
				return false;
			}
		}
		for (const char *v = kv->value; *v != '\0'; v++) {
			if (((unsigned char)*v < ' ' && *v != '\t') || *v == 0x7f) {
				return false;
			}
		}
	}
	uint64_t length;
	struct str length_text = str_of(evhttp_find_header(headers, "Content-Length"));
	return count_headers(headers, "Host") == 1 &&
	       count_headers(headers, "Transfer-Encoding") == 0 &&
	       count_headers(headers, "Content-Length") <= 1 &&
	       (length_text.ptr == NULL || num_parse_u64(length_text, HTTP_BODY_MAX, &length) == 0);
}

const char *http_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} all[] = {
		{200, "OK"},
		{201, "Created"},
		{204, "No Content"},
		{303, "See Other"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (all[i].status == status) {
			return all[i].phrase;
		}
	}
	return "Internal Server Error";
}
