/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncer: the one thread beside a loop. Each job has one result, failures come back as its errno,
 * and stopping waits for the job under way. The run under ThreadSanitizer is about this test.
 */
#include "daemon/gate/syncer.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define JOBS 200
#define WAIT_MS 20000

static int temporary(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* As the gate's loop does it. */
static int result(struct syncer *s)
{
	struct pollfd p = {.fd = syncer_fd(s), .events = POLLIN};

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	return syncer_result(s);
}

static void every_job_has_one_result(void **state)
{
	struct syncer *s = NULL;
	struct errmsg err;
	int fds[2] = {temporary(), temporary()};

	(void)state;
	assert_int_equal(syncer_start(&s, &err), 0);
	for (unsigned i = 0; i < JOBS; i++) {
		const int job[2] = {fds[0], i % 2 == 0 ? fds[1] : -1};
		assert_int_equal(pwrite(fds[0], &i, sizeof(i), 0), sizeof(i));
		assert_true(syncer_is_idle(s));
		syncer_begin(s, job);
		assert_false(syncer_is_idle(s));
		assert_int_equal(result(s), 0);
		assert_int_equal(syncer_result(s), -EAGAIN); /* no second one */
	}
	syncer_stop(s);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

static void a_failure_comes_back_and_the_next_job_is_a_new_one(void **state)
{
	struct syncer *s = NULL;
	struct errmsg err;
	int file = temporary();
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(syncer_start(&s, &err), 0);
	/* A pipe cannot be synced; the other descriptor is all the same. */
	syncer_begin(s, (const int[2]){ends[0], file});
	assert_int_equal(result(s), -EINVAL);
	syncer_begin(s, (const int[2]){-1, file});
	assert_int_equal(result(s), 0);
	syncer_stop(s);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&file);
}

static void stopping_waits_for_the_job_under_way(void **state)
{
	struct errmsg err;

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		struct syncer *s = NULL;
		int file = temporary();
		assert_int_equal(syncer_start(&s, &err), 0);
		if (i % 4 != 0) {
			syncer_begin(s, (const int[2]){file, -1});
		}
		syncer_stop(s);
		/* Nobody uses it any more. */
		assert_int_equal(close(file), 0);
	}
	syncer_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_has_one_result),
		cmocka_unit_test(a_failure_comes_back_and_the_next_job_is_a_new_one),
		cmocka_unit_test(stopping_waits_for_the_job_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
