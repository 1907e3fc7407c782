/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_print: the ways of mail as JSON and in words, with what would work instead. Layer: doctor.
 */
#include "doctor/path.h"

#include "base/assert.h"
#include "base/jsonw.h"

#include "base/poison.h"

static const char *const ways[] = {"direct", "relay", "local", "none", "unknown"};
static_assert(COUNT_OF(ways) == PATH_WAY_COUNT, "a name for every way");

/* How a program that delivers by itself is told a relay. */
static const char *way_out(const struct path_item *i)
{
	static const char *const texts[][2] = {
		{"postfix", "relayhost = [RELAY]:587, smtp_sasl_auth_enable = yes, "
			    "smtp_sasl_password_maps, smtp_tls_security_level = encrypt"},
		{"exim", "dpkg-reconfigure exim4-config: smarthost RELAY::587, login in "
			 "/etc/exim4/passwd.client; elsewhere a manualroute router and a transport "
			 "with port = 587 and an authenticator"},
		{"sendmail", "define(`SMART_HOST', `[RELAY]'), define(`RELAY_MAILER_ARGS', `TCP $h "
			     "587'), FEATURE(`authinfo')"},
	};

	for (size_t k = 0; k < COUNT_OF(texts); k++) {
		if (str_is_equal(str_of(i->what), str_of(texts[k][0]))) {
			return texts[k][1];
		}
	}
	return "a relay on port 587 with STARTTLS, or 465 with TLS, and a login";
}

static const char *why(const struct path_item *i)
{
	switch (i->way) {
	case PATH_WAY_DIRECT:
		return "it delivers to other mail servers by itself, on port 25";
	case PATH_WAY_RELAY:
		return i->port == 25 ? "it reaches its relay on port 25"
				     : "it reaches its relay on another port than 25";
	case PATH_WAY_LOCAL:
		return "it hands its mail to this machine's own mail server: what holds for that "
		       "holds for it";
	case PATH_WAY_NONE:
		return "it sends nothing that way";
	case PATH_WAY_UNKNOWN:
	case PATH_WAY_COUNT:
		return "its setting can't be seen here";
	}
	return "";
}

static const char *how(const struct path_item *i)
{
	switch (i->way) {
	case PATH_WAY_DIRECT:
		return way_out(i);
	case PATH_WAY_RELAY:
		if (i->port == 25) {
			return "the same relay on port 587 with STARTTLS, or 465 with TLS, and a "
			       "login";
		}
		return i->login == 0 ? "works; but without a login most relays refuse" : "works";
	case PATH_WAY_LOCAL:
	case PATH_WAY_NONE:
		return "nothing to do here";
	case PATH_WAY_UNKNOWN:
	case PATH_WAY_COUNT:
		return "look there: port 25 to another machine would break, 587 and 465 work";
	}
	return "";
}

static bool breaks_any(const struct path_report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (path_breaks(&r->items[i]) == 1) {
			return true;
		}
	}
	return false;
}

static void write_tri(struct jsonw *w, const char *key, int v)
{
	if (v < 0) {
		jsonw_null(w, key);
	} else {
		jsonw_bool(w, key, v == 1);
	}
}

void path_print_json(const struct path_report *r, struct buf *out)
{
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "doctor-path");
	jsonw_bool(&w, "breaks", breaks_any(r));
	jsonw_array(&w, "items");
	for (size_t k = 0; k < r->count; k++) {
		const struct path_item *i = &r->items[k];
		bool is_relay = i->port != 0;
		jsonw_object(&w, NULL);
		jsonw_cstr(&w, "what", i->what);
		jsonw_cstr(&w, "file", i->file);
		jsonw_cstr(&w, "way", ways[i->way]);
		jsonw_cstr(&w, "host", i->host[0] != '\0' ? i->host : NULL);
		if (is_relay) {
			jsonw_u64(&w, "port", i->port);
		} else {
			jsonw_null(&w, "port");
		}
		write_tri(&w, "login", i->login);
		write_tri(&w, "breaks", path_breaks(i));
		jsonw_cstr(&w, "why", why(i));
		jsonw_cstr(&w, "instead", how(i));
		jsonw_cstr(&w, "note", i->note);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_u64(&w, "folders", r->folders);
	jsonw_u64(&w, "unread", r->unread);
	jsonw_u64(&w, "left_out", r->left_out);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

static void print_item(const struct path_item *i, struct buf *out)
{
	int breaks = path_breaks(i);

	buf_printf(out, "%-7s %s  ",
		   breaks == 1   ? "BREAKS"
		   : breaks == 0 ? "works"
				 : "unknown",
		   i->what);
	buf_add_plain(out, str_of(i->file));
	if (i->host[0] != '\0') {
		buf_add(out, STR("\n        to "));
		buf_add_plain(out, str_of(i->host));
		if (i->port != 0) {
			buf_printf(out, " port %u", i->port);
		}
		buf_add(out, i->login == 1   ? STR(", with a login")
			     : i->login == 0 ? STR(", without a login")
					     : STR(""));
	}
	buf_printf(out, "\n        %s\n", why(i));
	if (i->note != NULL) {
		buf_printf(out, "        %s\n", i->note);
	}
	if (breaks != 0) {
		buf_printf(out, "        instead: %s\n", how(i));
	}
}

void path_print_text(const struct path_report *r, struct buf *out)
{
	/* What breaks first. */
	for (int want = 1; want >= -1; want--) {
		int which = want == 0 ? -1 : want == -1 ? 0 : 1;
		for (size_t k = 0; k < r->count; k++) {
			if (path_breaks(&r->items[k]) == which) {
				print_item(&r->items[k], out);
			}
		}
	}
	if (r->count == 0) {
		buf_add(out, STR("No settings of mail were found.\n"));
	}
	buf_printf(out, "%s\n",
		   breaks_any(r)
			   ? "Something would break if port 25 to other machines were shut."
			   : "Nothing that was found would break if port 25 to other machines "
			     "were shut.");
	if (r->unread > 0 || r->left_out > 0) {
		buf_printf(out,
			   "%zu settings files could not be read; %zu things were left out, "
			   "because there were too many.\n",
			   r->unread, r->left_out);
	}
}
