/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: children that die come back, are connected again and run without privileges; a child
 * that cannot start ends the start; the keeper brings a killed parent back. Four probe children
 * stand for the real ones. Needs root (users), and says so.
 */
#include "base/cur.h"
#include "daemon/child.h"
#include "daemon/parent/keeper.h"
#include "daemon/parent/pidfile.h"
#include "daemon/parent/supervisor.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define PING 1000
#define WAIT_MS 10000
#define SKIP 77 /* what the test runner takes for skipped */

/* Shared with all processes of a test. */
struct board {
	pid_t parent;
	pid_t pids[PROCESS_COUNT];
	unsigned uid[PROCESS_COUNT];
	unsigned starts[PROCESS_COUNT];
	unsigned pings[PROCESS_COUNT][PROCESS_COUNT]; /* [to][from] */
	unsigned stops[PROCESS_COUNT];
	bool desk_fails;
};

static struct board *board;

static int probe_open(struct child *c, void **ret_ctx, struct errmsg *reterr)
{
	if (c->spec->process == PROCESS_DESK && board->desk_fails) {
		return err_set(reterr, -EADDRINUSE, "port 8025 is taken");
	}
	*ret_ctx = c;
	return 0;
}

static int probe_start(void *ctx, struct errmsg *reterr)
{
	struct child *c = ctx;

	(void)reterr;
	board->pids[c->spec->process] = getpid();
	board->uid[c->spec->process] = getuid();
	board->starts[c->spec->process]++;
	return 0;
}

static void probe_received(void *ctx, enum process from, const struct chan_msg *m)
{
	struct child *c = ctx;

	if (m->type == PING) {
		board->pings[c->spec->process][from]++;
	}
}

static void probe_up(void *ctx, enum process peer)
{
	if (child_send(ctx, peer, PING, STR("ping")) < 0) {
		_exit(3);
	}
}

static void probe_down(void *ctx, enum process peer)
{
	(void)ctx;
	(void)peer;
}

static void probe_stop(void *ctx)
{
	board->stops[((struct child *)ctx)->spec->process]++;
}

#define PROBE(which, text)                                                                         \
	{                                                                                          \
		.process = (which), .name = (text), .user = "nobody", .profile = SANDBOX_FILES,    \
		.open = probe_open, .start = probe_start, .received = probe_received,              \
		.peer_up = probe_up, .peer_down = probe_down, .stop = probe_stop,                  \
	}

const struct child_spec tap_child = PROBE(PROCESS_TAP, "tap");
const struct child_spec judge_child = PROBE(PROCESS_JUDGE, "judge");
const struct child_spec gate_child = PROBE(PROCESS_GATE, "gate");
const struct child_spec desk_child = PROBE(PROCESS_DESK, "desk");

static struct policy *policy_for(const char *state)
{
	struct policy *p = policy_new();

	assert_non_null(p);
	struct str copy = arena_copy(p->arena, (struct str){state, strlen(state) + 1});
	p->state_dir = copy.ptr;
	p->sandbox_required = false;
	return p;
}

static char state_dir[64];
static const struct log quiet = {.process = "test", .most = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};

static struct policy *no_reload(void *ctx, struct errmsg *reterr)
{
	(void)ctx;
	err_set(reterr, -EINVAL, "bad on purpose");
	return NULL;
}

static int run_parent(void *ctx, int ready_fd)
{
	(void)ctx;
	board->parent = getpid();
	return supervisor_run(&(struct supervisor_opts){
		.policy = policy_for(state_dir),
		.log = &quiet,
		.ready_fd = ready_fd,
		.reload = no_reload,
	});
}

static int set_up(void **state)
{
	(void)state;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_ptr_not_equal(board, MAP_FAILED);
	snprintf(state_dir, sizeof(state_dir), "/tmp/postern-parent-XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	for (int p = 0; p < PROCESS_COUNT; p++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", state_dir, process_name((enum process)p));
		assert_int_equal(mkdir(path, 0700), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char path[128];

	for (int p = 0; p < PROCESS_COUNT; p++) {
		snprintf(path, sizeof(path), "%s/%s", state_dir, process_name((enum process)p));
		rmdir(path);
	}
	snprintf(path, sizeof(path), "%s/posternd.pid", state_dir);
	unlink(path);
	munmap(board, sizeof(*board));
	return rmdir(state_dir);
}

static bool wait_for(bool (*holds)(unsigned), unsigned arg)
{
	for (int i = 0; i < WAIT_MS / 10; i++) {
		if (holds(arg)) {
			return true;
		}
		usleep(10000);
	}
	return false;
}

static bool all_started(unsigned times)
{
	for (int p = 0; p < PROCESS_COUNT; p++) {
		if (board->starts[p] < times) {
			return false;
		}
	}
	return true;
}

/* Every process has heard from every other at least so often. */
static bool all_connected(unsigned times)
{
	for (int to = 0; to < PROCESS_COUNT; to++) {
		for (int from = 0; from < PROCESS_COUNT; from++) {
			if (to != from && board->pings[to][from] < times) {
				return false;
			}
		}
	}
	return true;
}

/* One and each of the others have heard from each other. */
static bool is_connected(unsigned one)
{
	for (int other = 0; other < PROCESS_COUNT; other++) {
		if (other != (int)one &&
		    (board->pings[one][other] == 0 || board->pings[other][one] == 0)) {
			return false;
		}
	}
	return true;
}

static pid_t start_parent(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		exit(run_parent(NULL, -1));
	}
	return pid;
}

static void stop_and_reap(pid_t pid, int expected)
{
	int status;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
}

static void each_child_comes_back_and_is_connected_again(void **state)
{
	(void)state;
	pid_t parent = start_parent();

	assert_true(wait_for(all_connected, 1));
	for (int p = 0; p < PROCESS_COUNT; p++) {
		assert_true(board->uid[p] != 0);
		unsigned before = board->starts[p];
		memset(board->pings, 0, sizeof(board->pings)); /* all have met: none is under way */
		kill(board->pids[p], SIGKILL);
		for (int i = 0; i < WAIT_MS / 10 && board->starts[p] == before; i++) {
			usleep(10000);
		}
		assert_int_equal(board->starts[p], before + 1);
		/* Who ends while it meets somebody has not stopped as it was told to. */
		assert_true(wait_for(is_connected, (unsigned)p));
	}
	stop_and_reap(parent, 0);
	for (int p = 0; p < PROCESS_COUNT; p++) {
		assert_int_equal(board->stops[p], 1);
	}
}

static void a_bad_reload_changes_nothing(void **state)
{
	(void)state;
	pid_t parent = start_parent();

	assert_true(wait_for(all_connected, 1));
	kill(parent, SIGHUP);
	usleep(200000);
	assert_int_equal(board->starts[PROCESS_TAP], 1);
	assert_int_equal(board->stops[PROCESS_TAP], 0);
	stop_and_reap(parent, 0);
}

static void a_child_that_cannot_start_ends_the_start(void **state)
{
	(void)state;
	int status;

	board->desk_fails = true;
	pid_t parent = start_parent();
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void the_keeper_brings_a_killed_parent_back(void **state)
{
	(void)state;
	int status;
	int pidfile = -1;
	char path[128];
	char text[16] = "";

	/* The keeper becomes ours to wait for, as it would be init's. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pidfile_take(state_dir, &pidfile, NULL), 0);
	pid_t front = fork();
	if (front == 0) {
		keeper_run(pidfile, -1, run_parent, NULL);
	}
	assert_int_equal(waitpid(front, &status, 0), front);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(all_started(1)); /* it returned when all were ready */
	assert_true(wait_for(all_connected, 1));

	kill(board->parent, SIGKILL);
	assert_true(wait_for(all_started, 2));
	assert_true(wait_for(all_connected, 2));

	snprintf(path, sizeof(path), "%s/posternd.pid", state_dir);
	int fd = open(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	fd_close(&fd);
	uint64_t keeper = 0;
	for (const char *at = text; char_is_digit(*at); at++) {
		keeper = keeper * 10 + (uint64_t)(*at - '0');
	}
	assert_int_equal(kill((pid_t)keeper, SIGTERM), 0);
	assert_int_equal(waitpid((pid_t)keeper, &status, 0), (pid_t)keeper);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (int p = 0; p < PROCESS_COUNT; p++) {
		assert_int_equal(board->stops[p], 2); /* the parent's death, and ours */
	}
	fd_close(&pidfile);
}

static void a_second_one_is_refused_by_name(void **state)
{
	(void)state;
	int first = -1;
	int second = -1;
	struct errmsg err;

	assert_int_equal(pidfile_take(state_dir, &first, &err), 0);
	assert_int_equal(pidfile_take(state_dir, &second, &err), -EEXIST);
	assert_non_null(strstr(err.text, "runs already (process "));
	fd_close(&first);
	assert_int_equal(pidfile_take(state_dir, &second, &err), 0);
	fd_close(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_child_comes_back_and_is_connected_again,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_reload_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_child_that_cannot_start_ends_the_start, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_keeper_brings_a_killed_parent_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_second_one_is_refused_by_name, set_up, tear_down),
	};

	if (geteuid() != 0) {
		puts("needs root: children change their user");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
