/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_php: PHP's mail.log: which file called mail(). Layer: proto (pure).
 *
 * "mail() on [/path/file.php:123]: To: … -- Headers: …". The path is the site owner's text: it may
 * hold brackets, so it ends at the last "]: To: " before any header text. Only a lead: the log
 * belongs to the site's user.
 */
#include "proto/log_event.h"

#include "base/num.h"

#include "base/poison.h"

void log_event_php(const struct log_line *l, struct log_event *ret)
{
	struct str text = l->text;
	uint64_t line = 0;

	ret->type = LOG_NOT_MAIL;
	if (!str_has_prefix(text, STR("mail() on ["))) {
		return;
	}
	text = str_skip(text, 11);
	size_t end = str_find(text, STR("]: To: "));
	if (end == text.len) {
		ret->type = LOG_UNKNOWN;
		return;
	}
	struct str place = str_head(text, end);
	size_t colon = place.len;
	while (colon > 0 && place.ptr[colon - 1] != ':') {
		colon--;
	}
	if (colon > 0 && num_parse_u64(str_skip(place, colon), UINT32_MAX, &line) == 0) {
		place = str_head(place, colon - 1);
	}
	ret->type = LOG_SCRIPT;
	ret->script = place;
	ret->script_line = (uint32_t)line;
	text = str_skip(text, end + 7);
	size_t headers = str_find(text, STR(" -- Headers: "));
	ret->rcpt = str_head(text, headers);
}
