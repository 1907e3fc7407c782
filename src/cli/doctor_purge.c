/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor queue --apply: reads the plan, sees that its source is quiet, purges, and says
 * what was done. Layer: cli.
 */
#include "cli/doctor_purge.h"

#include "base/jsonw.h"
#include "base/num.h"
#include "doctor/diagnose.h"
#include "doctor/queue_apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

#define QUIET_MINUTES 10
#define QUIET_MINUTES_MAX (7 * 24 * 60)
#define OUTPUT_MAX ((size_t)1 << 16)

static void show(const char *what, size_t done, size_t of)
{
	fprintf(stderr, "\r\033[K%s: %zu of %zu", what, done, of);
}

static struct wall wall_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (struct wall){(int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
}

/* Only logs that were written since the plan: an older one has nothing to say.
 * @return how many stand first in the set, or a negative errno */
static ssize_t logs_since(const struct cli_args *args, struct wall since, struct log_set *ret,
			  struct errmsg *err)
{
	const char *log;
	size_t pos = 0;
	size_t kept = 0;
	int r = 0;

	while (r == 0 && (log = cli_value_next(args, "log", &pos)) != NULL) {
		r = log_set_add(ret, log, err);
	}
	if (r == 0 && !cli_has(args, "log")) {
		r = log_set_find(ret, "", err);
	}
	log_set_sort(ret);
	for (size_t i = 0; i < ret->count; i++) {
		struct log_set_file f = ret->files[i];
		struct stat st;
		if (stat(f.path, &st) == 0 && st.st_mtim.tv_sec >= since.ns / NS_PER_S) {
			ret->files[i] = ret->files[kept];
			ret->files[kept++] = f;
		}
	}
	return r < 0 ? r : (ssize_t)kept;
}

static bool is_quiet(const struct queue_order *o, const struct diagnosis *d, int64_t since_ns,
		     struct queue_applied *done)
{
	const struct attribution_sender *s;
	size_t pos = 0;

	while ((s = attribution_next(d->attribution, &pos)) != NULL) {
		for (size_t i = 0; i < o->source_count; i++) {
			/* A log has whole seconds. */
			if (s->kind == o->sources[i].kind &&
			    str_is_equal(str_of(s->name), o->sources[i].name) &&
			    s->last.ns > o->made_at.ns + NS_PER_S && s->last.ns >= since_ns) {
				(void)str_copy(done->still_sends, sizeof(done->still_sends),
					       str_of(s->name));
				done->still_newest = s->last;
				return false;
			}
		}
	}
	return true;
}

/* Mail that came and went since the plan is not in the queue, but in the log. */
static int check_log(const struct cli_args *args, const struct queue_order *o, int64_t quiet_ns,
		     struct queue_applied *done, struct errmsg *err)
{
	struct log_set set = {0};
	struct diagnosis d;
	ssize_t n = logs_since(args, o->made_at, &set, err);
	int r = n < 0 ? (int)n : 0;

	if (n > 0) {
		struct log_set some = {.files = set.files, .count = (size_t)n};
		r = diagnose_run(&(struct diagnose_opts){.set = &some}, &d, err);
	}
	if (n > 0 && r == 0) {
		r = is_quiet(o, &d, wall_now().ns - quiet_ns, done)
			    ? 0
			    : err_set(err, -EBUSY,
				      "%s still sends, the log says: stop it first, else the queue "
				      "fills again",
				      done->still_sends);
		diagnosis_done(&d);
	}
	log_set_done(&set);
	return r;
}

static int print(const struct cli *cli, const struct queue_order *o, const struct queue_applied *a,
		 int64_t took_ms, const char *refused)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	if (cli->json) {
		struct jsonw w = jsonw_of(&out);
		jsonw_object(&w, NULL);
		jsonw_cstr(&w, "type", "queue_apply");
		jsonw_cstr(&w, "mta", queue_mta_name(o->mta));
		jsonw_cstr(&w, "queue", o->queue);
		jsonw_u64(&w, "planned", a->planned);
		jsonw_u64(&w, "deleted", a->deleted);
		jsonw_u64(&w, "gone", a->gone);
		jsonw_u64(&w, "changed", a->changed);
		jsonw_u64(&w, "released", a->released);
		jsonw_u64(&w, "left", a->left);
		jsonw_cstr(&w, "still_sends", a->still_sends[0] == '\0' ? NULL : a->still_sends);
		jsonw_cstr(&w, "refused", refused);
		jsonw_micro(&w, "elapsed_s", took_ms * 1000, 3);
		jsonw_object_end(&w);
		jsonw_line_end(&w);
	} else if (refused == NULL) {
		buf_printf(&out,
			   "%llu of %llu messages deleted, %llu were gone already, %llu are others "
			   "now and stay, %llu could not be deleted (%lld.%lld s)\n",
			   (unsigned long long)a->deleted, (unsigned long long)a->planned,
			   (unsigned long long)a->gone, (unsigned long long)a->changed,
			   (unsigned long long)a->left, (long long)(took_ms / 1000),
			   (long long)(took_ms % 1000 / 100));
	}
	bool ok = buf_end(&out) == 0 && fwrite(out.ptr, 1, out.len, stdout) == out.len &&
		  fflush(stdout) == 0;
	buf_done(&out);
	return ok ? CLI_DONE : CLI_FAILED;
}

static int purge(const struct cli *cli, const struct cli_args *args, const struct queue_order *o,
		 struct queue_applied *done, struct errmsg *err)
{
	struct queue_dir dir = {.fd = -1};
	struct queue_tool tool;
	const char *quiet = cli_value(args, "quiet");
	uint64_t minutes = QUIET_MINUTES;

	if (quiet != NULL &&
	    (num_parse_u64(str_of(quiet), QUIET_MINUTES_MAX, &minutes) < 0 || minutes == 0)) {
		return err_set(err, -EINVAL, "--quiet %s: minutes, 1 to %d", quiet,
			       QUIET_MINUTES_MAX);
	}
	int64_t quiet_ns = (int64_t)minutes * 60 * NS_PER_S;
	if (o->is_copy || (o->mta != LOG_MTA_POSTFIX && o->mta != LOG_MTA_EXIM)) {
		return err_set(err, -EOPNOTSUPP, "%s",
			       o->is_copy ? "this plan was made from a copy of the queue"
					  : "for this mail server the plan is carried out by hand");
	}
	int r = queue_dir_open("", o->queue, o->mta, &dir, err);
	r = r < 0 ? (r == -ENOENT ? -ESTALE : r)
		  : queue_tool_find(&dir, cli_value(args, "tool"), cli_value(args, "config"), &tool,
				    err);
	r = r == -ENOENT ? -ESTALE : r;
	if (r == 0) {
		r = check_log(args, o, quiet_ns, done, err);
	}
	if (r == 0) {
		struct queue_apply_opts how = {
			.order = o,
			.dir = &dir,
			.tool = &tool,
			.now = wall_now(),
			.quiet_ns = quiet_ns,
			.progress = isatty(STDERR_FILENO) == 1 && !cli->json ? show : NULL};
		r = queue_apply(&how, done, err);
		if (how.progress != NULL) {
			fputs("\r\033[K", stderr);
		}
	}
	queue_dir_close(&dir);
	return r;
}

static int exit_of(int r, const struct queue_applied *done)
{
	switch (r) {
	case 0:
		return done->left + done->changed > 0 ? CLI_PARTLY : CLI_DONE;
	case -EBUSY:
	case -EOPNOTSUPP:
		return CLI_NO;
	case -ESTALE:
		return CLI_CONFLICT;
	case -ENOENT:
		return CLI_NOT_FOUND;
	case -EINVAL:
		return CLI_USAGE;
	case -EACCES:
	case -EPERM:
		return CLI_NOT_ALLOWED;
	default:
		return CLI_FAILED;
	}
}

int doctor_purge(const struct cli *cli, const struct cli_args *args)
{
	static struct queue_order o; /* too large for a stack, and there is one */
	struct queue_applied done = {0};
	struct errmsg err = {.text = ""};
	struct wall begin = wall_now();
	int r = queue_order_read(cli_value(args, "apply"), &o, &err);

	if (r < 0) {
		return cli_fail(exit_of(r, &done), "%s", err.text);
	}
	done.planned = o.count;
	r = purge(cli, args, &o, &done, &err);
	int code = exit_of(r, &done);
	if (r < 0) {
		(void)cli_fail(code, "%s", err.text);
	}
	int64_t took_ms = (wall_now().ns - begin.ns) / NS_PER_MS;
	if (print(cli, &o, &done, took_ms, r < 0 ? err.text : NULL) != CLI_DONE) {
		code = CLI_FAILED;
	}
	queue_order_done(&o);
	return code;
}
