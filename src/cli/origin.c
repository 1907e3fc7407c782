/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern origin: one message's header in, who sent it and how out. Reads only. Layer: cli.
 */
#include "cli/origin.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/num.h"
#include "core/origin.h"
#include "proto/mail.h"
#include "sys/files.h"

#include <stdio.h>

#include "base/poison.h"

/* The largest message that is read. */
#define READ_MAX ((size_t)256 << 20)
#define OUTPUT_MAX ((size_t)1 << 20)

static void field_seen(void *ctx, struct str name, struct str value)
{
	origin_add_field(ctx, name, value);
}

static void json_write(const struct origin_result *r, struct buf *out)
{
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "origin");
	jsonw_cstr(&w, "path", origin_path_name(r->path));
	jsonw_str_or_null(&w, "host", r->host);
	jsonw_str_or_null(&w, "script", r->script);
	jsonw_str_or_null(&w, "account", r->account);
	uint64_t uid;
	if (num_parse_u64(r->uid, UINT32_MAX, &uid) == 0) {
		jsonw_u64(&w, "uid", uid);
	} else {
		jsonw_null(&w, "uid");
	}
	jsonw_object(&w, "matches");
	jsonw_bool(&w, "message_id", r->is_id_known);
	jsonw_bool(&w, "received", r->is_received_known);
	jsonw_bool(&w, "x_headers", r->is_x_known);
	jsonw_object_end(&w);
	jsonw_array(&w, "believed");
	for (size_t i = 0; i < r->believed_count; i++) {
		jsonw_str(&w, NULL, r->believed[i]);
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

/* A stranger's text on a terminal: nothing below a blank, nothing that is not UTF-8. */
static void text_add(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c < ' ' || c >= 0x7f) {
			buf_printf(out, "\\x%02X", c);
		} else {
			buf_add_char(out, s.ptr[i]);
		}
	}
}

static void line_add(struct buf *out, const char *name, struct str value)
{
	if (value.ptr != NULL) {
		buf_printf(out, "%-9s", name);
		text_add(out, value);
		buf_add_char(out, '\n');
	}
}

static void text_write(const struct origin_result *r, struct buf *out)
{
	static const char *const says[] = {
		[ORIGIN_PATH_RELAYED] = "relayed: a known host took it and passed it on",
		[ORIGIN_PATH_DIRECT] =
			"direct: sent to the recipient's server past the mail server",
		[ORIGIN_PATH_UNKNOWN] = "unknown: no line that can be believed names a known host",
	};
	const struct {
		const char *what;
		bool is_known;
	} matches[] = {{"Message-ID", r->is_id_known},
		       {"Received", r->is_received_known},
		       {"X- fields", r->is_x_known}};

	line_add(out, "path", str_of(says[r->path]));
	line_add(out, "host", r->host);
	line_add(out, "script", r->script);
	line_add(out, "account", r->account);
	line_add(out, "uid", r->uid);
	for (size_t i = 0; i < COUNT_OF(matches); i++) {
		buf_printf(out, "%-9s%s: %s\n", i == 0 ? "matches" : "", matches[i].what,
			   matches[i].is_known ? "a known host" : "no");
	}
	for (size_t i = 0; i < r->believed_count; i++) {
		line_add(out, i == 0 ? "believed" : "", r->believed[i]);
	}
}

static int print(const struct cli *cli, const struct origin_result *r)
{
	static const int exits[] = {
		[ORIGIN_PATH_RELAYED] = CLI_DONE,
		[ORIGIN_PATH_DIRECT] = CLI_NO,
		[ORIGIN_PATH_UNKNOWN] = CLI_FAILED,
	};
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	if (cli->json) {
		json_write(r, &out);
	} else {
		text_write(r, &out);
	}
	bool ok = buf_end(&out) == 0 && fwrite(out.ptr, 1, out.len, stdout) == out.len &&
		  fflush(stdout) == 0;
	buf_done(&out);
	return ok ? exits[r->path] : cli_fail(CLI_FAILED, "cannot write the result");
}

static int hosts_add(const struct cli_args *args, struct origin *o)
{
	size_t pos = 0;
	const char *host = cli_value_next(args, "host", &pos);

	while (host != NULL) {
		if (origin_add_host(o, str_of(host)) < 0) {
			return cli_fail(CLI_USAGE, "more than %d patterns", ORIGIN_PATTERNS_MAX);
		}
		host = cli_value_next(args, "host", &pos);
	}
	return CLI_DONE;
}

static int origin_run(const struct cli *cli, const struct cli_args *args)
{
	struct errmsg err = {.text = ""};
	struct origin *o = origin_new();
	struct mail *m = o == NULL ? NULL : mail_new(field_seen, o);
	struct buf octets;
	int r = CLI_FAILED;

	buf_init(&octets, READ_MAX);
	if (m == NULL) {
		r = cli_fail(CLI_FAILED, "no memory");
		goto out;
	}
	r = hosts_add(args, o);
	if (r != CLI_DONE) {
		goto out;
	}
	if (file_read(args->words[0], &octets, &err) < 0) {
		r = cli_fail(CLI_NOT_FOUND, "%s", err.text);
		goto out;
	}
	mail_step(m, buf_str(&octets));
	(void)mail_end(m);
	r = print(cli, origin_end(o));
out:
	buf_done(&octets);
	mail_free(m);
	origin_free(o);
	return r;
}

static const struct cli_opt opts[] = {
	{.name = "host",
	 .value = "PATTERN",
	 .help = "a host of ours: a name with * and ?, an address or a prefix (repeatable)"},
};

const struct command origin_command = {
	.noun = "origin",
	.words = "FILE",
	.words_min = 1,
	.words_max = 1,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "read a message's header: relayed or direct to MX, which host, script and account",
	.run = origin_run,
};
