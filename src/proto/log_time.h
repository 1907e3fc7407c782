/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_time: the time at the start of a log line, in the forms that mail servers write.
 *
 * Knows the forms, not the year of a form that has none nor the zone of a form without one: the
 * caller, who knows the file, says both. A whole log has few different dates, so the last one is
 * remembered, and the last second too. Layer: proto (pure).
 */
#ifndef PROTO_LOG_TIME_H
#define PROTO_LOG_TIME_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>

enum log_time_form {
	LOG_TIME_RFC3164, /* "Jun 12 04:05:06 ": no year, no zone */
	LOG_TIME_RFC3339, /* "2026-06-12T04:06:00.123456+02:00 " */
	LOG_TIME_EXIM,    /* "2026-11-21 17:49:28[.123][ +0100] " */
	LOG_TIME_TAI64N,  /* "@4000000037c219bf2ef02e94 " */
	LOG_TIME_PHP,     /* "[21-Nov-2026 17:49:28 UTC] " */
	LOG_TIME_NONE,
};

/* Between lines: what the caller knows, and the date of the line before. */
struct log_time {
	int64_t year;        /* of the last RFC 3164 date; it steps when the month jumps back */
	int32_t zone_s;      /* east of UTC, for forms without a zone */
	unsigned last_month; /* of RFC 3164 lines; 0: none yet */
	char date[12];       /* the date's text and what it meant */
	int64_t date_ns;
	char second[20];    /* the last second's text and what it meant; many lines have the same */
	uint8_t second_len; /* 0: none yet */
	int64_t second_ns;  /* of ISO forms: without a zone */
	int64_t minute_ns;  /* its minute, in UTC; of forms without a zone */
};

/**
 * Take the time off the start of a line.
 *
 * @param lt    State of this file.
 * @param line  In: the line. Out: what follows the time and one space.
 * @param ret   Set unless LOG_TIME_NONE: UTC, with what the caller said of year and zone.
 *
 * @return The form; LOG_TIME_NONE leaves `line` as it is.
 */
enum log_time_form log_time_take(struct log_time *lt, struct str *line, struct wall *ret);

#define LOG_TIME_KNOWN_3164 16
#define LOG_TIME_KNOWN_EXIM 20

/* Seconds of a minute, or -1: 60 is read the plain way. */
static inline int log_time_seconds(const char *p)
{
	unsigned tens = (unsigned)(unsigned char)p[0] - '0';
	unsigned ones = (unsigned)(unsigned char)p[1] - '0';

	return tens < 6 && ones < 10 ? (int)(tens * 10 + ones) : -1;
}

/**
 * Does the line begin with the minute of the line before, written as nearly all are? Inline,
 * because it is asked first of every line.
 *
 * @return What the time and its space take, LOG_TIME_KNOWN_3164 or _EXIM; 0: read it.
 */
static inline size_t log_time_known(const struct log_time *lt, struct str line, struct wall *ret)
{
	const char *p = line.ptr;
	size_t len = 0;
	int s = 0;

	if (line.len <= LOG_TIME_KNOWN_EXIM) {
		return 0;
	}
	if (lt->second_len == 16 && memcmp(lt->second, p, 13) == 0 && p[15] == ' ') {
		len = LOG_TIME_KNOWN_3164;
		s = log_time_seconds(p + 13);
	} else if (lt->second_len == 19 && memcmp(lt->second, p, 17) == 0 && p[10] == ' ' &&
		   p[19] == ' ' && p[20] != '+' && p[20] != '-') {
		len = LOG_TIME_KNOWN_EXIM;
		s = log_time_seconds(p + 17);
	}
	if (len == 0 || s < 0) {
		return 0;
	}
	ret->ns = lt->minute_ns + s * NS_PER_S;
	return len;
}

/**
 * The month of an RFC 3164 line, without changing anything: to find the year of the first line
 * by counting back from the last.
 *
 * @return 1 to 12, or 0.
 */
unsigned log_time_month(struct str line);

#define LOG_TIME_WEB_LEN 26

/**
 * The time of a web server's log, between its brackets: "21/Nov/2026:17:49:28 +0100", with its own
 * year and zone. The date and second of the line before are remembered here too.
 *
 * @param text  LOG_TIME_WEB_LEN octets.
 * @return false: it is not of this form.
 */
bool log_time_web(struct log_time *lt, const char *text, struct wall *ret);

#endif
