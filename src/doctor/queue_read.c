/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_read: one queued message. Layer: doctor.
 */
#include "doctor/queue_read.h"

#include "core/attribution_sender.h"
#include "doctor/queue_list.h"
#include "proto/queue_exim.h"
#include "proto/queue_plain.h"
#include "proto/queue_postfix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define JOURNAL_MAX ((size_t)1 << 20)
#define RCPTS_MAX ((size_t)4 << 20)
#define FORM_MAX 1024
#define SCRIPT_MAX 512

/* Files of PHP programs through which good and bad mail goes. */
static const char *const mailers[] = {"phpmailer.php", "class-phpmailer.php", "class.phpmailer.php",
				      "pluggable.php", "class-smtp.php",      "smtp.php",
				      "mailer.php",    "sendmail.php",        "mail.php"};

static void learn_script(struct queue_reader *r, struct str value)
{
	struct str name = value;

	r->is_odd = r->is_odd || script_is_odd(value);
	/* "33:x.php", "host/path/x.php for 192.0.2.1" */
	name = str_take_until(&name, ' ');
	for (size_t i = name.len; i > 0; i--) {
		if (name.ptr[i - 1] == '/' || name.ptr[i - 1] == ':') {
			name = str_skip(name, i);
			break;
		}
	}
	for (size_t i = 0; i < COUNT_OF(mailers); i++) {
		if (str_is_equal_nocase(name, str_of(mailers[i]))) {
			return;
		}
	}
	buf_clear(&r->script);
	buf_add(&r->script, str_head(value, SCRIPT_MAX / 2));
}

/* "<20261127.4F2@host>" is "x.x@": how it is made, not what it says. */
static void add_id_form(struct queue_reader *r, struct str value)
{
	bool in_word = false;

	for (size_t i = 0; i < value.len && i < 80; i++) {
		char c = value.ptr[i];
		bool is_word = char_is_digit(c) || char_is_alpha(c);
		if (is_word && !in_word) {
			buf_add_char(&r->form, 'x');
		} else if (!is_word) {
			buf_add_char(&r->form, c);
		}
		in_word = is_word;
		if (c == '@') {
			return;
		}
	}
}

static void see_field(void *ctx, struct str name, struct str value)
{
	struct queue_reader *r = ctx;

	if (str_is_equal_nocase(name, STR("x-php-originating-script")) ||
	    str_is_equal_nocase(name, STR("x-php-script"))) {
		learn_script(r, value);
	}
	if (str_is_equal_nocase(name, STR("received")) || r->form.len > FORM_MAX - 256) {
		return;
	}
	for (size_t i = 0; i < name.len && i < 64; i++) {
		buf_add_char(&r->form, char_lower(name.ptr[i]));
	}
	buf_add_char(&r->form, ':');
	if (str_is_equal_nocase(name, STR("message-id"))) {
		add_id_form(r, value);
	} else if (str_is_equal_nocase(name, STR("x-mailer")) ||
		   str_is_equal_nocase(name, STR("user-agent"))) {
		buf_add(&r->form, str_head(value, 64));
	}
}

static void see_rcpt(void *ctx, struct str rcpt, bool is_done)
{
	struct queue_reader *r = ctx;

	(void)is_done;
	if (r->rcpts.len + rcpt.len + 1 <= RCPTS_MAX) {
		buf_add(&r->rcpts, rcpt);
		buf_add_char(&r->rcpts, '\n');
	}
}

int queue_reader_init(struct queue_reader *r, const struct siphash_key *key)
{
	*r = (struct queue_reader){.key = *key};
	buf_init(&r->file, QUEUE_FILE_BYTES);
	buf_init(&r->journal, JOURNAL_MAX);
	buf_init(&r->content, QUEUE_CONTENT_BYTES);
	buf_init(&r->rcpts, RCPTS_MAX);
	buf_init(&r->form, FORM_MAX);
	buf_init(&r->script, SCRIPT_MAX);
	r->walker = mail_new(see_field, r);
	return r->walker == NULL ? -ENOMEM : 0;
}

void queue_reader_done(struct queue_reader *r)
{
	mail_free(r->walker);
	buf_done(&r->file);
	buf_done(&r->journal);
	buf_done(&r->content);
	buf_done(&r->rcpts);
	buf_done(&r->form);
	buf_done(&r->script);
}

/* Up to `max` octets of an open file are added. */
static int read_fd(int fd, struct buf *b, size_t max)
{
	size_t end = b->len + max < b->max ? b->len + max : b->max;

	while (b->len < end) {
		char *room = buf_reserve(b, end - b->len);
		if (room == NULL) {
			return -ENOMEM;
		}
		ssize_t n = read(fd, room, end - b->len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		b->len += (size_t)n;
	}
	return 0;
}

/* A file beside the one at hand, ID-D, ID-J or dfID; that it is not there is no failure. */
static int read_beside(const struct queue_file *f, const char *form, struct buf *b, size_t max,
		       uint64_t *ret_size)
{
	char name[QUEUE_ID_MAX + 3];
	struct stat st;
	int r = 0;

	bool is_before = form[0] != '-';
	(void)snprintf(name, sizeof(name), "%s%.*s%s", is_before ? form : "", STR_ARG(f->id),
		       is_before ? "" : form);
	int fd = openat(f->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		return 0;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*ret_size = (uint64_t)st.st_size;
		r = read_fd(fd, b, max);
	}
	close(fd);
	return r;
}

static int read_exim(struct queue_reader *r, const struct queue_file *f,
		     const struct queue_sink *sink)
{
	uint64_t size = 0;
	int e = read_beside(f, "-J", &r->journal, JOURNAL_MAX, &size);

	if (e == 0) {
		e = queue_exim_parse(buf_str(&r->file), buf_str(&r->journal), sink, &r->mail);
	}
	if (e < 0) {
		return e;
	}
	/* The body, without its first line, which is its own name. */
	buf_clear(&r->journal);
	size = 0;
	if (r->is_brief) {
		return 0;
	}
	e = read_beside(f, "-D", &r->journal, QUEUE_BODY_BYTES, &size);
	struct str body = buf_str(&r->journal);
	(void)str_take_until(&body, '\n');
	if (e == 0 && r->content.len + body.len <= r->content.max) {
		buf_add(&r->content, body);
	}
	r->size_bytes += size;
	return e;
}

static struct str domain_of(struct str addr)
{
	for (size_t i = addr.len; i > 0; i--) {
		if (addr.ptr[i - 1] == '@') {
			return str_skip(addr, i);
		}
	}
	return STR_EMPTY;
}

/* Made by a mail server about another message, not by a program that says nobody sent it. */
static bool is_bounce(const struct queue_mail *m)
{
	bool is_null = m->has_sender && m->sender.len == 0;
	bool is_double = str_has_prefix_nocase(m->sender, STR("double-bounce@"));
	bool is_here = m->client_addr.len == 0 || str_is_equal(m->client_addr, STR("127.0.0.1")) ||
		       str_is_equal(m->client_addr, STR("::1"));

	return (is_null || is_double) && m->account.len == 0 && is_here;
}

static struct str bare_id(struct str id)
{
	id = str_trim(id);
	if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>') {
		return (struct str){id.ptr + 1, id.len - 2};
	}
	return id;
}

static const struct mail_view *walk(struct queue_reader *r, struct str text)
{
	buf_clear(&r->form);
	buf_clear(&r->script);
	r->is_odd = false;
	mail_reset(r->walker);
	mail_step(r->walker, text);
	return mail_end(r->walker);
}

/* Header and as much of the body as is looked at. */
static struct str start_of(struct str content)
{
	return str_head(content, str_find(content, STR("\n\n")) + QUEUE_BODY_BYTES);
}

static void mark_message(struct queue_reader *r)
{
	const struct queue_mail *m = &r->mail;
	struct str own = domain_of(m->account);

	r->view = walk(r, start_of(buf_str(&r->content)));
	queue_marks_view(&r->marks, r->view, own, &r->key);
	queue_marks_set(&r->marks, QUEUE_MARK_ENVELOPE, m->sender, &r->key);
	if (own.len > 0 && !str_is_equal_nocase(domain_of(m->sender), own)) {
		queue_marks_set(&r->marks, QUEUE_MARK_SENDER, domain_of(m->sender), &r->key);
	}
	queue_marks_set(&r->marks, QUEUE_MARK_FORM, buf_str(&r->form), &r->key);
	queue_marks_set(&r->marks, QUEUE_MARK_SCRIPT, buf_str(&r->script), &r->key);
	queue_marks_network(&r->marks, m->client_addr, &r->key);
	queue_marks_set(&r->marks, QUEUE_MARK_MESSAGE_ID, bare_id(r->view->message_id), &r->key);
}

/* A bounce has the marks of what it brings back, and goes to who sent that. */
static void mark_bounce(struct queue_reader *r)
{
	struct str first = buf_str(&r->rcpts);
	struct str returned = queue_marks_returned(start_of(buf_str(&r->content)));
	const struct mail_view *v = walk(r, returned);

	/* Links as they stand: whose domain was its sender's own is not known. */
	queue_marks_view(&r->marks, v, STR_EMPTY, &r->key);
	queue_marks_set(&r->marks, QUEUE_MARK_SCRIPT, buf_str(&r->script), &r->key);
	queue_marks_set(&r->marks, QUEUE_MARK_MESSAGE_ID, bare_id(v->message_id), &r->key);
	first = str_take_until(&first, '\n');
	queue_marks_set(&r->marks, QUEUE_MARK_ENVELOPE, first, &r->key);
	r->view = walk(r, start_of(buf_str(&r->content)));
}

/* Another file of the same number: info/S/N. That it is not there is no failure. */
static int read_part(struct queue_reader *r, const struct queue_dir *q, const struct queue_file *f,
		     const char *part, size_t *ret_len)
{
	char name[64];
	struct stat st;
	size_t before = r->journal.len;
	int e = 0;

	(void)snprintf(name, sizeof(name), "%s/%s%s%.*s", part, f->hash,
		       f->hash[0] == '\0' ? "" : "/", STR_ARG(f->id));
	int fd = openat(q->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
			e = read_fd(fd, &r->journal, JOURNAL_MAX / 4);
		}
		close(fd);
	}
	*ret_len = r->journal.len - before;
	return e;
}

static int read_qmail(struct queue_reader *r, const struct queue_dir *q, const struct queue_file *f,
		      const struct queue_sink *sink)
{
	size_t info = 0;
	size_t local = 0;
	size_t remote = 0;
	int e = read_part(r, q, f, "info", &info);

	e = e < 0 ? e : read_part(r, q, f, "local", &local);
	e = e < 0 ? e : read_part(r, q, f, "remote", &remote);
	if (e < 0) {
		return e;
	}
	/* All three in one buffer: views are taken when it no longer grows. */
	struct str all = buf_str(&r->journal);
	struct queue_qmail_files files = {.mess = buf_str(&r->file)};
	files.info = str_take(&all, info);
	files.local = str_take(&all, local);
	files.remote = str_take(&all, remote);
	e = queue_qmail_parse(&files, sink, &r->mail);
	r->mail.arrival.ns = (int64_t)f->st.st_mtim.tv_sec * NS_PER_S;
	return e;
}

static int read_sendmail(struct queue_reader *r, const struct queue_file *f,
			 const struct queue_sink *sink)
{
	uint64_t size = 0;
	int e = queue_sendmail_parse(buf_str(&r->file), sink, &r->mail);

	if (e < 0 || r->is_brief) {
		return e;
	}
	e = read_beside(f, "df", &r->content, QUEUE_BODY_BYTES, &size);
	r->size_bytes += size;
	return e;
}

static int parse(struct queue_reader *r, const struct queue_dir *q, const struct queue_file *f,
		 const struct queue_sink *sink)
{
	switch (q->mta) {
	case LOG_MTA_EXIM:
		return read_exim(r, f, sink);
	case LOG_MTA_QMAIL:
		return read_qmail(r, q, f, sink);
	case LOG_MTA_SENDMAIL:
		return read_sendmail(r, f, sink);
	case LOG_MTA_POSTFIX:
	case LOG_MTA_NONE:
	case LOG_MTA_COUNT:
		break;
	}
	return queue_postfix_parse(buf_str(&r->file), f->id, sink, &r->mail);
}

int queue_read(struct queue_reader *r, const struct queue_dir *q, const struct queue_file *f)
{
	struct queue_sink sink = {.content = &r->content, .on_rcpt = see_rcpt, .ctx = r};

	buf_clear(&r->file);
	buf_clear(&r->journal);
	buf_clear(&r->content);
	buf_clear(&r->rcpts);
	r->size_bytes = (uint64_t)f->st.st_size;
	int e = read_fd(f->fd, &r->file, r->file.max);
	if (e == 0) {
		e = parse(r, q, f, &sink);
	}
	if (e < 0) {
		return e;
	}
	r->is_bounce = is_bounce(&r->mail);
	r->marks = (struct queue_marks){0};
	if (r->is_brief) {
		struct str content = buf_str(&r->content);
		r->view = walk(r, str_head(content, str_find(content, STR("\n\n")) + 2));
	} else if (r->is_bounce) {
		mark_bounce(r);
	} else {
		mark_message(r);
	}
	return 0;
}
