/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panel: the files of web/, which lie in the program. Layer: daemon.
 *
 * Paths that people bookmark (/, /case/12, /sources …) all give the one page; its script reads
 * the path.
 */
#include "daemon/desk/panel.h"

#include "daemon/desk/api_call.h"

#include <string.h>

#include "base/poison.h"

static const struct asset *find_asset(struct str path)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (str_is_equal(str_of(assets[i].path), path)) {
			return &assets[i];
		}
	}
	return NULL;
}

static bool is_page(struct str path)
{
	static const char *const pages[] = {"/", "/cases", "/sources", "/events", "/access"};

	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		if (str_is_equal(path, str_of(pages[i]))) {
			return true;
		}
	}
	return str_has_prefix(path, STR("/case/")) || str_has_prefix(path, STR("/source/"));
}

static void serve(struct http_request *rq, const struct asset *a)
{
	/* Always asked again, answered with 304: an upgrade shows at once. */
	http_add_header(rq, "Cache-Control", "no-cache");
	http_add_header(rq, "ETag", a->etag);
	if (str_is_equal(http_header(rq, "If-None-Match"), str_of(a->etag))) {
		http_reply(rq, 304, a->type, STR_EMPTY);
		return;
	}
	http_reply(rq, 200, a->type, (struct str){(const char *)a->data, a->size});
}

bool panel_serve(struct api *a, struct http_request *rq)
{
	const struct asset *found = find_asset(is_page(rq->path) ? STR("/index.html") : rq->path);

	(void)a;
	if (found == NULL) {
		return false;
	}
	serve(rq, found);
	return true;
}

void openapi_get(struct call *c)
{
	const struct asset *a = find_asset(STR("/openapi.json"));

	if (a == NULL) {
		call_problem(c, 404, "this build has no description of its API");
		return;
	}
	c->is_answered = true;
	serve(c->rq, a);
}
