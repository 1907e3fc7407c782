/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panic_open: opens all mail at once, with or without a daemon, and keeps it open until lifted.
 *
 * The file STATE/panic comes first: a gate that lives sees it within a fifth of a second and
 * takes its own table away, and one that starts later installs nothing. A gate that does not
 * answer is ended, because the kernel lets only the owner change an owned table. Layer: cli.
 */
#include "cli/panic_open.h"

#include "base/jsonw.h"
#include "cli/state_dir.h"
#include "enforce/nft_remove.h"
#include "sys/files.h"
#include "sys/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

/* How long a living gate has to let go by itself. */
#define PATIENCE_MS 2000
#define STEP_MS 20

struct panic {
	char path[512];    /* STATE/panic */
	bool file_changed; /* written, or taken away */
	bool was_there;    /* the table */
	pid_t ended;       /* the owner that did not answer; 0: none */
	int result;        /* 0, or why there is still a table */
	struct errmsg err;
};

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* @return 0 when there is no table any more. */
static int remove_table(struct panic *p)
{
	struct mono begin = mono_now();
	struct nft_found t;

	for (;;) {
		int r = nft_remove_look(&t, &p->err);
		if (r < 0 || !t.found) {
			return r;
		}
		p->was_there = true;
		r = nft_remove(&p->err);
		if (r == 0) {
			continue; /* look again: it must be gone */
		}
		int64_t waited_ms = (mono_now().ns - begin.ns) / NS_PER_MS;
		if (r != -EPERM || t.owner == 0 || waited_ms > 2 * (int64_t)PATIENCE_MS) {
			return r;
		}
		if (waited_ms > PATIENCE_MS && p->ended == 0) {
			p->ended = nft_remove_find_owner(t.owner);
			if (p->ended > 0 && kill(p->ended, SIGKILL) < 0) {
				return err_set(&p->err, -errno,
					       "cannot end process %d that owns it", (int)p->ended);
			}
		}
		pause_ms(STEP_MS);
	}
}

static void say(const struct cli *cli, const struct panic *p, bool lift)
{
	struct buf out;
	struct jsonw w = jsonw_of(&out);

	if (!cli->json && lift) {
		printf(p->file_changed ? "lifted: the gate installs its blocks again\n"
				       : "nothing to lift: %s does not exist\n",
		       p->path);
		return;
	}
	if (!cli->json) {
		printf("open: table inet postern %s; nothing is installed while %s exists\n",
		       p->was_there ? "removed" : "was not there", p->path);
		if (p->ended > 0) {
			printf("process %d did not let go of it and was ended\n", (int)p->ended);
		}
		return;
	}
	buf_init(&out, 4096);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "panic_open", !lift);
	jsonw_cstr(&w, "file", p->path);
	jsonw_bool(&w, "changed", p->file_changed || p->was_there);
	jsonw_bool(&w, "table_removed", p->was_there && p->result == 0);
	if (p->ended > 0) {
		jsonw_u64(&w, "ended_process", (uint64_t)p->ended);
	} else {
		jsonw_null(&w, "ended_process");
	}
	jsonw_object_end(&w);
	jsonw_line_end(&w);
	fwrite(out.ptr, 1, out.len, stdout);
	buf_done(&out);
}

static int lift(const struct cli *cli, struct panic *p)
{
	p->file_changed = unlink(p->path) == 0;
	if (!p->file_changed && errno != ENOENT) {
		int code = errno == EACCES || errno == EPERM ? CLI_NOT_ALLOWED : CLI_FAILED;
		return cli_fail(code, "cannot take %s away: %s", p->path, strerror(errno));
	}
	say(cli, p, true);
	return CLI_DONE;
}

static int open_all(const struct cli *cli, struct panic *p)
{
	struct errmsg file_err = {.text = ""};
	bool there = access(p->path, F_OK) == 0;
	int wrote = there ? 0 : file_write(p->path, STR("postern panic-open\n"), 0644, &file_err);

	p->file_changed = !there && wrote == 0;
	p->result = remove_table(p);
	if (p->result < 0) {
		int code = p->result == -EPERM ? CLI_NOT_ALLOWED : CLI_FAILED;
		return cli_fail(wrote == 0 ? CLI_PARTLY : code, "mail is not open: %s",
				p->err.text);
	}
	say(cli, p, false);
	if (wrote < 0) {
		return cli_fail(CLI_PARTLY, "open, but the gate may close again: %s",
				file_err.text);
	}
	return CLI_DONE;
}

static int dry_run(struct panic *p, bool lifts)
{
	struct nft_found t = {0};

	if (!lifts && nft_remove_look(&t, &p->err) < 0) {
		return cli_fail(CLI_FAILED, "%s", p->err.text);
	}
	printf(lifts ? "would remove %s\n" : "would write %s\n", p->path);
	if (!lifts && t.found) {
		puts("would remove table inet postern");
	}
	return CLI_DONE;
}

static int panic_open_run(const struct cli *cli, const struct cli_args *args)
{
	struct panic p = {.path = ""};

	if (state_dir_path(args, "panic", p.path, sizeof(p.path)) < 0) {
		return cli_fail(CLI_USAGE, "the state folder's name is too long");
	}
	if (cli_has(args, "dry-run")) {
		return dry_run(&p, cli_has(args, "lift"));
	}
	return cli_has(args, "lift") ? lift(cli, &p) : open_all(cli, &p);
}

static const struct cli_opt opts[] = {
	{"lift", NULL, "let the gate install its blocks again"},
	{"config", "FILE", "configuration that names the state folder"},
	{"state", "DIR", "the state folder itself"},
	{"dry-run", NULL, "say what would be done"},
};

const struct command panic_open_command = {
	.noun = "panic-open",
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "open all mail at once, with or without the daemon",
	.run = panic_open_run,
};
