/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journalctl: the journal through a pipe. Layer: doctor.
 */
#include "doctor/journalctl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/poison.h"

extern char **environ;

int journalctl_begin(const char *dir, struct wall after, int *ret_fd, pid_t *ret_pid,
		     struct errmsg *reterr)
{
	char where[PATH_MAX + 16];
	char since[48];
	char *argv[16];
	size_t n = 0;
	int ends[2] = {-1, -1};
	posix_spawn_file_actions_t actions;

	argv[n++] = (char[]){"journalctl"};
	argv[n++] = (char[]){"-q"};
	argv[n++] = (char[]){"--no-pager"};
	argv[n++] = (char[]){"-o"};
	argv[n++] = (char[]){"export"};
	argv[n++] = (char[]){"--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_COMM,"
			     "_HOSTNAME"};
	if (dir[0] != '\0') {
		(void)snprintf(where, sizeof(where), "--directory=%s", dir);
		argv[n++] = where;
	}
	if (after.ns > 0) {
		(void)snprintf(since, sizeof(since), "--since=@%lld",
			       (long long)(after.ns / NS_PER_S) + 1);
		argv[n++] = since;
	}
	/* The mail facility, or (+) what journald says of itself: it tells what it dropped. */
	argv[n++] = (char[]){"SYSLOG_FACILITY=2"};
	argv[n++] = (char[]){"+"};
	argv[n++] = (char[]){"SYSLOG_IDENTIFIER=systemd-journald"};
	argv[n] = NULL;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_set(reterr, -errno, "no pipe for journalctl");
	}
	int r = posix_spawn_file_actions_init(&actions);
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
		r = r != 0 ? r : posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	fd_close(&ends[1]);
	if (r != 0) {
		fd_close(&ends[0]);
		return err_set(reterr, -r, "cannot start journalctl: %s", strerror(r));
	}
	*ret_fd = ends[0];
	return 0;
}

bool journalctl_end(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return false;
		}
	}
	bool was_given_up = WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE;
	return was_given_up || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
