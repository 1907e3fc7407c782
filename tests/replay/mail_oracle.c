/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_oracle: reads messages with our walker and with GMime and prints where they differ.
 *
 * Usage: mail_oracle [-v] < LIST       one file name a line
 * One line a field: how many messages have it, in how many both agree, and what explains the
 * others. A difference that no rule below explains is printed in full, and the end is 1.
 *
 * We do not aim at GMime's answers, but where we differ we want to know why. The rules:
 *   octets   GMime guesses Latin-1 for octets that no charset explains; we escape them (\xNN)
 *   charset  only characters over U+007F differ: GMime reads ISO 8859-1 without Windows-1252 and
 *            lacks some charsets
 *   less     GMime has less: it ends a text at the first octet that iconv refuses, and loses an
 *            encoded word whose neighbour ends in base64 padding; it leaves out parts without
 *            header and body, and octets that no address may have
 *   blanks   only white space differs: folding, blanks at the ends of words; or a part's size
 *            by one line end, where CRLF and LF are mixed before a boundary
 *   broken   the field or part is malformed, and we say so in the view's flags; or it is an
 *            address without "@", which GMime drops and we show as it stands; or a name in a
 *            comment, which GMime does not take; or uuencode, which we do not decode
 *   cut      over one of our limits
 * Files with CR alone at line ends are no mail on the wire; the runner leaves them out.
 */
#include "proto/mail.h"

#include <gmime/gmime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field {
	SUBJECT,
	FROM_ADDR,
	FROM_NAME,
	TO_ADDRS,
	MESSAGE_ID,
	PART_TYPES,
	PART_SIZES,
	PART_NAMES,
	TEXT,
	FIELD_COUNT,
};

static const char *const field_names[] = {"subject",    "from",       "from name",
					  "to",         "message-id", "part types",
					  "part sizes", "file names", "text"};

enum reason {
	SAME,
	OCTETS,
	CHARSET,
	LESS,
	BLANKS,
	BROKEN,
	CUT,
	UNEXPLAINED,
	REASON_COUNT,
};

static const char *const reason_names[] = {"same",   "octets", "charset", "less",
					   "blanks", "broken", "cut",     "unexplained"};

static unsigned long counts[FIELD_COUNT][REASON_COUNT];
static bool is_verbose;

/* What GMime sees of the parts, as text to compare. */
struct parts {
	GString *types;
	GString *sizes;
	GString *names;
	GString *text;
};

static void same_newlines(GString *s)
{
	gsize to = 0;

	for (gsize i = 0; i < s->len; i++) {
		if (s->str[i] != '\r') {
			s->str[to++] = s->str[i];
		}
	}
	g_string_truncate(s, to);
}

static void leaf_add(GMimePart *part, const char *type, struct parts *p)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	const char *how = g_mime_object_get_disposition(GMIME_OBJECT(part));
	const char *file = g_mime_part_get_filename(part);
	gssize size = 0;

	if (content != NULL) {
		GMimeStream *null = g_mime_stream_null_new();
		size = g_mime_data_wrapper_write_to_stream(content, null);
		g_object_unref(null);
	}
	g_string_append_printf(p->sizes, "%zd ", size);
	g_string_append_printf(p->names, "%s ", file == NULL || *file == '\0' ? "-" : file);
	if (strcmp(type, "text/plain") == 0 && GMIME_IS_TEXT_PART(part) &&
	    (how == NULL || g_ascii_strcasecmp(how, "attachment") != 0)) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
		g_string_append(p->text, text == NULL ? "" : text);
		g_string_append_c(p->text, '\1');
		g_free(text);
	}
}

static void part_add(GMimeObject *part, struct parts *p)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);
	char *name = g_mime_content_type_get_mime_type(type);
	char *lower = g_ascii_strdown(name, -1);

	g_string_append_printf(p->types, "%s ", lower);
	if (GMIME_IS_MULTIPART(part)) {
		for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(part)); i++) {
			part_add(g_mime_multipart_get_part(GMIME_MULTIPART(part), i), p);
		}
	} else if (GMIME_IS_MESSAGE_PART(part)) {
		GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
		if (message != NULL && g_mime_message_get_mime_part(message) != NULL) {
			part_add(g_mime_message_get_mime_part(message), p);
		}
	} else if (GMIME_IS_PART(part)) {
		leaf_add(GMIME_PART(part), lower, p);
	}
	g_free(lower);
	g_free(name);
}

static GString *ours_text(const struct mail_view *v)
{
	GString *s = g_string_new(NULL);

	for (size_t i = 0; i < v->part_count; i++) {
		const struct mail_part *p = &v->parts[i];
		if (p->kind == MAIL_KIND_TEXT && str_is_equal(p->type, STR("text/plain"))) {
			g_string_append_len(s, v->text.ptr + p->text_at, (gssize)p->text_len);
			g_string_append_c(s, '\1');
		}
	}
	return s;
}

static void ours_parts(const struct mail_view *v, struct parts *ret)
{
	for (size_t i = 0; i < v->part_count; i++) {
		const struct mail_part *p = &v->parts[i];
		g_string_append_printf(ret->types, "%.*s ", STR_ARG(p->type));
		if (p->kind == MAIL_KIND_MULTIPART || p->kind == MAIL_KIND_MESSAGE) {
			continue;
		}
		g_string_append_printf(ret->sizes, "%llu ", (unsigned long long)p->size_bytes);
		g_string_append_printf(ret->names, "%.*s ",
				       STR_ARG(p->name.len == 0 ? STR("-") : p->name));
	}
}

static char *without_blanks(const char *s)
{
	GString *out = g_string_new(NULL);

	for (; *s != '\0'; s++) {
		if (!g_ascii_isspace(*s)) {
			g_string_append_c(out, *s);
		}
	}
	return g_string_free(out, FALSE);
}

static bool is_ascii_same(const char *a, const char *b)
{
	for (;;) {
		while ((*a & 0x80) != 0) {
			a++;
		}
		while ((*b & 0x80) != 0) {
			b++;
		}
		if (*a != *b || *a == '\0') {
			return *a == *b;
		}
		a++;
		b++;
	}
}

/* Are all octets of `less` in `more`, in order? */
static bool is_less(const char *less, const char *more)
{
	for (; *more != '\0'; more++) {
		less += *less == *more;
	}
	return *less == '\0';
}

static bool are_sizes_near(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		char *a_end;
		char *b_end;
		long difference = strtol(a, &a_end, 10) - strtol(b, &b_end, 10);
		if (difference < -1 || difference > 1 || *a_end != ' ' || *b_end != ' ') {
			return false;
		}
		a = a_end + 1;
		b = b_end + 1;
	}
	return *a == *b;
}

/* An address field where something has no "@", or more than one. */
static bool is_no_address(const char *s)
{
	bool is_bad = *s == '\0';

	for (char **words = g_strsplit(s, " ", -1), **w = words; *w != NULL; w++) {
		const char *at = strchr(*w, '@');
		is_bad |= **w != '\0' && (at == NULL || strchr(at + 1, '@') != NULL || at == *w);
		if (w[1] == NULL) {
			g_strfreev(words);
			break;
		}
	}
	return is_bad;
}

static bool has_uuencode(const struct mail_view *v)
{
	for (size_t i = 0; i < v->part_count; i++) {
		if (v->parts[i].encoding == MAIL_ENCODING_UUENCODE) {
			return true;
		}
	}
	return false;
}

static enum reason field_reason(const struct mail_view *v, enum field field, const char *ours,
				const char *theirs)
{
	bool is_addrs = field == FROM_ADDR || field == TO_ADDRS;

	if (field == PART_SIZES && are_sizes_near(ours, theirs)) {
		return BLANKS;
	}
	if ((field == PART_SIZES && has_uuencode(v)) ||
	    (is_addrs && (is_no_address(ours) || is_no_address(theirs))) ||
	    (field == FROM_NAME && *theirs == '\0') ||
	    (field == MESSAGE_ID && is_less(theirs, ours))) {
		return BROKEN;
	}
	if ((field == SUBJECT || field == TEXT || field == FROM_NAME) &&
	    is_ascii_same(ours, theirs)) {
		return CHARSET;
	}
	if (field == TO_ADDRS && v->to.count < v->to.total) {
		return CUT;
	}
	if ((field < MESSAGE_ID || field == PART_TYPES || field == TEXT) && is_less(theirs, ours)) {
		return LESS;
	}
	return UNEXPLAINED;
}

static enum reason reason_of(const struct mail_view *v, enum field field, const char *ours,
			     const char *theirs)
{
	const unsigned broken = MAIL_FLAG_HEADER_BROKEN | MAIL_FLAG_HEADER_TWICE |
				MAIL_FLAG_WORD_BROKEN | MAIL_FLAG_BOUNDARY_NONE |
				MAIL_FLAG_BOUNDARY_OPEN | MAIL_FLAG_QP_BROKEN |
				MAIL_FLAG_BASE64_BROKEN | MAIL_FLAG_NUL | MAIL_FLAG_BODY_NONE;
	const unsigned cut = MAIL_FLAG_TEXT_CUT | MAIL_FLAG_PARTS_CUT | MAIL_FLAG_HEADER_LONG |
			     MAIL_FLAG_MEMORY;

	if (strcmp(ours, theirs) == 0) {
		return SAME;
	}
	char *a = without_blanks(ours);
	char *b = without_blanks(theirs);
	bool is_blanks = strcmp(a, b) == 0;
	g_free(a);
	g_free(b);
	if (is_blanks) {
		return BLANKS;
	}
	if (strstr(ours, "\\x") != NULL || (v->flags & MAIL_FLAG_HEADER_8BIT) != 0) {
		return OCTETS;
	}
	if ((v->flags & cut) != 0) {
		return CUT;
	}
	if (field >= PART_TYPES && (v->flags & (broken)) != 0) {
		return BROKEN;
	}
	if ((v->flags & (MAIL_FLAG_CHARSET_UNKNOWN | MAIL_FLAG_CHARSET_BROKEN)) != 0) {
		return CHARSET;
	}
	if ((v->flags &
	     (MAIL_FLAG_HEADER_TWICE | MAIL_FLAG_WORD_BROKEN | MAIL_FLAG_HEADER_BROKEN)) != 0) {
		return BROKEN;
	}
	return field_reason(v, field, ours, theirs);
}

static void compare(const char *file, const struct mail_view *v, enum field field, const char *ours,
		    const char *theirs)
{
	enum reason reason = reason_of(v, field, ours, theirs);

	counts[field][reason]++;
	if (reason == UNEXPLAINED || (is_verbose && reason > BLANKS)) {
		size_t at = 0;
		while (ours[at] == theirs[at]) {
			at++;
		}
		at = at < 40 ? 0 : at - 40;
		printf("%s: %s: %s\n  ours   [%.300s]\n  theirs [%.300s]\n", file,
		       field_names[field], reason_names[reason], ours + at, theirs + at);
	}
}

static GString *their_addrs(InternetAddressList *list, GString *names)
{
	GString *s = g_string_new(NULL);
	int n = list == NULL ? 0 : internet_address_list_length(list);

	for (int i = 0; i < n; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		if (INTERNET_ADDRESS_IS_GROUP(a)) {
			InternetAddressList *members = internet_address_group_get_members(
				INTERNET_ADDRESS_GROUP(a));
			GString *inner = their_addrs(members, NULL);
			g_string_append(s, inner->str);
			g_string_free(inner, TRUE);
			continue;
		}
		const char *addr = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a));
		g_string_append_printf(s, "%s ", addr == NULL ? "" : addr);
		if (names != NULL && i == 0) {
			const char *name = internet_address_get_name(a);
			g_string_append(names, name == NULL ? "" : name);
		}
	}
	return s;
}

static GString *our_addrs(const struct mail_addrs *list)
{
	GString *s = g_string_new(NULL);

	for (size_t i = 0; i < list->count; i++) {
		g_string_append_printf(s, "%.*s ", STR_ARG(list->items[i].addr));
	}
	return s;
}

static void header_compare(const char *file, const struct mail_view *v, GMimeMessage *message)
{
	GString *names = g_string_new(NULL);
	GString *theirs = their_addrs(g_mime_message_get_from(message), names);
	GString *ours = our_addrs(&v->from);
	char *subject = g_strndup(v->subject.ptr == NULL ? "" : v->subject.ptr, v->subject.len);
	const char *their_subject = g_mime_message_get_subject(message);
	struct str our_name = v->from.count > 0 ? v->from.items[0].name : STR("");

	compare(file, v, SUBJECT, subject, their_subject == NULL ? "" : their_subject);
	compare(file, v, FROM_ADDR, ours->str, theirs->str);
	g_string_assign(ours, "");
	g_string_append_len(ours, our_name.ptr, (gssize)our_name.len);
	compare(file, v, FROM_NAME, ours->str, names->str);
	g_string_free(ours, TRUE);
	g_string_free(theirs, TRUE);
	ours = our_addrs(&v->to);
	theirs = their_addrs(g_mime_message_get_to(message), NULL);
	compare(file, v, TO_ADDRS, ours->str, theirs->str);
	g_string_free(ours, TRUE);
	g_string_free(theirs, TRUE);
	const char *their_id = g_mime_message_get_message_id(message);
	struct str id = v->message_id;
	if (id.len > 1 && id.ptr[0] == '<') {
		id = str_skip(str_head(id, id.len - 1), 1);
	}
	char *our_id = g_strndup(id.ptr == NULL ? "" : id.ptr, id.len);
	compare(file, v, MESSAGE_ID, our_id, their_id == NULL ? "" : their_id);
	g_free(our_id);
	g_free(subject);
	g_string_free(names, TRUE);
}

static void message_compare(const char *file, const char *octets, size_t len)
{
	struct mail *m = mail_new(NULL, NULL);
	mail_step(m, (struct str){octets, len});
	const struct mail_view *v = mail_end(m);
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(octets, len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	if (message != NULL) {
		struct parts ours = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL),
				     NULL};
		struct parts theirs = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL),
				       g_string_new(NULL)};
		header_compare(file, v, message);
		ours_parts(v, &ours);
		ours.text = ours_text(v);
		GMimeObject *top = g_mime_message_get_mime_part(message);
		if (top != NULL) {
			part_add(top, &theirs);
		}
		same_newlines(theirs.text);
		compare(file, v, PART_TYPES, ours.types->str, theirs.types->str);
		if (strcmp(ours.types->str, theirs.types->str) == 0) {
			compare(file, v, PART_SIZES, ours.sizes->str, theirs.sizes->str);
			compare(file, v, PART_NAMES, ours.names->str, theirs.names->str);
			compare(file, v, TEXT, ours.text->str, theirs.text->str);
		}
		for (GString **s = &ours.types; s <= &ours.text; s++) {
			g_string_free(*s, TRUE);
		}
		for (GString **s = &theirs.types; s <= &theirs.text; s++) {
			g_string_free(*s, TRUE);
		}
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	mail_free(m);
}

int main(int argc, char **argv)
{
	char line[4096];
	unsigned long messages = 0;
	unsigned long unexplained = 0;

	is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	g_mime_init();
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		gchar *octets = NULL;
		gsize len = 0;
		if (g_file_get_contents(line, &octets, &len, NULL)) {
			message_compare(line, octets, len);
			messages++;
			g_free(octets);
		}
	}
	g_mime_shutdown();
	printf("messages: %lu\n", messages);
	for (int f = 0; f < FIELD_COUNT; f++) {
		printf("%-12s", field_names[f]);
		for (int r = 0; r < REASON_COUNT; r++) {
			printf(" %s %lu", reason_names[r], counts[f][r]);
		}
		printf("\n");
		unexplained += counts[f][UNEXPLAINED];
	}
	return messages == 0 || unexplained > 0 ? 1 : 0;
}
