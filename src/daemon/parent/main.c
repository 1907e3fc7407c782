/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posternd: reads the configuration, makes the folders, and becomes the parent of the processes.
 *
 *   posternd [-f] [-c FILE]     -f: stay in the foreground (for a service manager)
 *
 * Exit: 0 ended as asked (or, in the background, all processes run); 1 could not start; 2 usage or
 * bad configuration. Layer: daemon.
 */
#include "conf/conf.h"
#include "daemon/parent/folders.h"
#include "daemon/parent/keeper.h"
#include "daemon/parent/pidfile.h"
#include "daemon/parent/supervisor.h"
#include "daemon/parent/taps.h"
#include "sys/fd.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define STATUS_USAGE 2

struct start {
	const char *config;
	struct policy *policy; /* owned until the supervisor takes it */
	struct log log;
	int terminal_fd;
};

static const char usage[] = "usage: posternd [-f] [-c FILE]\n"
			    "  -f       stay in the foreground\n"
			    "  -c FILE  configuration (default " CONF_DEFAULT_PATH ")\n"
			    "  -V       print the version\n";

/* Says every problem, with its place, where a person or the log will see it. */
static void say_problems(const struct conf_report *report)
{
	struct buf line;

	buf_init(&line, 4096);
	for (size_t i = 0; i < conf_report_count(report); i++) {
		buf_clear(&line);
		buf_add(&line, STR("posternd: "));
		conf_problem_format(conf_report_get(report, i), &line);
		fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&line)));
	}
	buf_done(&line);
}

static struct policy *load(void *ctx, struct errmsg *reterr)
{
	const struct start *st = ctx;
	struct policy *policy = NULL;
	struct conf_report *report = conf_report_new();

	if (report == NULL) {
		err_set(reterr, -ENOMEM, "no memory");
		return NULL;
	}
	if (conf_load(st->config, report, &policy) < 0) {
		policy = NULL;
		err_set(reterr, -EINVAL, "the configuration %s has %zu errors", st->config,
			conf_report_errors(report));
	}
	say_problems(report);
	conf_report_free(report);
	return policy;
}

static int be_parent(void *ctx, int ready_fd)
{
	struct start *st = ctx;
	struct errmsg err;
	struct policy *policy = st->policy;

	/* A parent that is started again reads the file again; the first uses what was checked. */
	st->policy = NULL;
	if (policy == NULL) {
		policy = load(st, &err);
		if (policy == NULL) {
			LOG_EVENT(&st->log, LOG_LEVEL_ERROR, "config.bad", F_CSTR("why", err.text));
			return STATUS_USAGE;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	return supervisor_run(&(struct supervisor_opts){
		.policy = policy,
		.log = &st->log,
		.ready_fd = ready_fd,
		.reload = load,
		.reload_ctx = st,
	});
}

/* In the background the log goes to STATE/posternd.log; a copy of the terminal stays open to say
 * why a start failed. */
static int log_to_file(struct start *st, struct errmsg *reterr)
{
	char path[PATH_MAX];

	int n = snprintf(path, sizeof(path), "%s/posternd.log", st->policy->state_dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	st->terminal_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0 || null < 0 || st->terminal_fd < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
		int r = -errno;
		fd_close(&fd);
		fd_close(&null);
		return err_set(reterr, r, "cannot write %s: %s", path, strerror(-r));
	}
	fd_close(&fd);
	fd_close(&null);
	return 0;
}

static int prepare(struct start *st, bool foreground, int *ret_pidfile, struct errmsg *reterr)
{
	if (geteuid() != 0) {
		return err_set(reterr, -EPERM,
			       "must be started as root: it gives the privileges up itself");
	}
	int r = folders_make_state(st->policy, reterr);
	if (r == 0) {
		r = pidfile_take(st->policy->state_dir, ret_pidfile, reterr);
	}
	if (r == 0) {
		r = folders_make(st->policy, reterr);
	}
	if (r == 0) {
		r = taps_check(st->policy, &st->log, reterr);
	}
	if (r == 0 && !foreground) {
		r = log_to_file(st, reterr);
	}
	return r;
}

static int parse_options(int argc, char **argv, struct start *st, bool *foreground)
{
	int c;

	while ((c = getopt(argc, argv, "fc:hV")) != -1) {
		switch (c) {
		case 'f':
			*foreground = true;
			break;
		case 'c':
			st->config = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		case 'V':
			puts("posternd " POSTERN_VERSION);
			return 1;
		default:
			fputs(usage, stderr);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "posternd: '%s' is one argument too many\n%s", argv[optind], usage);
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct start st = {
		.config = CONF_DEFAULT_PATH,
		.log = {.process = "parent", .most = LOG_LEVEL_NOTICE, .fd = STDERR_FILENO},
		.terminal_fd = -1,
	};
	struct errmsg err = {.text = ""};
	bool foreground = false;
	int pidfile = -1;

	int r = parse_options(argc, argv, &st, &foreground);
	if (r != 0) {
		return r > 0 ? EXIT_SUCCESS : STATUS_USAGE;
	}
	st.policy = load(&st, &err);
	if (st.policy == NULL) {
		fprintf(stderr, "posternd: %s\n", err.text);
		return STATUS_USAGE;
	}
	if (prepare(&st, foreground, &pidfile, &err) < 0) {
		fprintf(stderr, "posternd: %s\n", err.text);
		policy_free(st.policy);
		return EXIT_FAILURE;
	}
	if (!foreground) {
		keeper_run(pidfile, st.terminal_fd, be_parent, &st);
	}
	return be_parent(&st, -1);
}
