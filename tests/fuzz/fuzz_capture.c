/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_capture: a capture file of any octets, read to its end and given to the tracker.
 *
 * Asserts: every frame lies within its limits, an error has a text and stays, and nothing is left
 * of the flows when all have ended.
 */
#include "base/assert.h"
#include "capture/capture.h"
#include "core/tracker.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(void *ctx, const struct tracked_message *m)
{
	(void)ctx;
	ASSERT(m->obs->rcpts_accepted <= m->obs->rcpts);
	ASSERT(m->session->number > 0);
}

static void on_session(void *ctx, const struct tracked_session *s)
{
	(void)ctx;
	ASSERT(s->number > 0 && s->last.ns >= s->first.ns);
}

static void on_session_obs(void *ctx, const struct session_obs *o)
{
	(void)ctx;
	ASSERT(o->event < SESSION_EVENT_COUNT);
}

static const struct tracker_ops ops = {on_message, on_session, on_session_obs};

/* All frames into the tracker. @return Their number. */
static uint64_t read_all(struct capture *c, struct tracker *t)
{
	static const struct tracker_port nowhere;
	struct capture_frame f;
	struct errmsg err = {.text = ""};
	uint64_t n = 0;
	int r;

	while ((r = capture_next(c, &f, &err)) == CAPTURE_FRAME) {
		ASSERT(f.octets.len <= CAPTURE_FRAME_MAX && f.wire_len >= f.octets.len);
		tracker_frame(t, f.link, f.octets, f.wire_len, f.time, &nowhere);
		n++;
	}
	if (r < 0) {
		ASSERT(err.text[0] != '\0');
		ASSERT(capture_next(c, &f, &err) < 0);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tracker_conf conf = {.any_port = true, .flows_max = 8, .key = {1, 2}};
	struct capture *c;
	struct errmsg err;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0) {
		return 0;
	}
	ASSERT(write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	if (capture_open_fd(fd, &c, &err) < 0) {
		return 0;
	}
	struct tracker *t = tracker_new(&conf, &ops, NULL);
	ASSERT(t != NULL);
	uint64_t frames = read_all(c, t);
	tracker_end(t);
	struct tracker_counts counts;
	tracker_counts(t, &counts);
	ASSERT(counts.frames == frames && counts.flows == 0);
	tracker_free(t);
	capture_close(c);
	return 0;
}
