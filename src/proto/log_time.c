/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_time: times of log lines. Layer: proto (pure).
 */
#include "proto/log_time.h"

#include "base/num.h"

#include <string.h>

#include "base/poison.h"

#define S_PER_DAY INT64_C(86400)
/* Years whose nanoseconds fit into 64 bits. */
#define YEAR_MIN 1700
#define YEAR_MAX 2261
/* TAI is 10 s ahead at the label's epoch; qmail's clock counts UTC with those 10 s added. */
#define TAI64_EPOCH UINT64_C(0x400000000000000A)

static int two(const char *p)
{
	return char_is_digit(p[0]) && char_is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

/* "hh:mm:ss" of a day, or -1. */
static int64_t time_of_day(const char *p)
{
	int hour = two(p);
	int minute = two(p + 3);
	int second = two(p + 6);

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
	    p[2] != ':' || p[5] != ':') {
		return -1;
	}
	return (int64_t)hour * 3600 + minute * 60 + second;
}

static unsigned month_of(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned m = 0; m < 12; m++) {
		if (memcmp(names + m * 3, p, 3) == 0) {
			return m + 1;
		}
	}
	return 0;
}

unsigned log_time_month(struct str line)
{
	bool is_form = line.len >= 16 && line.ptr[3] == ' ' &&
		       (line.ptr[9] == ':' || (line.ptr[5] == ' ' && line.ptr[8] == ':'));

	return is_form ? month_of(line.ptr) : 0;
}

static bool is_known_date(struct log_time *lt, const char *p, size_t len)
{
	return lt->date[0] != '\0' && memcmp(lt->date, p, len) == 0;
}

static void know_date(struct log_time *lt, const char *p, size_t len, int64_t days)
{
	memset(lt->date, 0, sizeof(lt->date));
	memcpy(lt->date, p, len);
	lt->date_ns = days * S_PER_DAY * NS_PER_S;
}

static bool is_known_second(const struct log_time *lt, const char *p, uint8_t len)
{
	return lt->second_len == len && memcmp(lt->second, p, len) == 0;
}

static void know_second(struct log_time *lt, const char *p, uint8_t len, int64_t ns)
{
	memcpy(lt->second, p, len);
	lt->second_len = len;
	lt->second_ns = ns;
}

/* @param seconds  "ss" of the second that was put down last, a good one. @param utc_ns  Its time.
 */
static void know_minute(struct log_time *lt, const char *seconds, int64_t utc_ns)
{
	lt->minute_ns = utc_ns - two(seconds) * NS_PER_S;
}

static bool take_rfc3164(struct log_time *lt, struct str *line, struct wall *ret)
{
	const char *p = line->ptr;
	int64_t tod = time_of_day(p + 7);

	if (tod < 0 || p[15] != ' ' || p[6] != ' ') {
		return false;
	}
	if (!is_known_date(lt, p, 6)) {
		unsigned month = month_of(p);
		int day = p[4] == ' ' && char_is_digit(p[5]) ? p[5] - '0' : two(p + 4);
		if (month == 0 || day < 1 || day > 31) {
			return false;
		}
		/* A log runs forward: a month far back is the next year. A short step back is a
		 * line that came late. */
		if (lt->last_month > month && lt->last_month - month > 6) {
			lt->year++;
		}
		lt->last_month = month;
		know_date(lt, p, 6, days_from_civil(lt->year, month, (unsigned)day));
	}
	ret->ns = lt->date_ns + (tod - lt->zone_s) * NS_PER_S;
	know_second(lt, p, 16, ret->ns);
	know_minute(lt, p + 13, ret->ns);
	*line = str_skip(*line, 16);
	return true;
}

static bool know_iso_date(struct log_time *lt, const char *p)
{
	uint64_t year;

	if (is_known_date(lt, p, 10)) {
		return true;
	}
	int month = two(p + 5);
	int day = two(p + 8);
	if (num_parse_u64((struct str){p, 4}, YEAR_MAX, &year) < 0 || year < YEAR_MIN ||
	    month < 1 || month > 12 || day < 1 || day > 31) {
		return false;
	}
	know_date(lt, p, 10, days_from_civil((int64_t)year, (unsigned)month, (unsigned)day));
	return true;
}

static int64_t take_fraction(struct str *line)
{
	int64_t ns = 0;
	int64_t unit = NS_PER_S / 10;

	if (line->len == 0 || line->ptr[0] != '.') {
		return 0;
	}
	*line = str_skip(*line, 1);
	size_t i = 0;
	while (i < line->len && char_is_digit(line->ptr[i])) {
		ns += (line->ptr[i++] - '0') * unit;
		unit /= 10;
	}
	*line = str_skip(*line, i);
	return ns;
}

/* "+hh:mm", "+hhmm", "Z". @return true and the seconds, or false when there is none. */
static bool take_zone(struct str *line, int64_t *ret_s)
{
	if (line->len >= 1 && line->ptr[0] == 'Z') {
		*line = str_skip(*line, 1);
		*ret_s = 0;
		return true;
	}
	if (line->len < 5 || (line->ptr[0] != '+' && line->ptr[0] != '-')) {
		return false;
	}
	size_t colon = line->ptr[3] == ':' ? 1 : 0;
	if (line->len < 5 + colon) {
		return false;
	}
	int hours = two(line->ptr + 1);
	int minutes = two(line->ptr + 3 + colon);
	if (hours < 0 || minutes < 0) {
		return false;
	}
	*ret_s = (int64_t)(hours * 3600 + minutes * 60) * (line->ptr[0] == '-' ? -1 : 1);
	*line = str_skip(*line, 5 + colon);
	return true;
}

static enum log_time_form take_iso(struct log_time *lt, struct str *line, struct wall *ret)
{
	const char *p = line->ptr;
	int64_t zone_s = lt->zone_s;
	struct str rest = str_skip(*line, 19);

	if (!is_known_second(lt, p, 19)) {
		int64_t tod = time_of_day(p + 11);
		if (tod < 0 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') ||
		    !know_iso_date(lt, p)) {
			return LOG_TIME_NONE;
		}
		know_second(lt, p, 19, lt->date_ns + tod * NS_PER_S);
		know_minute(lt, p + 17, lt->second_ns - lt->zone_s * NS_PER_S);
	}
	int64_t fraction_ns = take_fraction(&rest);
	if (p[10] == 'T') {
		bool has_zone = rest.len > 0 && rest.ptr[0] != ' ';
		if (has_zone && !take_zone(&rest, &zone_s)) {
			return LOG_TIME_NONE;
		}
	} else if (rest.len > 1 && rest.ptr[0] == ' ' &&
		   (rest.ptr[1] == '+' || rest.ptr[1] == '-')) {
		struct str after = str_skip(rest, 1);
		if (take_zone(&after, &zone_s)) {
			rest = after;
		}
	}
	if (rest.len == 0 || rest.ptr[0] != ' ') {
		return LOG_TIME_NONE;
	}
	ret->ns = lt->second_ns - zone_s * NS_PER_S + fraction_ns;
	*line = str_skip(rest, 1);
	return p[10] == 'T' ? LOG_TIME_RFC3339 : LOG_TIME_EXIM;
}

static bool take_tai64n(struct str *line, struct wall *ret)
{
	uint64_t label;
	uint64_t ns;

	if (line->len < 26 || line->ptr[25] != ' ' ||
	    num_parse_hex((struct str){line->ptr + 1, 16}, UINT64_MAX, &label) < 0 ||
	    num_parse_hex((struct str){line->ptr + 17, 8}, 999999999, &ns) < 0 ||
	    label < TAI64_EPOCH || label - TAI64_EPOCH > (uint64_t)(INT64_MAX / NS_PER_S - 1)) {
		return false;
	}
	ret->ns = (int64_t)(label - TAI64_EPOCH) * NS_PER_S + (int64_t)ns;
	*line = str_skip(*line, 26);
	return true;
}

/* "[21-Nov-2026 17:49:28 UTC] "; other zone names are taken as the file's zone. */
static bool take_php(struct log_time *lt, struct str *line, struct wall *ret)
{
	const char *p = line->ptr;
	uint64_t year;
	size_t end = str_find_char(str_head(*line, 64), ']');

	if (line->len < 22 || p[3] != '-' || p[7] != '-' || p[12] != ' ' || end >= 64 ||
	    end + 1 >= line->len) {
		return false;
	}
	int day = two(p + 1);
	unsigned month = month_of(p + 4);
	int64_t tod = time_of_day(p + 13);
	if (day < 1 || day > 31 || month == 0 || tod < 0 ||
	    num_parse_u64((struct str){p + 8, 4}, YEAR_MAX, &year) < 0 || year < YEAR_MIN) {
		return false;
	}
	bool is_utc = str_is_equal(str_head(str_skip(*line, 22), 3), STR("UTC"));
	ret->ns = (days_from_civil((int64_t)year, month, (unsigned)day) * S_PER_DAY + tod -
		   (is_utc ? 0 : lt->zone_s)) *
		  NS_PER_S;
	*line = str_skip(*line, end + 2);
	return true;
}

bool log_time_web(struct log_time *lt, const char *text, struct wall *ret)
{
	struct str zone = {text + 21, 5};
	int64_t zone_s;
	uint64_t year;

	if (is_known_second(lt, text, 20)) {
		ret->ns = lt->second_ns;
	} else {
		int day = two(text);
		unsigned month = month_of(text + 3);
		int64_t tod = time_of_day(text + 12);
		if (day < 1 || day > 31 || month == 0 || tod < 0 || text[2] != '/' ||
		    text[6] != '/' || text[11] != ':' || text[20] != ' ' ||
		    num_parse_u64((struct str){text + 7, 4}, YEAR_MAX, &year) < 0 ||
		    year < YEAR_MIN) {
			return false;
		}
		ret->ns = (days_from_civil((int64_t)year, month, (unsigned)day) * S_PER_DAY + tod) *
			  NS_PER_S;
		know_second(lt, text, 20, ret->ns);
	}
	if (text[20] != ' ' || !take_zone(&zone, &zone_s) || zone.len > 0) {
		return false;
	}
	ret->ns -= zone_s * NS_PER_S;
	return true;
}

/* "Sep 8 07:46:30 ": a day of one digit that was not padded. */
static bool take_unpadded(struct log_time *lt, struct str *line, struct wall *ret)
{
	char padded[16];
	struct str text = {padded, sizeof(padded)};

	memcpy(padded, line->ptr, 4);
	padded[4] = ' ';
	memcpy(padded + 5, line->ptr + 4, sizeof(padded) - 5);
	if (!take_rfc3164(lt, &text, ret)) {
		return false;
	}
	*line = str_skip(*line, sizeof(padded) - 1);
	return true;
}

enum log_time_form log_time_take(struct log_time *lt, struct str *line, struct wall *ret)
{
	if (line->len < 20) {
		return LOG_TIME_NONE;
	}
	size_t known = log_time_known(lt, *line, ret);
	if (known > 0) {
		*line = str_skip(*line, known);
		return known == LOG_TIME_KNOWN_EXIM ? LOG_TIME_EXIM : LOG_TIME_RFC3164;
	}
	char first = line->ptr[0];
	if (char_is_alpha(first)) {
		bool is_unpadded = line->ptr[3] == ' ' && line->ptr[5] == ' ';
		bool ok = is_unpadded ? take_unpadded(lt, line, ret) : take_rfc3164(lt, line, ret);
		return ok ? LOG_TIME_RFC3164 : LOG_TIME_NONE;
	}
	if (char_is_digit(first)) {
		return take_iso(lt, line, ret);
	}
	if (first == '@') {
		return take_tai64n(line, ret) ? LOG_TIME_TAI64N : LOG_TIME_NONE;
	}
	if (first == '[') {
		return take_php(lt, line, ret) ? LOG_TIME_PHP : LOG_TIME_NONE;
	}
	return LOG_TIME_NONE;
}
