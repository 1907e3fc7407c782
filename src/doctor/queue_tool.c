/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_tool: postsuper, postconf, postmulti and exim. Layer: doctor.
 */
#include "doctor/queue_tool.h"

#include "base/assert.h"
#include "proto/queue_mail.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/poison.h"

#define OUTPUT_MAX ((size_t)4 << 20)
#define INSTANCES_MAX 64

static const char *const folders[] = {"/usr/sbin", "/usr/local/sbin", "/usr/exim/bin",
				      "/usr/local/bin", "/usr/bin"};
/* Debian's name, everybody's, and Exim as the sendmail of an old machine. */
static const char *const exim_names[] = {"exim4", "exim", NULL};
static const char *const postfix_names[] = {"postsuper", NULL};

/* ---- running ---- */

static int spawn(const char *const *argv, const int fds[static 3], pid_t *ret)
{
	/* A known environment: what the caller's shell has set is nobody's business here. */
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char lang[] = "LC_ALL=C";
	char *const env[] = {path, lang, NULL};
	posix_spawn_file_actions_t act;
	int r = posix_spawn_file_actions_init(&act);

	if (r != 0) {
		return -r;
	}
	for (int i = 0; i < 3 && r == 0; i++) {
		r = posix_spawn_file_actions_adddup2(&act, fds[i], i);
	}
	if (r == 0) {
		r = posix_spawn(ret, argv[0], &act, NULL, (char *const *)(const void *)argv, env);
	}
	posix_spawn_file_actions_destroy(&act);
	return -r;
}

static int read_back(int fd, struct buf *out)
{
	for (off_t at = 0;;) {
		char *room = buf_reserve(out, 4096);
		ssize_t n = room == NULL ? 0 : pread(fd, room, 4096, at);
		if (n <= 0) {
			return n < 0 ? -errno : 0; /* more than fits is not looked at */
		}
		out->len += (size_t)n;
		at += n;
	}
}

/* Its input and output are files in memory: no pipe can fill and block.
 * @param is_asked  Its answer is wanted, without warnings between; else all that it says. */
static int run(const char *const *argv, struct str input, bool is_asked, struct buf *out,
	       int *ret_status)
{
	int in = memfd_create("in", MFD_CLOEXEC);
	int said = memfd_create("out", MFD_CLOEXEC);
	int errors = memfd_create("errors", MFD_CLOEXEC);
	const int fds[3] = {in, said, is_asked ? errors : said};
	pid_t pid;
	int r = in < 0 || said < 0 || errors < 0 ? -errno : file_write_all(in, input);

	if (r == 0 && lseek(in, 0, SEEK_SET) < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = spawn(argv, fds, &pid);
	}
	if (r == 0) {
		while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR) {
		}
		r = read_back(said, out);
	}
	fd_close(&in);
	fd_close(&said);
	fd_close(&errors);
	return r;
}

/* The first line of what a program says. */
static int ask(const char *const *argv, char *ret, size_t size)
{
	struct buf out;
	int status = 0;

	buf_init(&out, OUTPUT_MAX);
	int r = run(argv, STR_EMPTY, true, &out, &status);
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		r = -EIO;
	}
	if (r == 0) {
		struct str text = buf_str(&out);
		struct str line = str_trim(str_take_until(&text, '\n'));
		r = str_copy(ret, size, line) ? 0 : -ENAMETOOLONG;
	}
	buf_done(&out);
	return r;
}

/* ---- finding ---- */

static int find_program(const char *const *names, char ret[static PATH_MAX])
{
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		for (const char *const *name = names; *name != NULL; name++) {
			(void)snprintf(ret, PATH_MAX, "%s/%s", folders[i], *name);
			if (access(ret, X_OK) == 0) {
				return 0;
			}
		}
	}
	return -ENOENT;
}

/* "postconf" beside "postsuper". */
static void beside(const char *path, const char *name, char ret[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int len = slash == NULL ? 0 : (int)(slash - path) + 1;

	(void)snprintf(ret, PATH_MAX, "%.*s%s", len, path, name);
}

static bool is_same_folder(const struct queue_dir *q, const char *path)
{
	struct stat ours;
	struct stat theirs;

	return fstat(q->fd, &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static bool has_queue(const struct queue_tool *t, const struct queue_dir *q, const char *config)
{
	char postconf[PATH_MAX];
	char folder[PATH_MAX];

	beside(t->path, "postconf", postconf);
	const char *const with[] = {postconf, "-c", config, "-h", "queue_directory", NULL};
	const char *const without[] = {postconf, "-h", "queue_directory", NULL};
	return ask(config[0] == '\0' ? without : with, folder, sizeof(folder)) == 0 &&
	       is_same_folder(q, folder);
}

/* "name group y /etc/postfix-out": the folder is last. */
static int find_instance(struct queue_tool *t, const struct queue_dir *q)
{
	char postmulti[PATH_MAX];
	struct buf out;
	int status = 0;
	int r = -ESTALE;

	beside(t->path, "postmulti", postmulti);
	const char *const argv[] = {postmulti, "-l", NULL};
	buf_init(&out, OUTPUT_MAX);
	if (run(argv, STR_EMPTY, true, &out, &status) == 0) {
		struct str text = buf_str(&out);
		for (int i = 0; i < INSTANCES_MAX && text.len > 0 && r < 0; i++) {
			struct str line = str_trim(str_take_until(&text, '\n'));
			while (str_find_char(line, ' ') < line.len) {
				(void)str_take_until(&line, ' ');
			}
			if (str_copy(t->config, sizeof(t->config), line) && line.len > 0 &&
			    has_queue(t, q, t->config)) {
				r = 0;
			}
		}
	}
	buf_done(&out);
	return r;
}

static int find_postfix(struct queue_tool *t, const struct queue_dir *q, const char *config)
{
	if (config != NULL) {
		return str_copy(t->config, sizeof(t->config), str_of(config)) &&
				       has_queue(t, q, t->config)
			       ? 0
			       : -ESTALE;
	}
	return has_queue(t, q, "") ? 0 : find_instance(t, q);
}

static int find_exim(const struct queue_tool *t, const struct queue_dir *q)
{
	const char *const argv[] = {t->path, "-bP", "spool_directory", NULL};
	char line[PATH_MAX + 32];

	if (ask(argv, line, sizeof(line)) < 0) {
		return -ESTALE;
	}
	struct str value = str_of(line);
	(void)str_take_until(&value, '=');
	value = str_trim(value);
	return value.len > 0 && is_same_folder(q, value.ptr) ? 0 : -ESTALE;
}

int queue_tool_find(const struct queue_dir *q, const char *given, const char *config,
		    struct queue_tool *ret, struct errmsg *reterr)
{
	struct queue_tool t = {.mta = q->mta};
	bool is_exim = q->mta == LOG_MTA_EXIM;
	int r;

	if (given != NULL) {
		r = !str_copy(t.path, sizeof(t.path), str_of(given)) ? -ENAMETOOLONG
		    : given[0] != '/' || access(given, X_OK) < 0     ? -ENOENT
								     : 0;
	} else {
		r = find_program(is_exim ? exim_names : postfix_names, t.path);
	}
	if (r < 0) {
		return err_set(reterr, r, "the mail server's program is not there: %s",
			       given != NULL ? given
			       : is_exim     ? "exim"
					     : "postsuper");
	}
	r = is_exim ? find_exim(&t, q) : find_postfix(&t, q, config);
	if (r < 0) {
		return err_set(reterr, r, "%s does not manage the queue %s", t.path, q->path);
	}
	*ret = t;
	return 0;
}

/* ---- doing ---- */

size_t queue_tool_batch(const struct queue_tool *t)
{
	return t->mta == LOG_MTA_EXIM ? QUEUE_TOOL_EXIM_MAX : QUEUE_TOOL_POSTFIX_MAX;
}

static int run_postfix(const struct queue_tool *t, enum queue_verb verb, struct str lines,
		       struct buf *out, int *ret_status)
{
	static const char *const flags[QUEUE_VERB_COUNT] = {
		[QUEUE_HOLD] = "-h", [QUEUE_RELEASE] = "-H", [QUEUE_DELETE] = "-d"};
	const char *argv[8];
	size_t n = 0;

	argv[n++] = t->path;
	if (t->config[0] != '\0') {
		argv[n++] = "-c";
		argv[n++] = t->config;
	}
	argv[n++] = flags[verb];
	argv[n++] = "-";
	if (verb == QUEUE_DELETE) {
		argv[n++] = "hold";
	}
	argv[n] = NULL;
	return run(argv, lines, false, out, ret_status);
}

static int run_exim(const struct queue_tool *t, enum queue_verb verb, const struct str *ids,
		    size_t n, struct buf *out)
{
	static const char *const flags[QUEUE_VERB_COUNT] = {
		[QUEUE_HOLD] = "-Mf", [QUEUE_RELEASE] = "-Mt", [QUEUE_DELETE] = "-Mrm"};
	static char texts[QUEUE_TOOL_EXIM_MAX][QUEUE_ID_MAX + 1];
	const char *argv[QUEUE_TOOL_EXIM_MAX + 3];
	int status = 0; /* 1 also where a message was gone or frozen already: says nothing */

	argv[0] = t->path;
	argv[1] = flags[verb];
	for (size_t i = 0; i < n; i++) {
		(void)str_copy(texts[i], sizeof(texts[i]), ids[i]);
		argv[i + 2] = texts[i];
	}
	argv[n + 2] = NULL;
	int r = run(argv, STR_EMPTY, false, out, &status);
	return r == 0 && !WIFEXITED(status) ? -EIO : r;
}

int queue_tool_run(const struct queue_tool *t, enum queue_verb verb, const struct str *ids,
		   size_t n, struct errmsg *reterr)
{
	struct buf lines;
	struct buf out;
	int status = 0;
	int r;

	ASSERT(n <= queue_tool_batch(t));
	buf_init(&lines, QUEUE_TOOL_POSTFIX_MAX * (QUEUE_ID_MAX + 2));
	buf_init(&out, OUTPUT_MAX);
	if (t->mta == LOG_MTA_EXIM) {
		r = run_exim(t, verb, ids, n, &out);
	} else {
		for (size_t i = 0; i < n; i++) {
			buf_add(&lines, ids[i]);
			buf_add_char(&lines, '\n');
		}
		r = buf_end(&lines);
		r = r < 0 ? r : run_postfix(t, verb, buf_str(&lines), &out, &status);
		if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
			r = -EIO;
		}
	}
	if (r < 0) {
		/* What it said last is the reason. */
		struct str said = str_trim(buf_str(&out));
		said = str_skip(said, said.len > 200 ? said.len - 200 : 0);
		r = err_set(reterr, r, "%s failed: %.*s", t->path, STR_ARG(said));
	}
	buf_done(&lines);
	buf_done(&out);
	return r;
}
