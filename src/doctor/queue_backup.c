/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_backup: envelope and header of what goes. Layer: doctor.
 */
#include "doctor/queue_backup.h"

#include "base/jsonw.h"
#include "doctor/queue_plan.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

/* Octets that are gathered before they are written. */
#define FLUSH_BYTES ((size_t)256 * 1024)
#define LINE_MAX_BYTES ((size_t)32 << 20)

struct backup {
	int fd;
	struct buf out;
};

static int flush(struct backup *b, size_t over)
{
	if (b->out.len <= over) {
		return buf_end(&b->out);
	}
	int r = buf_end(&b->out);
	if (r == 0) {
		r = file_write_all(b->fd, buf_str(&b->out));
	}
	buf_clear(&b->out);
	return r;
}

static int write_one(void *ctx, const struct queue_seen *s)
{
	struct backup *b = ctx;
	struct jsonw w = jsonw_of(&b->out);
	struct str rcpts = s->rcpts;

	jsonw_object(&w, NULL);
	jsonw_str(&w, "id", s->info->id);
	jsonw_time(&w, "arrival", s->item->arrival);
	jsonw_str(&w, "sender", s->mail->sender);
	jsonw_str_or_null(&w, "account", s->mail->account);
	jsonw_str_or_null(&w, "client", s->mail->client_addr);
	jsonw_array(&w, "recipients");
	while (rcpts.len > 0) {
		jsonw_str(&w, NULL, str_take_until(&rcpts, '\n'));
	}
	jsonw_array_end(&w);
	jsonw_str(&w, "header", s->header);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
	return flush(b, FLUSH_BYTES);
}

static struct str info_key(const void *item)
{
	return ((const struct queue_info *)item)->id;
}

static int write_all(struct backup *b, const struct queue_list *l, const struct queue_dir *dir,
		     struct errmsg *reterr)
{
	struct map *ids = map_new(QUEUE_LIST_MAX, &l->key, info_key);
	struct queue_list *again = queue_list_new();
	int r = ids == NULL || again == NULL ? err_set(reterr, -ENOMEM, "no memory") : 0;

	for (size_t i = 0; i < l->count && r == 0; i++) {
		if (queue_fate_goes(l->items[i].fate) && map_add(ids, &l->infos[i]) < 0) {
			r = err_set(reterr, -ENOMEM, "no memory");
		}
	}
	if (r == 0) {
		struct queue_load_opts how = {.ids = ids, .on_seen = write_one, .ctx = b};
		r = queue_list_load(again, dir, &how, reterr);
	}
	queue_list_free(again);
	map_free(ids);
	return r;
}

int queue_backup_write(const char *path, const struct queue_list *l, const struct queue_dir *dir,
		       struct errmsg *reterr)
{
	struct backup b = {.fd = -1};
	int r;

	(void)unlink(path); /* never through a link that lies there */
	b.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b.fd < 0) {
		r = -errno;
		return err_set(reterr, r, "cannot write %s: %s", path, strerror(-r));
	}
	buf_init(&b.out, LINE_MAX_BYTES);
	r = write_all(&b, l, dir, reterr);
	if (r == 0) {
		r = flush(&b, 0);
		if (r == 0 && fsync(b.fd) < 0) {
			r = -errno;
		}
		if (r < 0) {
			(void)err_set(reterr, r, "cannot write %s: %s", path, strerror(-r));
		}
	}
	buf_done(&b.out);
	fd_close(&b.fd);
	return r;
}
