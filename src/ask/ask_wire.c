/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask_wire: two small protocols. Layer: ask.
 */
#include "ask/ask_wire.h"

#include "base/num.h"
#include "sys/jsonr.h"

#include <errno.h>

#include "base/poison.h"

void ask_wire_request(enum opinion_kind kind, struct str message, struct buf *out)
{
	switch (kind) {
	case OPINION_SPAMD:
		buf_printf(out, "CHECK SPAMC/1.5\r\nContent-length: %zu\r\n\r\n", message.len);
		break;
	case OPINION_RSPAMD: /* 1.0: the answer is not chunked, and ends with the connection */
		buf_printf(out,
			   "POST /checkv2 HTTP/1.0\r\nHost: postern\r\nConnection: close\r\n"
			   "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
			   message.len);
		break;
	case OPINION_KIND_COUNT:
		break;
	}
	buf_add(out, message);
}

static int hold(int64_t micro, int64_t *ret)
{
	*ret = micro < -OPINION_SCORE_MAX_MICRO  ? -OPINION_SCORE_MAX_MICRO
	       : micro > OPINION_SCORE_MAX_MICRO ? OPINION_SCORE_MAX_MICRO
						 : micro;
	return 0;
}

/* The next line of a head; false at its empty line, or when it never ends. */
static bool take_line(struct str *rest, struct str *ret_line)
{
	if (str_find_char(*rest, '\n') == rest->len) {
		return false;
	}
	*ret_line = str_trim(str_take_until(rest, '\n'));
	return ret_line->len > 0;
}

/* "Spam: True ; 15.3 / 5.0" */
static int spam_line(struct str line, int64_t *ret)
{
	int64_t micro;

	line = str_skip(line, str_find_char(line, ';') + 1);
	struct str number = str_trim(str_head(line, str_find_char(line, '/')));
	if (number.len == line.len || number.len == 0 || num_parse_micro(number, &micro) < 0) {
		return -EBADMSG;
	}
	return hold(micro, ret);
}

static int spamd_answer(struct str rest, int64_t *ret)
{
	struct str line;

	if (!take_line(&rest, &line) || !str_has_prefix(line, STR("SPAMD/")) ||
	    str_find(line, STR(" 0 ")) == line.len) {
		return -EBADMSG;
	}
	while (take_line(&rest, &line)) {
		if (str_has_prefix_nocase(line, STR("Spam:"))) {
			return spam_line(line, ret);
		}
	}
	return -EBADMSG;
}

/* The body, if it is there in full. */
static int http_body(struct str rest, struct str *ret)
{
	struct str line;
	uint64_t length = 0;
	bool has_length = false;

	if (!take_line(&rest, &line) || !str_has_prefix(line, STR("HTTP/1.")) || line.len < 12 ||
	    !str_is_equal(str_head(str_skip(line, 8), 4), STR(" 200"))) {
		return -EBADMSG;
	}
	while (take_line(&rest, &line)) {
		struct str name = str_take_until(&line, ':');
		if (str_is_equal_nocase(name, STR("Transfer-Encoding"))) {
			return -EBADMSG;
		}
		if (str_is_equal_nocase(name, STR("Content-Length"))) {
			has_length = true;
			if (num_parse_u64(str_trim(line), ASK_ANSWER_MAX, &length) < 0) {
				return -EBADMSG;
			}
		}
	}
	if (has_length && rest.len < length) {
		return -EBADMSG;
	}
	*ret = has_length ? str_head(rest, (size_t)length) : rest;
	return 0;
}

static int rspamd_answer(struct str answer, int64_t *ret)
{
	struct errmsg err = {.text = ""};
	struct str body;

	if (http_body(answer, &body) < 0) {
		return -EBADMSG;
	}
	struct jsonr *v = jsonr_parse(body, &err);
	const struct jsonr *score = v == NULL ? NULL : jsonr_get(v, "score");
	enum jsonr_type type = score == NULL ? JSONR_NULL : jsonr_type(score);
	int r = -EBADMSG;
	if (type == JSONR_INT || type == JSONR_REAL) {
		double points = jsonr_real(score);
		double most = (double)OPINION_SCORE_MAX_MICRO / 1e6;
		points = points < -most ? -most : points > most ? most : points;
		r = points == points ? hold((int64_t)(points * 1e6), ret) : -EBADMSG;
	}
	jsonr_free(v);
	return r;
}

int ask_wire_answer(enum opinion_kind kind, struct str answer, int64_t *ret_score_micro)
{
	switch (kind) {
	case OPINION_SPAMD:
		return spamd_answer(answer, ret_score_micro);
	case OPINION_RSPAMD:
		return rspamd_answer(answer, ret_score_micro);
	case OPINION_KIND_COUNT:
		break;
	}
	return -EBADMSG;
}
