/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_print: a finding in words. Layer: doctor.
 */
#include "doctor/web_print.h"

#include "base/assert.h"

#include "base/poison.h"

static const char *kind_name(enum web_kind k)
{
	static const char *const names[] = {"other", "page", "script", "schedule"};
	static_assert(COUNT_OF(names) == WEB_KIND_COUNT, "a name for every kind");

	ASSERT(k < WEB_KIND_COUNT);
	return names[k];
}

static const char *or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

void web_print_json(struct jsonw *w, const struct diagnose_web *web)
{
	if (web == NULL) {
		jsonw_null(w, "web");
		return;
	}
	const struct web_finding *f = &web->finding;
	jsonw_object(w, "web");
	jsonw_cstr(w, "kind", kind_name(f->kind));
	jsonw_cstr(w, "site", or_null(f->site));
	jsonw_cstr(w, "method", f->method);
	jsonw_cstr(w, "path", f->path);
	jsonw_bool(w, "is_script", f->is_script);
	jsonw_u64(w, "mails", f->mails);
	jsonw_u64(w, "mails_with", f->mails_with);
	jsonw_u64(w, "requests", f->requests);
	jsonw_u64(w, "requests_with", f->requests_with);
	jsonw_u64(w, "by_chance", f->by_chance);
	jsonw_u64(w, "clients", f->clients);
	jsonw_array(w, "top_clients");
	for (size_t i = 0; i < f->top_count; i++) {
		jsonw_object(w, NULL);
		jsonw_cstr(w, "address", f->top[i].name);
		jsonw_u64(w, "requests", f->top[i].requests);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_cstr(w, "agent", or_null(f->agent));
	jsonw_u64(w, "with_referer", f->referers);
	jsonw_object_end(w);
}

void web_print_evidence_json(struct jsonw *w, const struct diagnose_web *web)
{
	for (size_t i = 0; web != NULL && i < web->finding.evidence_count; i++) {
		jsonw_object(w, NULL);
		jsonw_cstr(w, "file", web->lines[i].file);
		jsonw_u64(w, "line", web->lines[i].line);
		jsonw_cstr(w, "text", web->finding.evidence[i].text);
		jsonw_object_end(w);
	}
}

static void print_url(const struct web_finding *f, struct buf *out)
{
	buf_add_char(out, '"');
	buf_add_plain(out, str_of(f->path));
	buf_add_char(out, '"');
	if (f->site[0] != '\0') {
		buf_add(out, STR(" of "));
		buf_add_plain(out, str_of(f->site));
	}
}

static void print_clients(const struct web_finding *f, struct buf *out)
{
	buf_printf(out, "    from %s%u address%s", f->clients == WEB_CLIENTS_MAX ? "at least " : "",
		   f->clients, f->clients == 1 ? "" : "es");
	for (size_t i = 0; i < f->top_count; i++) {
		buf_add(out, i == 0 ? STR(": ") : STR(", "));
		buf_add_plain(out, str_of(f->top[i].name));
		buf_printf(out, " (%llu)", (unsigned long long)f->top[i].requests);
	}
	buf_add(out, STR("\n    browser: "));
	if (f->agent[0] == '\0') {
		buf_add(out, STR("none that most have"));
	} else {
		buf_add_char(out, '"');
		buf_add_plain(out, str_of(f->agent));
		buf_add_char(out, '"');
	}
	buf_printf(out, "; %llu of %llu came from a page\n", (unsigned long long)f->referers,
		   (unsigned long long)f->requests_with);
}

void web_print_text(const struct diagnose_web *web, struct buf *out)
{
	if (web == NULL) {
		return;
	}
	const struct web_finding *f = &web->finding;
	buf_add(out, STR("  requested with the mail: "));
	buf_add_plain(out, str_of(f->method));
	buf_add_char(out, ' ');
	print_url(f, out);
	buf_printf(out,
		   "\n    within %d seconds in %llu of %llu moments with mail; %llu of its %llu "
		   "requests were then, by chance %llu would be\n",
		   WEB_NEAR_S, (unsigned long long)f->mails_with, (unsigned long long)f->mails,
		   (unsigned long long)f->requests_with, (unsigned long long)f->requests,
		   (unsigned long long)f->by_chance);
	print_clients(f, out);
	if (f->kind == WEB_SCHEDULE) {
		buf_add(out, STR("    (the site's own scheduled jobs)\n"));
	}
}

void web_print_evidence_text(const struct diagnose_web *web, struct buf *out)
{
	for (size_t i = 0; web != NULL && i < web->finding.evidence_count; i++) {
		buf_add(out, STR("  "));
		buf_add_plain(out, str_of(web->lines[i].file));
		if (web->lines[i].line > 0) {
			buf_printf(out, ":%llu", (unsigned long long)web->lines[i].line);
		}
		buf_add(out, STR(": "));
		buf_add_plain(out, str_of(web->finding.evidence[i].text));
		buf_add_char(out, '\n');
	}
}

void web_print_steps(const struct diagnose_web *web, struct buf *out)
{
	if (web == NULL) {
		return;
	}
	switch (web->finding.kind) {
	case WEB_PAGE:
		buf_add(out, STR("  this form: shut it or put a captcha on it: "));
		break;
	case WEB_SCRIPT:
		buf_add(out, STR("  this file: block its URL, keep a copy, remove it: "));
		break;
	case WEB_SCHEDULE:
		buf_add(out, STR("  these jobs: look what the site has planned: "));
		break;
	case WEB_OTHER:
	case WEB_KIND_COUNT:
		buf_add(out, STR("  this page: look what it sends: "));
		break;
	}
	print_url(&web->finding, out);
	buf_add_char(out, '\n');
}
