/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_examine: from options to a diagnosis. Layer: cli.
 */
#include "cli/doctor_examine.h"

#include "base/num.h"
#include "doctor/direct.h"
#include "doctor/fetch.h"
#include "doctor/web_look.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

/* A notice with its attachments; what is behind a link is smaller. */
#define NOTICE_MAX ((size_t)32 << 20)
/* A message whose headers are asked for. */
#define HEADERS_MAX ((size_t)256 << 20)
#define PATH_SIZE 2048
#define WATCH_MAX_S 3600
/* When messages are in no log: this long, or until it is seen who sends. */
#define WATCH_ABSENT_S 60
#define LOOK_MS 200
#define MTA_USERS_MAX 16

static int64_t clock_ns(clockid_t which)
{
	struct timespec t;

	(void)clock_gettime(which, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- what is asked ---- */

static bool is_url(const char *text)
{
	return str_has_prefix_nocase(str_of(text), STR("https://")) ||
	       str_has_prefix_nocase(str_of(text), STR("http://"));
}

/* The link of a case leads to a page; what the doctor needs is at the API, with the link's key. */
static int fetch_notice(struct inquiry *q, const char *url, struct buf *out, struct errmsg *err)
{
	struct inquiry_case link = {.id = NULL};
	char address[PATH_SIZE];
	char authorization[PATH_SIZE];
	struct fetch f = {.url = url};
	unsigned status = 0;

	if (inquiry_take_link(q, str_of(url), &link)) {
		int n = snprintf(address, sizeof(address), "%s/api/v1/messages?case=%s", link.link,
				 link.id);
		int m = snprintf(authorization, sizeof(authorization), "Link %s:%s", link.id,
				 link.token);
		if (n < 0 || (size_t)n >= sizeof(address) || m < 0 ||
		    (size_t)m >= sizeof(authorization)) {
			return err_set(err, -EINVAL, "the link is too long");
		}
		f.url = address;
		f.authorization = authorization;
	}
	int r = fetch_run(&f, out, &status, err);
	return r < 0 ? r : status != 200 ? err_set(err, -EIO, "the answer is %u", status) : 0;
}

int doctor_add_notice(struct inquiry *q, const char *name, struct errmsg *err)
{
	struct buf text;

	buf_init(&text, NOTICE_MAX);
	int r = is_url(name) ? fetch_notice(q, name, &text, err) : file_read(name, &text, err);
	r = r < 0 ? r : inquiry_add_notice(q, buf_str(&text), err);
	buf_done(&text);
	return r < 0 ? err_prefix(err, r, "%.200s", name) : 0;
}

static int add_headers(struct inquiry *q, const char *name, struct errmsg *err)
{
	struct buf text;

	buf_init(&text, HEADERS_MAX);
	int r = file_read(name, &text, err);
	r = r < 0 ? r : inquiry_add_headers(q, buf_str(&text), err);
	buf_done(&text);
	return r < 0 ? err_prefix(err, r, "%.200s", name) : 0;
}

static int ask(const struct cli_args *args, struct inquiry *q, struct errmsg *err)
{
	size_t pos = 0;
	const char *name;
	int r = inquiry_init(q);

	if (r < 0) {
		return err_set(err, r, "no memory");
	}
	for (size_t i = 0; i < args->word_count; i++) {
		inquiry_add_id(q, args->words[i]);
	}
	while (r == 0 && (name = cli_value_next(args, "notice", &pos)) != NULL) {
		r = doctor_add_notice(q, name, err);
	}
	pos = 0;
	while (r == 0 && (name = cli_value_next(args, "headers", &pos)) != NULL) {
		r = add_headers(q, name, err);
	}
	return r;
}

/* ---- logs ---- */

static int add_logs(const struct cli_args *args, struct log_set *set, struct errmsg *err)
{
	size_t pos = 0;
	const char *path = cli_value_next(args, "log", &pos);
	const char *root = cli_value(args, "root");
	int r = path == NULL ? log_set_find(set, root == NULL ? "" : root, err) : 0;

	for (; path != NULL && r == 0; path = cli_value_next(args, "log", &pos)) {
		r = log_set_add(set, path, err);
	}
	return r;
}

/* The queue knows who sent what waits in it, even when the log is gone. Not beside a log that was
 * named: that may be another machine's. */
static int add_queue(const struct cli_args *args, struct examination *e, struct errmsg *err)
{
	const char *root = cli_value(args, "root");
	const char *named = cli_value(args, "queue");
	struct queue_load_opts how = {.is_brief = true};
	struct queue_dir dir;

	if (named == NULL && cli_has(args, "log")) {
		return 0;
	}
	int r = queue_dir_open(root == NULL ? "" : root, named, LOG_MTA_NONE, &dir, err);
	if (r == 0) {
		e->queue = queue_list_new();
		r = e->queue == NULL ? err_set(err, -ENOMEM, "no memory")
				     : queue_list_load(e->queue, &dir, &how, err);
		r = r < 0 ? r : log_set_add_queue(&e->set, dir.path, err);
		queue_dir_close(&dir);
	}
	if (r < 0) {
		queue_list_free(e->queue);
		e->queue = NULL;
	}
	return named == NULL && r != -ENOMEM ? 0 : r;
}

void doctor_show_progress(void *set, size_t file, size_t of)
{
	const struct log_set *logs = set;

	fprintf(stderr, "\r\033[Kreading %zu of %zu: %s", file + 1, of, logs->files[file].path);
}

/* ---- connections ---- */

struct watch {
	struct live_opts opts;
	const char *users[MTA_USERS_MAX];
	unsigned seconds;
	bool is_said; /* --watch was given: go on to the end */
	bool shows;
};

static bool has_direct(const struct live *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (live_is_direct(&l->sockets[i])) {
			return true;
		}
	}
	return false;
}

static int watch(const struct watch *w, struct examination *e, struct errmsg *err)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	int r = live_begin(&w->opts, &e->live, err);

	e->has_live = r == 0;
	while (r == 0 && (w->is_said || !has_direct(&e->live))) {
		int64_t passed_s = (clock_ns(CLOCK_MONOTONIC) - begin) / NS_PER_S;
		e->live.seconds = (unsigned)passed_s;
		if (passed_s >= w->seconds) {
			break;
		}
		if (w->shows) {
			fprintf(stderr, "\r\033[Klooking at connections: %u of %u s, %zu so far",
				(unsigned)passed_s, w->seconds, e->live.count);
		}
		(void)nanosleep(&pause, NULL);
		r = live_look(&w->opts, &e->live, err);
	}
	if (w->shows) {
		fputs("\r\033[K", stderr);
	}
	return r;
}

/* Not with --log alone: those connections have nothing to do with that log. */
static int look_at_connections(const struct cli_args *args, struct watch *w, struct examination *e,
			       struct errmsg *err)
{
	const char *root = cli_value(args, "root");
	const char *said = cli_value(args, "watch");
	size_t pos = 0;
	const char *name;
	uint64_t seconds = 0;

	w->opts.root = root == NULL ? "" : root;
	w->opts.mta_users = w->users;
	while ((name = cli_value_next(args, "mta-user", &pos)) != NULL) {
		if (w->opts.mta_user_count < MTA_USERS_MAX) {
			w->users[w->opts.mta_user_count++] = name;
		}
	}
	if (said != NULL && num_parse_u64(str_of(said), WATCH_MAX_S, &seconds) < 0) {
		return err_set(err, -EINVAL, "--watch takes 0 to %d seconds", WATCH_MAX_S);
	}
	w->is_said = said != NULL;
	bool is_absent = e->is_here && diagnosis_absent(&e->diagnosis) > 0;
	w->seconds = said != NULL ? (unsigned)seconds : is_absent ? WATCH_ABSENT_S : 0;
	if (root == NULL && cli_has(args, "log") && !w->is_said) {
		return direct_judge(&e->diagnosis, NULL);
	}
	int r = watch(w, e, err);
	/* A copy has no connections unless somebody copied them, and not every place has a /proc.
	 */
	bool may_lack = root != NULL || (r == -ENOENT && !w->is_said);
	r = r < 0 && may_lack ? 0 : r;
	return r == 0 ? direct_judge(&e->diagnosis, e->has_live ? &e->live : NULL) : r;
}

/* ---- web servers' logs ---- */

static int find_web_logs(const struct cli_args *args, const char *root, struct web_set *set,
			 struct errmsg *err)
{
	size_t pos = 0;
	const char *path = cli_value_next(args, "web-log", &pos);
	int r = path == NULL ? web_set_find(set, root, err) : 0;

	for (; path != NULL && r == 0; path = cli_value_next(args, "web-log", &pos)) {
		r = web_set_add(set, path, err);
	}
	return r;
}

/* Not beside a mail log that was named, unless they are named too: it may be another machine's. */
static int look_at_web(const struct cli_args *args, struct examination *e, struct errmsg *err)
{
	const char *root = cli_value(args, "root");
	struct web_set set;

	if (cli_has(args, "no-web-logs") ||
	    (cli_has(args, "log") && root == NULL && !cli_has(args, "web-log"))) {
		return 0;
	}
	root = root == NULL ? "" : root;
	int r = web_set_init(&set, root, err);
	if (r == 0) {
		r = find_web_logs(args, root, &set, err);
		r = r < 0 ? r : web_look(&e->diagnosis, &set, err);
		web_set_done(&set);
	}
	return r;
}

/* ---- all of it ---- */

static int say(const struct errmsg *err, int code)
{
	return cli_fail(code, "%s", err->text);
}

static int diagnose(const struct cli *cli, struct examination *e)
{
	bool shows = isatty(STDERR_FILENO) != 0 && !cli->json;
	struct errmsg err = {.text = ""};
	int r = diagnose_run(
		&(struct diagnose_opts){.set = &e->set,
					.inquiry = &e->inquiry,
					.queue = e->queue,
					.progress = shows ? doctor_show_progress : NULL,
					.ctx = &e->set},
		&e->diagnosis, &err);

	if (shows) {
		fputs("\r\033[K", stderr);
	}
	if (err.text[0] != '\0') {
		(void)say(&err, CLI_FAILED);
	}
	if (r < 0) {
		return CLI_FAILED;
	}
	if (e->is_here && e->diagnosis.hour_count > 0) {
		e->diagnosis.end = e->time; /* the log is as old as the moment */
	}
	return CLI_DONE;
}

int doctor_gather(const struct cli_args *args, struct examination *ret)
{
	struct errmsg err = {.text = ""};

	*ret = (struct examination){
		.time = {clock_ns(CLOCK_REALTIME)},
		.is_here = !cli_has(args, "root") && !cli_has(args, "log"),
	};
	if (ask(args, &ret->inquiry, &err) < 0) {
		return say(&err, CLI_NOT_FOUND);
	}
	if (add_logs(args, &ret->set, &err) < 0) {
		return say(&err, CLI_NOT_FOUND);
	}
	log_set_sort(&ret->set);
	return CLI_DONE;
}

int doctor_examine(const struct cli *cli, const struct cli_args *args, struct examination *ret)
{
	struct errmsg err = {.text = ""};
	struct watch w = {.shows = isatty(STDERR_FILENO) != 0 && !cli->json};
	int r = doctor_gather(args, ret);

	if (r != CLI_DONE) {
		return r;
	}
	if (add_queue(args, ret, &err) < 0) {
		return say(&err, CLI_NOT_FOUND);
	}
	bool has_queue = ret->queue != NULL && ret->queue->count > 0;
	if (ret->set.count == (ret->queue != NULL ? 1 : 0) && !has_queue) {
		return cli_fail(CLI_NOT_FOUND, "no mail log found: name one with --log FILE");
	}
	r = diagnose(cli, ret);
	if (r != CLI_DONE) {
		return r;
	}
	if (ret->is_here || cli_has(args, "root")) {
		const char *root = cli_value(args, "root");
		ret->diagnosis.place.panel = advice_find_panel(root == NULL ? "" : root);
	}
	if (look_at_web(args, ret, &err) < 0) {
		return say(&err, CLI_NOT_FOUND);
	}
	int x = look_at_connections(args, &w, ret, &err);
	return x == 0 ? CLI_DONE : say(&err, x == -EINVAL ? CLI_USAGE : CLI_FAILED);
}

void examination_done(struct examination *e)
{
	live_done(&e->live);
	if (e->diagnosis.hours != NULL) {
		diagnosis_done(&e->diagnosis);
	}
	log_set_done(&e->set);
	queue_list_free(e->queue);
	inquiry_done(&e->inquiry);
}
