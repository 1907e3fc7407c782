/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_log: lines of access logs. Layer: proto (pure).
 *
 * Sources: httpd 2.4, mod_log_config and ap_escape_logitem; nginx, ngx_http_log_module (escape
 * default); the log formats that Debian, RHEL, Plesk, cPanel and DirectAdmin ship.
 */
#include "proto/web_log.h"

#include "base/num.h"
#include "proto/addr.h"

#include "base/poison.h"

#define STATUS_MAX 999

/* What is before the first quote, less the time: "[SITE ]CLIENT IDENT USER ". The user is whatever
 * somebody typed into a login, spaces too, so only the first words count. */
static void take_client(struct str text, struct web_hit *ret)
{
	struct addr addr;
	struct str first = str_take_until(&text, ' ');
	struct str second = str_take_until(&text, ' ');

	/* "CLIENT, PROXY": what a proxy said before it. */
	if (str_has_suffix(first, STR(","))) {
		first.len--;
	} else if (addr_parse(second, &addr) == 0) {
		size_t end = first.len;
		while (end > 0 && char_is_digit(first.ptr[end - 1])) {
			end--;
		}
		bool has_port = end > 1 && end < first.len && first.ptr[end - 1] == ':' &&
				addr_parse(first, &addr) < 0;
		ret->site = has_port ? str_head(first, end - 1) : first;
		ret->client = second;
		return;
	}
	ret->client = first;
}

/* Take `"text"`, in which a backslash hides what follows it. */
static bool take_quoted(struct str *line, struct str *ret)
{
	size_t i = 1;

	if (line->len == 0 || line->ptr[0] != '"') {
		return false;
	}
	while (i < line->len && line->ptr[i] != '"') {
		i += line->ptr[i] == '\\' ? 2 : 1;
	}
	if (i >= line->len) {
		return false;
	}
	*ret = (struct str){line->ptr + 1, i - 1};
	*line = str_skip(*line, i + 1);
	return true;
}

static bool is_method(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!char_is_alpha(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '_') {
			return false;
		}
	}
	return s.len > 0 && s.len <= 32 && !str_is_equal(s, STR("-"));
}

/* "METHOD TARGET[ HTTP/x]"; old nginx let spaces into the target. */
static void take_request(struct str request, struct web_hit *ret)
{
	struct str method = str_take_until(&request, ' ');
	size_t at = request.len;

	if (!is_method(method) || request.len == 0) {
		return;
	}
	while (at > 0 && request.ptr[at - 1] != ' ') {
		at--;
	}
	if (at > 0 && str_has_prefix(str_skip(request, at), STR("HTTP/"))) {
		request = str_head(request, at - 1);
	}
	ret->method = method;
	ret->target = request;
}

/* The next ` "text"`; what it says, or nothing. */
static struct str next_quoted(struct str *rest)
{
	struct str text = STR_EMPTY;

	*rest = str_skip(*rest, str_find_char(*rest, '"'));
	if (!take_quoted(rest, &text) || str_is_equal(text, STR("-"))) {
		return STR_EMPTY;
	}
	return text;
}

bool web_log_parse(struct log_time *lt, struct str raw, struct web_hit *ret)
{
	size_t quote = str_find_char(raw, '"');
	struct str request;
	uint64_t status;

	*ret = (struct web_hit){.status = 0};
	/* "[time] " stands right before it. */
	const size_t stamp = LOG_TIME_WEB_LEN + 3;
	if (quote == raw.len || quote < stamp + 4) {
		return false;
	}
	const char *open = raw.ptr + quote - stamp;
	if (open[-1] != ' ' || open[0] != '[' || open[stamp - 2] != ']' || open[stamp - 1] != ' ' ||
	    !log_time_web(lt, open + 1, &ret->time)) {
		return false;
	}
	take_client(str_head(raw, quote - stamp), ret);
	struct str rest = str_skip(raw, quote);
	if (!take_quoted(&rest, &request) || ret->client.len == 0) {
		return false;
	}
	take_request(request, ret);
	rest = str_skip(rest, 1);
	struct str code = str_take_until(&rest, ' ');
	if (num_parse_u64(code, STATUS_MAX, &status) == 0) {
		ret->status = (unsigned)status;
	}
	ret->referer = next_quoted(&rest);
	ret->agent = next_quoted(&rest);
	return true;
}

/* Two hexadecimal digits, or -1. */
static int octet_of(struct str s)
{
	int high = s.len < 2 ? -1 : num_hex_digit(s.ptr[0]);
	int low = s.len < 2 ? -1 : num_hex_digit(s.ptr[1]);

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* One octet as the client sent it: \" \\ \t \n \xNN are the server's. */
static char take_logged(struct str *s)
{
	char c = str_take(s, 1).ptr[0];

	if (c != '\\' || s->len == 0) {
		return c;
	}
	c = str_take(s, 1).ptr[0];
	int octet = c == 'x' ? octet_of(*s) : -1;
	if (octet >= 0) {
		*s = str_skip(*s, 2);
		return (char)octet;
	}
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

/* "http://host/path" has its path behind the third slash. */
static struct str without_host(struct str target)
{
	size_t scheme = str_find(str_head(target, 16), STR("://"));

	if (target.len == 0 || target.ptr[0] == '/' || scheme >= str_head(target, 16).len) {
		return target;
	}
	target = str_skip(target, scheme + 3);
	return str_skip(target, str_find_char(target, '/'));
}

/* Is "/" or "/." the end of what was written, so that another "/" adds nothing? */
static void add_slash(struct buf *out, size_t begin)
{
	struct str done = str_skip(buf_str(out), begin);

	if (str_has_suffix(done, STR("/."))) {
		out->len--;
	} else if (!str_has_suffix(done, STR("/"))) {
		buf_add_char(out, '/');
	}
}

void web_log_path(struct str target, size_t max, struct buf *out)
{
	struct str rest = without_host(target);
	size_t begin = out->len;

	if (rest.len == 0) {
		add_slash(out, begin);
	}
	while (rest.len > 0 && out->len - begin < max && out->err == 0) {
		char c = take_logged(&rest);
		if (c == '?' || c == '#' || c == ';') {
			break;
		}
		int octet = c == '%' ? octet_of(rest) : -1;
		if (octet >= 0) {
			rest = str_skip(rest, 2);
			c = (char)octet;
		}
		if (c == '/') {
			add_slash(out, begin);
		} else {
			buf_add_char(out, c);
		}
	}
}
