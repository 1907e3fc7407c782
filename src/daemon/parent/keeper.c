/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: starts the parent again. Layer: daemon.
 *
 * A pipe that the parent and all its children inherit and nobody writes to tells when the last of
 * them is gone: only then are their ports and locks free for the next parent.
 */
#include "daemon/parent/keeper.h"

#include "daemon/parent/pidfile.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

#define LEFTOVERS_MS 5000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
/* A parent that ran this long was healthy: the next start need not wait. */
#define HEALTHY_NS (30 * NS_PER_S)

static volatile sig_atomic_t parent_pid;
static volatile sig_atomic_t ending;

static void forward(int signo)
{
	int kept = errno;

	if (signo == SIGTERM || signo == SIGINT) {
		ending = 1;
	}
	if (parent_pid > 0) {
		kill((pid_t)parent_pid, signo);
	}
	errno = kept;
}

static void catch_signals(void (*handler)(int))
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct sigaction action = {.sa_handler = handler};

	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		sigaction(signals[i], &action, NULL);
	}
}

static void wait_ms(unsigned ms)
{
	struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

	/* A signal ends the wait early: it is the one that asks us to end. */
	nanosleep(&left, NULL);
}

/* Wait until nobody holds the other end; whoever still does after the limit is killed with the
 * whole process group, which the keeper has left. */
static void wait_leftovers(int life_fd, pid_t group)
{
	struct pollfd p = {.fd = life_fd, .events = POLLIN};

	if (poll(&p, 1, LEFTOVERS_MS) == 0) {
		kill(-group, SIGKILL);
		(void)poll(&p, 1, LEFTOVERS_MS);
	}
}

/* One life of a parent. @return Its wait status. */
static int run_once(keeper_parent_fn *parent, void *ctx, int ready_fd)
{
	int life[2];
	int status = 0;

	if (pipe(life) < 0) {
		return EXIT_FAILURE << 8;
	}
	pid_t pid = fork();
	if (pid == 0) {
		catch_signals(SIG_DFL);
		(void)setpgid(0, 0);
		fd_close(&life[0]);
		exit(parent(ctx, ready_fd));
	}
	fd_close(&life[1]);
	if (pid < 0) {
		fd_close(&life[0]);
		return EXIT_FAILURE << 8;
	}
	parent_pid = pid;
	if (ending != 0) {
		kill(pid, SIGTERM);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	parent_pid = 0;
	wait_leftovers(life[0], pid);
	fd_close(&life[0]);
	return status;
}

NORETURN static void keep(keeper_parent_fn *parent, void *ctx, int ready_fd)
{
	unsigned backoff_ms = BACKOFF_MIN_MS;

	catch_signals(forward);
	for (;;) {
		struct mono started = mono_now();
		int status = run_once(parent, ctx, ready_fd);
		fd_close(&ready_fd);
		if (WIFEXITED(status)) {
			exit(WEXITSTATUS(status));
		}
		if (ending != 0) {
			exit(EXIT_SUCCESS);
		}
		if (mono_now().ns - started.ns > HEALTHY_NS) {
			backoff_ms = BACKOFF_MIN_MS;
		}
		wait_ms(backoff_ms);
		backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
	}
}

void keeper_run(int pidfile_fd, int terminal_fd, keeper_parent_fn *parent, void *ctx)
{
	int ready[2];
	char text[512];
	ssize_t n;
	int status = 0;

	if (pipe(ready) < 0) {
		exit(EXIT_FAILURE);
	}
	pid_t pid = fork();
	if (pid < 0) {
		exit(EXIT_FAILURE);
	}
	if (pid == 0) {
		fd_close(&ready[0]);
		fd_close(&terminal_fd);
		(void)setsid();
		if (pidfile_update(pidfile_fd) < 0) {
			exit(EXIT_FAILURE);
		}
		keep(parent, ctx, ready[1]);
	}
	fd_close(&ready[1]);
	while ((n = read(ready[0], text, sizeof(text))) > 0) {
		if (text[0] == READY_OCTET) {
			_exit(EXIT_SUCCESS);
		}
		if (write(terminal_fd, text, (size_t)n) < 0) {
			/* It is in the log too. */
		}
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE);
}
