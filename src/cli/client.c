/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: HTTP over the daemon's socket. Layer: cli.
 */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "base/poison.h"

#define ANSWER_MAX ((size_t)64 << 20)
#define TIMEOUT_S 30L

struct call {
	const struct cli *cli;
	const char *method;
	const char *path;
	struct str body; /* NULL view: none */
	client_piece_fn *piece;
	void *ctx;
	struct reply *reply;
};

void path_add(struct buf *path, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const char *c = text; *c != '\0'; c++) {
		unsigned char o = (unsigned char)*c;
		if (char_is_alpha(*c) || char_is_digit(*c) || *c == '.' || *c == '-' || *c == '_' ||
		    *c == '~') {
			buf_add_char(path, *c);
		} else {
			buf_add_char(path, '%');
			buf_add_char(path, hex[o >> 4]);
			buf_add_char(path, hex[o & 15]);
		}
	}
}

void path_add_query(struct buf *path, const char *name, const char *value)
{
	if (value == NULL) {
		return;
	}
	struct str now = buf_str(path);
	buf_add_char(path, str_find_char(now, '?') == now.len ? '?' : '&');
	buf_add_cstr(path, name);
	buf_add_char(path, '=');
	path_add(path, value);
}

static size_t on_piece(char *data, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;
	struct str piece = {data, size * n};

	if (c->piece != NULL) {
		return c->piece(c->ctx, piece) ? piece.len : 0;
	}
	buf_add(&c->reply->text, piece);
	return buf_end(&c->reply->text) == 0 ? piece.len : 0;
}

static int say_unreachable(const struct cli *cli, CURL *curl, CURLcode code)
{
	long os = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os);
	if (os == EACCES || os == EPERM) {
		return cli_fail(CLI_NOT_ALLOWED, "%s is for root and the group postern",
				cli->socket);
	}
	if (code == CURLE_COULDNT_CONNECT) {
		return cli_fail(CLI_UNREACHABLE, "no daemon answers at %s: is posternd running?",
				cli->socket);
	}
	return cli_fail(code == CURLE_WRITE_ERROR ? CLI_FAILED : CLI_UNREACHABLE,
			"the daemon at %s did not answer: %s", cli->socket,
			curl_easy_strerror(code));
}

static void set_options(const struct call *c, CURL *curl, const char *url, struct curl_slist *list)
{
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->cli->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, c->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_piece);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
	if (c->piece == NULL) {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	}
	if (c->body.ptr != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, c->body.ptr);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)c->body.len);
	}
}

/* @return CLI_DONE when anything was answered; c->reply->status says what. */
static int perform(const struct call *c)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *list = NULL;
	struct buf url;
	long status = 0;
	int r = CLI_DONE;

	buf_init(&url, 8192);
	buf_printf(&url, "http://localhost/api/v1%s", c->path);
	list = curl_slist_append(list, c->piece != NULL ? "Accept: text/event-stream"
							: "Accept: application/json");
	if (c->body.ptr != NULL && list != NULL) {
		list = curl_slist_append(list, "Content-Type: application/json");
	}
	const char *url_text = buf_cstr(&url);
	if (curl == NULL || list == NULL || url_text == NULL) {
		r = cli_fail(CLI_FAILED, "out of memory");
	} else {
		set_options(c, curl, url_text, list);
		CURLcode code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		/* A stream that we ourselves end is an error to libcurl only. */
		if (code != CURLE_OK && !(c->piece != NULL && code == CURLE_WRITE_ERROR)) {
			r = say_unreachable(c->cli, curl, code);
		}
	}
	c->reply->status = (unsigned)status;
	buf_done(&url);
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	return r;
}

static int exit_of(const struct reply *r)
{
	bool refused = str_is_equal(jsonr_str(jsonr_get(r->json, "type")),
				    STR("urn:postern:refused"));

	if (r->status >= 200 && r->status < 300) {
		return CLI_DONE;
	}
	switch (r->status) {
	case 400:
	case 415:
	case 422:
		return CLI_USAGE;
	case 401:
	case 403:
		return CLI_NOT_ALLOWED;
	case 404:
		return CLI_NOT_FOUND;
	case 409:
		return refused ? CLI_NO : CLI_CONFLICT;
	case 412:
		return CLI_CONFLICT;
	default:
		return CLI_FAILED;
	}
}

static int conclude(const struct cli *cli, struct reply *ret)
{
	struct errmsg err;

	ret->json = jsonr_parse(buf_str(&ret->text), &err);
	int r = exit_of(ret);
	if (r == CLI_DONE) {
		return ret->json != NULL
			       ? r
			       : cli_fail(CLI_FAILED, "the daemon's answer is %s", err.text);
	}
	struct str detail = jsonr_str(jsonr_get(ret->json, "detail"));
	if (detail.ptr == NULL && ret->status == 409 && ret->json != NULL) {
		return CLI_NO; /* an answer of its own, for the caller to show */
	}
	if (cli->json && ret->json != NULL) {
		printf("%.*s\n", STR_ARG(buf_str(&ret->text)));
	}
	if (detail.ptr == NULL) {
		return cli_fail(r, "the daemon answered %u", ret->status);
	}
	return cli_fail(r, "%.*s", STR_ARG(detail));
}

static int ask(const struct cli *cli, const char *method, const char *path, struct str body,
	       struct reply *ret)
{
	*ret = (struct reply){0};
	buf_init(&ret->text, ANSWER_MAX);
	const struct call c = {
		.cli = cli, .method = method, .path = path, .body = body, .reply = ret};

	int r = perform(&c);
	return r == CLI_DONE ? conclude(cli, ret) : r;
}

int client_get(const struct cli *cli, const char *path, struct reply *ret)
{
	return ask(cli, "GET", path, STR_EMPTY, ret);
}

int client_post(const struct cli *cli, const char *path, struct str json, struct reply *ret)
{
	return ask(cli, "POST", path, json, ret);
}

int client_delete(const struct cli *cli, const char *path, struct reply *ret)
{
	return ask(cli, "DELETE", path, STR_EMPTY, ret);
}

int client_stream(const struct cli *cli, const char *path, client_piece_fn *fn, void *ctx)
{
	struct reply reply = {0};
	const struct call c = {.cli = cli,
			       .method = "GET",
			       .path = path,
			       .piece = fn,
			       .ctx = ctx,
			       .reply = &reply};

	int r = perform(&c);
	if (r == CLI_DONE && reply.status != 200) {
		r = cli_fail(exit_of(&reply), "the daemon answered %u", reply.status);
	}
	return r;
}

void reply_done(struct reply *r)
{
	jsonr_free(r->json);
	buf_done(&r->text);
	*r = (struct reply){0};
}
