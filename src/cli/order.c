/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: `postern source pass|watch|throttle|divert|block|unblock`: staff put a source on a rung.
 *
 * The command waits a moment for the gate, so that "blocked" means the kernel. Layer: cli.
 */
#include "cli/daemon.h"

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/num.h"
#include "cli/show.h"
#include "sys/loop.h"

#include <stdio.h>
#include <time.h>

#include "base/poison.h"

#define BODY_MAX ((size_t)16 << 10)
#define WAIT_NS (3 * NS_PER_S)
#define POLL_NS (20 * NS_PER_MS)

/* "90s", "10m", "2h", "7d". @return false: not such a text. */
static bool parse_span(struct str s, int64_t *ret_ns)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint64_t n;

	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (s.len > 1 && s.ptr[s.len - 1] == units[i].unit &&
		    num_parse_u64(str_head(s, s.len - 1), 100000000, &n) == 0 && n > 0) {
			*ret_ns = (int64_t)n * units[i].s * NS_PER_S;
			return *ret_ns / NS_PER_S < INT64_C(100) * 365 * 86400;
		}
	}
	return false;
}

/* @return CLI_DONE, or what to end with (said). */
static int write_body(const struct cli_args *args, const char *rung, struct buf *out)
{
	const char *span = cli_value(args, "for");
	const char *reason = cli_value(args, "reason");
	bool release = rung == NULL;
	int64_t ns = 0;

	if (span != NULL && !parse_span(str_of(span), &ns)) {
		return cli_fail(CLI_USAGE, "--for takes a time such as 30m, 2h or 7d, not '%s'",
				span);
	}
	if (reason == NULL && !release) {
		return cli_fail(CLI_USAGE, "say why: --reason TEXT");
	}
	struct jsonw w = jsonw_of(out);
	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "source", args->words[0]);
	if (cli_has(args, "network")) {
		jsonw_cstr(&w, "network", cli_value(args, "network"));
	}
	jsonw_cstr(&w, "rung", release ? "pass" : rung);
	jsonw_bool(&w, "release", release);
	jsonw_cstr(&w, "reason", reason != NULL ? reason : "unblocked by staff");
	if (span != NULL) {
		jsonw_time(&w, "expires_at", (struct wall){wall_now().ns + ns});
	}
	jsonw_bool(&w, "dry_run", cli_has(args, "dry-run"));
	jsonw_object_end(&w);
	return buf_end(out) == 0 ? CLI_DONE : cli_fail(CLI_USAGE, "the reason is too long");
}

static bool is_state(const struct reply *r, const char *state)
{
	return str_is_equal(jsonr_str(jsonr_get(r->json, "state")), str_of(state));
}

/* Ask again until the gate has answered; the last answer stays in `reply`. */
static int wait_for_gate(const struct cli *cli, struct reply *reply)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	int64_t end = mono_now().ns + WAIT_NS;
	char path[64];
	int r = CLI_DONE;

	snprintf(path, sizeof(path), "/orders/%.*s",
		 STR_ARG(str_head(jsonr_str(jsonr_get(reply->json, "id")), 24)));
	while (r == CLI_DONE && is_state(reply, "wanted") && mono_now().ns < end) {
		struct reply again;
		nanosleep(&pause, NULL);
		r = client_get(cli, path, &again);
		if (r == CLI_DONE) {
			reply_done(reply);
			*reply = again;
		} else {
			reply_done(&again);
		}
	}
	return r;
}

static int say_state(const struct cli *cli, const struct reply *r)
{
	struct buf text;
	int code = CLI_DONE;

	buf_init(&text, BODY_MAX);
	show_text(&text, jsonr_get(r->json, "source"));
	buf_add_cstr(&text, ": ");
	show_text(&text, jsonr_get(r->json, "rung"));
	if (is_state(r, "would")) {
		buf_add_cstr(&text,
			     " recorded only: its network is in mode observe. To make it true, "
			     "set `mode: enforce` for the network ");
		show_text(&text, jsonr_get(r->json, "network"));
		buf_add_cstr(&text, " in the configuration and reload (SIGHUP)");
		code = CLI_NO;
	} else if (is_state(r, "refused")) {
		buf_add_cstr(&text, " refused by the gate: never-block list or panic");
		code = CLI_NO;
	} else if (is_state(r, "wanted")) {
		buf_add_cstr(&text, " recorded; the gate has not answered yet");
		code = CLI_PARTLY;
	} else {
		buf_add_cstr(&text, ", ");
		show_text(&text, jsonr_get(r->json, "state"));
		buf_printf(&text, " after %lld us, %lld sessions ended",
			   (long long)jsonr_i64(jsonr_get(r->json, "apply_us")),
			   (long long)jsonr_i64(jsonr_get(r->json, "sessions_ended")));
	}
	if (!show_json(cli, r)) {
		printf("%.*s\n", STR_ARG(buf_str(&text)));
	} else if (code != CLI_DONE) {
		cli_fail(code, "%.*s", STR_ARG(buf_str(&text)));
	}
	buf_done(&text);
	return code;
}

static int give(const struct cli *cli, const struct cli_args *args, const char *rung)
{
	struct reply reply = {0};
	struct buf body;
	bool dry = cli_has(args, "dry-run");

	buf_init(&body, BODY_MAX);
	int r = write_body(args, rung, &body);
	if (r == CLI_DONE) {
		r = client_post(cli, "/orders", buf_str(&body), &reply);
	}
	if (r == CLI_DONE && !dry) {
		r = wait_for_gate(cli, &reply);
	}
	if (r == CLI_DONE && dry) {
		if (!show_json(cli, &reply)) {
			printf("dry run: ");
			show_line("would become", jsonr_get(reply.json, "rung"));
		}
		r = is_state(&reply, "would") ? CLI_NO : CLI_DONE;
	} else if (r == CLI_DONE) {
		r = say_state(cli, &reply);
	}
	reply_done(&reply);
	buf_done(&body);
	return r;
}

static int pass_run(const struct cli *cli, const struct cli_args *args)
{
	return give(cli, args, "pass");
}

static int watch_run(const struct cli *cli, const struct cli_args *args)
{
	return give(cli, args, "watch");
}

static int throttle_run(const struct cli *cli, const struct cli_args *args)
{
	return give(cli, args, "throttle");
}

static int divert_run(const struct cli *cli, const struct cli_args *args)
{
	return give(cli, args, "divert");
}

static int block_run(const struct cli *cli, const struct cli_args *args)
{
	return give(cli, args, "block");
}

static int unblock_run(const struct cli *cli, const struct cli_args *args)
{
	return give(cli, args, NULL);
}

static const struct cli_opt order_opts[] = {
	{"network", "NAME", "the network, where an address is in more than one"},
	{"reason", "TEXT", "why; the owner reads it"},
	{"for", "TIME", "until 30m, 2h, 7d from now (default: until taken back)"},
	{"dry-run", NULL, "say what would be done"},
};

#define ORDER_COMMAND(word, text)                                                                  \
	const struct command source_##word##_command = {                                           \
		.noun = "source",                                                                  \
		.verb = #word,                                                                     \
		.words = "SOURCE",                                                                 \
		.words_min = 1,                                                                    \
		.words_max = 1,                                                                    \
		.opts = order_opts,                                                                \
		.opt_count = COUNT_OF(order_opts),                                                 \
		.help = text,                                                                      \
		.run = word##_run,                                                                 \
	}

ORDER_COMMAND(pass, "let its mail pass, whatever the judge says");
ORDER_COMMAND(watch, "keep samples of its mail");
ORDER_COMMAND(throttle, "slow its new connections down");
ORDER_COMMAND(divert, "send its mail through the relay (throttle where there is none)");
ORDER_COMMAND(block, "shut its outgoing mail");
ORDER_COMMAND(unblock, "take back what holds it: an order of staff, without checks");
