/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: any octets as the export of a journal and as a stream of counted frames. What is written
 * are whole lines of bounded length, and where the octets were cut changes nothing.
 */
#include "base/assert.h"
#include "proto/journal_export.h"
#include "proto/log_frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define INPUT_MAX ((size_t)4 << 10)
/* Each octet may end a line of a frame's one octet; an entry's line is longer than its octets by
 * less than this. */
#define OUT_MAX (JOURNAL_LINE_MAX + 64 * INPUT_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
	struct journal_export journal;
	struct log_frames frames;
	char out[2][OUT_MAX];
};

static size_t step(struct state *s, bool is_journal, struct str *in, char *out, size_t size)
{
	return is_journal ? journal_export_step(&s->journal, in, out, size)
			  : log_frames_step(&s->frames, in, out, size);
}

/* @param by  Octets at a time. */
static size_t read_all(struct state *s, bool is_journal, struct str text, size_t by, char *out)
{
	const size_t line_max = is_journal ? (size_t)JOURNAL_LINE_MAX : (size_t)LOG_FRAMES_LINE_MAX;
	size_t len = 0;

	memset(&s->journal, 0, sizeof(s->journal));
	memset(&s->frames, 0, sizeof(s->frames));
	while (text.len > 0) {
		struct str piece = str_take(&text, by < text.len ? by : text.len);
		while (piece.len > 0) {
			size_t n = step(s, is_journal, &piece, out + len, OUT_MAX - len);
			ASSERT(n == 0 || out[len + n - 1] == '\n');
			len += n;
		}
	}
	struct str lines = {out, len};
	while (lines.len > 0) {
		ASSERT(str_take_until(&lines, '\n').len < line_max);
	}
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct state *s;
	struct str text = {(const char *)data, size < INPUT_MAX ? size : INPUT_MAX};

	if (s == NULL) {
		s = calloc(1, sizeof(*s));
		ASSERT(s != NULL);
	}
	if (text.len == 0) {
		return 0;
	}
	size_t by = text.ptr[0] == 0 ? 1 : (size_t)(uint8_t)text.ptr[0];
	text = str_skip(text, 1);
	ASSERT(log_frames_is(text) != LOG_FRAMES_YES || !journal_export_is(text));
	for (int i = 0; i < 2; i++) {
		size_t one = read_all(s, i == 0, text, INPUT_MAX, s->out[0]);
		size_t two = read_all(s, i == 0, text, by, s->out[1]);
		ASSERT(one == two && memcmp(s->out[0], s->out[1], one) == 0);
	}
	return 0;
}
