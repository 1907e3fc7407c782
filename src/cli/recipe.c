/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern recipe: firewall rules for a customer's own server. Prints, changes nothing. Layer: cli.
 */
#include "cli/recipe.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "core/recipe.h"

#include <stdio.h>

#include "base/poison.h"

/* Escapes make JSON longer than the text. */
#define OUTPUT_MAX (4 * RECIPE_TEXT_MAX)

static int option_set(struct recipe *r, const struct cli_args *args, const char *name,
		      int (*set)(struct recipe *, struct str, struct errmsg *), struct errmsg *err)
{
	const char *value = cli_value(args, name);

	return value == NULL ? 0 : set(r, str_of(value), err);
}

static int wish_read(const struct cli_args *args, struct recipe *r, struct errmsg *err)
{
	recipe_init(r);
	r->is_undo = cli_has(args, "undo");
	if (recipe_set_platform(r, str_of(args->words[0]), err) < 0 ||
	    option_set(r, args, "direction", recipe_set_direction, err) < 0 ||
	    option_set(r, args, "family", recipe_set_family, err) < 0 ||
	    option_set(r, args, "ports", recipe_set_ports, err) < 0) {
		return -1;
	}
	size_t pos = 0;
	const char *allow = cli_value_next(args, "allow", &pos);
	while (allow != NULL) {
		if (recipe_add_allow(r, str_of(allow), err) < 0) {
			return -1;
		}
		allow = cli_value_next(args, "allow", &pos);
	}
	return recipe_check(r, err);
}

static void json_write(const struct recipe *r, struct str text, struct buf *out)
{
	char host[ADDR_TEXT_SIZE];
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "recipe");
	jsonw_cstr(&w, "platform", recipe_platform_name(r->platform));
	jsonw_cstr(&w, "direction", recipe_direction_name(r));
	jsonw_cstr(&w, "family", recipe_family_name(r));
	jsonw_array(&w, "ports");
	for (size_t i = 0; i < r->port_count; i++) {
		jsonw_u64(&w, NULL, r->ports[i]);
	}
	jsonw_array_end(&w);
	jsonw_array(&w, "users");
	for (size_t i = 0; i < r->user_count; i++) {
		jsonw_cstr(&w, NULL, r->users[i]);
	}
	jsonw_array_end(&w);
	jsonw_array(&w, "hosts");
	for (size_t i = 0; i < r->host_count; i++) {
		jsonw_cstr(&w, NULL, prefix_format(&r->hosts[i], host));
	}
	jsonw_array_end(&w);
	jsonw_bool(&w, "undo", r->is_undo);
	jsonw_str(&w, "text", text);
	jsonw_array(&w, "not_covered");
	const char *gap = recipe_gap(r, 0);
	for (size_t i = 1; gap != NULL; i++) {
		jsonw_cstr(&w, NULL, gap);
		gap = recipe_gap(r, i);
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

static int recipe_run(const struct cli *cli, const struct cli_args *args)
{
	struct errmsg err = {.text = ""};
	struct recipe wish;
	struct buf text;
	struct buf json;

	if (wish_read(args, &wish, &err) < 0) {
		return cli_fail(CLI_USAGE, "%s", err.text);
	}
	buf_init(&text, RECIPE_TEXT_MAX);
	buf_init(&json, OUTPUT_MAX);
	recipe_write(&wish, &text);
	const struct buf *out = &text;
	bool ok = buf_end(&text) == 0;
	if (ok && cli->json) {
		json_write(&wish, buf_str(&text), &json);
		out = &json;
	}
	ok = ok && buf_end(out) == 0 && fwrite(out->ptr, 1, out->len, stdout) == out->len &&
	     fflush(stdout) == 0;
	buf_done(&text);
	buf_done(&json);
	return ok ? CLI_DONE : cli_fail(CLI_FAILED, "cannot write the recipe");
}

static const struct cli_opt opts[] = {
	{.name = "direction", .value = "in|out|both", .help = "which connections (default: out)"},
	{.name = "family", .value = "4|6|both", .help = "IPv4, IPv6 or both (default: both)"},
	{.name = "ports",
	 .value = "LIST",
	 .help = "mail ports out of 25,26,465,587,2525 (default: 25)"},
	{.name = "allow",
	 .value = "USER|HOST",
	 .help = "the mail server's user or uid, or a host's address or prefix (repeatable)"},
	{.name = "undo", .help = "print how to take away what the recipe added"},
};

const struct command recipe_command = {
	.noun = "recipe",
	.words = "PLATFORM",
	.words_min = 1,
	.words_max = 1,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "firewall rules so that only the mail server mails: nftables, debian, ubuntu, "
		"almalinux, windows",
	.run = recipe_run,
};
