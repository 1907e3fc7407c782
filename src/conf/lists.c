/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: from a file to hashes. Layer: conf.
 */
#include "conf/lists.h"

#include "conf/suffixes.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define PIECE ((size_t)256 << 10)

static int read_all(int fd, struct url_list *l)
{
	char *room = malloc(PIECE);
	ssize_t n = 1;
	int r = room == NULL ? -ENOMEM : 0;

	while (r == 0 && n > 0) {
		n = read(fd, room, PIECE);
		if (n < 0) {
			r = -errno;
		} else {
			url_list_step(l, (struct str){room, (size_t)n});
		}
	}
	free(room);
	return r < 0 ? r : url_list_end(l);
}

int list_read(const struct list_policy *p, struct url_list *ret, struct errmsg *reterr)
{
	/* No secret is needed: nobody waits for a look-up here. */
	static const struct siphash_key key = {0x6c697374, 0x75726c73};
	struct suffixes *suffixes = NULL;
	int r = suffixes_load(&suffixes, reterr);

	if (r < 0) {
		return r;
	}
	int fd = open(p->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
		suffixes_free(suffixes);
		return err_set(reterr, r, "cannot read %s: %s", p->file, strerror(-r));
	}
	url_list_init(ret, &p->format, &key, p->entries_max);
	url_list_know_suffixes(ret, suffixes_has, suffixes);
	r = read_all(fd, ret);
	fd_close(&fd);
	suffixes_free(suffixes);
	if (r < 0) {
		url_list_done(ret);
		return err_set(reterr, r, "cannot read %s: %s", p->file, strerror(-r));
	}
	return 0;
}
