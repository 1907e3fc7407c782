/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncer: the thread. One job at a time, handed over under a lock. Layer: daemon.
 */
#include "daemon/gate/syncer.h"

#include "base/assert.h"
#include "sys/fd.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/poison.h"

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int done_fd;
	bool idle; /* the loop's side only */
	/* under the lock */
	int fds[2];
	bool job;
	bool quit;
	int result;
};

static int sync_all(const int fds[static 2])
{
	int r = 0;

	for (size_t i = 0; i < 2; i++) {
		if (fds[i] >= 0 && fdatasync(fds[i]) < 0 && r == 0) {
			r = -errno;
		}
	}
	return r;
}

static void *run(void *arg)
{
	struct syncer *s = arg;
	const uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->job && !s->quit) {
			pthread_cond_wait(&s->wake, &s->lock);
		}
		if (!s->job) {
			break;
		}
		int fds[2] = {s->fds[0], s->fds[1]};
		pthread_mutex_unlock(&s->lock);
		int r = sync_all(fds);
		pthread_mutex_lock(&s->lock);
		s->job = false;
		s->result = r;
		/* An eventfd takes this until 2^64 - 1: it cannot fail. */
		ssize_t n = write(s->done_fd, &one, sizeof(one));
		ASSERT(n == (ssize_t)sizeof(one));
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int syncer_start(struct syncer **ret, struct errmsg *reterr)
{
	struct syncer *s = calloc(1, sizeof(*s));
	sigset_t all;
	sigset_t before;

	if (s == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the sync thread");
	}
	s->idle = true;
	s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->done_fd < 0) {
		int r = err_set(reterr, -errno, "cannot make an eventfd: %s", strerror(errno));
		free(s);
		return r;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	/* Signals are for the loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0) {
		fd_close(&s->done_fd);
		free(s);
		return err_set(reterr, r, "cannot start the sync thread: %s", strerror(-r));
	}
	*ret = s;
	return 0;
}

void syncer_stop(struct syncer *s)
{
	if (s == NULL) {
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	fd_close(&s->done_fd);
	free(s);
}

int syncer_fd(const struct syncer *s)
{
	return s->done_fd;
}

bool syncer_is_idle(const struct syncer *s)
{
	return s->idle;
}

void syncer_begin(struct syncer *s, const int fds[static 2])
{
	ASSERT(s->idle);
	s->idle = false;
	pthread_mutex_lock(&s->lock);
	s->fds[0] = fds[0];
	s->fds[1] = fds[1];
	s->job = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

int syncer_result(struct syncer *s)
{
	uint64_t count;

	if (read(s->done_fd, &count, sizeof(count)) < 0) {
		return -errno;
	}
	pthread_mutex_lock(&s->lock);
	int r = s->result;
	pthread_mutex_unlock(&s->lock);
	s->idle = true;
	return r;
}
