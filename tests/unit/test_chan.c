/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan: order, sizes, descriptors, a full queue, a peer that goes, freeing inside a callback.
 */
#include "sys/chan.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

struct side {
	struct chan *chan;
	uint64_t sum;
	unsigned count;
	unsigned paused;   /* runs of messages */
	unsigned at_pause; /* messages up to the last one's end */
	unsigned closed;
	size_t last_len;
	int fd;
	bool free_at_once;
};

static void received(void *ctx, const struct chan_msg *m)
{
	struct side *s = ctx;

	s->count++;
	s->sum = s->sum * 31 + m->type;
	s->last_len = m->body.len;
	if (m->fd >= 0) {
		s->fd = m->fd;
	}
	if (s->free_at_once) {
		chan_free(s->chan);
		s->chan = NULL;
	}
}

static void paused(void *ctx)
{
	struct side *s = ctx;

	s->paused++;
	s->at_pause = s->count;
}

static void closed(void *ctx)
{
	((struct side *)ctx)->closed++;
}

static const struct chan_ops ops = {.received = received, .paused = paused, .closed = closed};

struct pair {
	struct loop *loop;
	struct side a;
	struct side b;
};

static void pair_init(struct pair *p, size_t queue_max)
{
	int fds[2];

	*p = (struct pair){.loop = loop_new(), .a.fd = -1, .b.fd = -1};
	assert_int_equal(chan_pair(fds), 0);
	p->a.chan = chan_new(p->loop, fds[0], queue_max, &ops, &p->a);
	p->b.chan = chan_new(p->loop, fds[1], queue_max, &ops, &p->b);
	assert_non_null(p->a.chan);
	assert_non_null(p->b.chan);
}

static void pair_done(struct pair *p)
{
	chan_free(p->a.chan);
	chan_free(p->b.chan);
	fd_close(&p->a.fd);
	fd_close(&p->b.fd);
	loop_free(p->loop);
}

static void keeps_the_order_of_more_than_the_socket_holds(void **state)
{
	(void)state;
	struct pair p;
	static char body[CHAN_BODY_MAX];
	uint64_t sum = 0;

	pair_init(&p, (size_t)64 << 20);
	for (uint32_t i = 0; i < 400; i++) {
		assert_int_equal(chan_send(p.a.chan, i, (struct str){body, i * 200}, -1), 0);
		sum = sum * 31 + i;
	}
	for (int i = 0; i < 10000 && p.b.count < 400; i++) {
		loop_turn(p.loop, 0);
	}
	assert_int_equal(p.b.count, 400);
	assert_true(p.b.sum == sum);
	assert_int_equal(p.b.last_len, 399 * 200);
	assert_int_equal(chan_send(p.a.chan, 1, (struct str){body, CHAN_BODY_MAX + 1}, -1),
			 -EMSGSIZE);
	pair_done(&p);
}

static void a_run_of_messages_ends_with_a_pause(void **state)
{
	(void)state;
	struct pair p;

	pair_init(&p, 200000);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(chan_send(p.a.chan, i, STR("x"), -1), 0);
	}
	for (int i = 0; i < 100 && p.b.count < 20; i++) {
		loop_turn(p.loop, 0);
	}
	assert_int_equal(p.b.count, 20);
	assert_int_equal(p.b.at_pause, 20);
	assert_in_range(p.b.paused, 1, 20);
	p.b.free_at_once = true; /* then there is nobody to tell */
	unsigned before = p.b.paused;
	assert_int_equal(chan_send(p.a.chan, 1, STR("x"), -1), 0);
	for (int i = 0; i < 100 && p.b.count < 21; i++) {
		loop_turn(p.loop, 0);
	}
	assert_int_equal(p.b.paused, before);
	pair_done(&p);
}

static void a_full_queue_loses_and_counts(void **state)
{
	(void)state;
	struct pair p;
	static char body[CHAN_BODY_MAX];
	unsigned lost = 0;

	pair_init(&p, 200000);
	for (int i = 0; i < 500; i++) {
		int r = chan_send(p.a.chan, 7, (struct str){body, sizeof(body)}, -1);
		assert_true(r == 0 || r == -ENOBUFS);
		lost += r == -ENOBUFS ? 1 : 0;
	}
	assert_true(lost > 0);
	assert_int_equal(chan_lost(p.a.chan), lost);
	for (int i = 0; i < 10000 && p.b.count < 500 - lost; i++) {
		loop_turn(p.loop, 0);
	}
	assert_int_equal(p.b.count, 500 - lost);
	pair_done(&p);
}

static void hands_a_descriptor_over(void **state)
{
	(void)state;
	struct pair p;
	int pipe_fds[2];
	char octet = 'x';

	pair_init(&p, 4096);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(chan_send(p.a.chan, 1, STR("take"), pipe_fds[1]), 0);
	loop_turn(p.loop, 0);
	assert_true(p.b.fd >= 0);
	assert_int_equal(write(p.b.fd, &octet, 1), 1);
	assert_int_equal(read(pipe_fds[0], &octet, 1), 1);
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
	pair_done(&p);
}

static void the_end_of_the_other_side_is_told_once(void **state)
{
	(void)state;
	struct pair p;

	pair_init(&p, 4096);
	assert_int_equal(chan_send(p.b.chan, 1, STR("last words"), -1), 0);
	chan_free(p.b.chan);
	p.b.chan = NULL;
	for (int i = 0; i < 5; i++) {
		loop_turn(p.loop, 0);
	}
	assert_int_equal(p.a.count, 1);
	assert_int_equal(p.a.closed, 1);
	assert_int_equal(chan_send(p.a.chan, 1, STR("x"), -1), -EPIPE);
	pair_done(&p);
}

static void may_be_freed_inside_its_callback(void **state)
{
	(void)state;
	struct pair p;

	pair_init(&p, 4096);
	p.b.free_at_once = true;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(chan_send(p.a.chan, 1, STR("x"), -1), 0);
	}
	loop_turn(p.loop, 0);
	assert_int_equal(p.b.count, 1);
	assert_null(p.b.chan);
	pair_done(&p);
}

static void what_was_said_before_the_end_is_heard(void **state)
{
	(void)state;
	struct pair p;

	pair_init(&p, 4096);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(chan_send(p.a.chan, i, STR("why"), -1), 0);
	}
	chan_free(p.a.chan);
	p.a.chan = NULL;
	chan_drain(p.b.chan);
	assert_int_equal(p.b.count, 3);
	assert_int_equal(p.b.sum, 31 + 2);
	assert_int_equal(p.b.closed, 0);
	chan_drain(p.b.chan); /* nothing is left */
	assert_int_equal(p.b.count, 3);
	pair_done(&p);

	/* The kernel tells of what the other side left unread before it hands on what it said. */
	pair_init(&p, 4096);
	assert_int_equal(chan_send(p.b.chan, 5, STR("never read"), -1), 0);
	assert_int_equal(chan_send(p.a.chan, 6, STR("why"), -1), 0);
	chan_free(p.a.chan);
	p.a.chan = NULL;
	for (int i = 0; i < 10 && p.b.closed == 0; i++) {
		loop_turn(p.loop, 0);
	}
	assert_int_equal(p.b.count, 1);
	assert_int_equal(p.b.closed, 1);
	pair_done(&p);

	pair_init(&p, 4096);
	p.b.free_at_once = true;
	assert_int_equal(chan_send(p.a.chan, 7, STR_EMPTY, -1), 0);
	assert_int_equal(chan_send(p.a.chan, 8, STR_EMPTY, -1), 0);
	chan_drain(p.b.chan);
	assert_int_equal(p.b.count, 1);
	assert_null(p.b.chan);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order_of_more_than_the_socket_holds),
		cmocka_unit_test(a_run_of_messages_ends_with_a_pause),
		cmocka_unit_test(a_full_queue_loses_and_counts),
		cmocka_unit_test(hands_a_descriptor_over),
		cmocka_unit_test(the_end_of_the_other_side_is_told_once),
		cmocka_unit_test(what_was_said_before_the_end_is_heard),
		cmocka_unit_test(may_be_freed_inside_its_callback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
