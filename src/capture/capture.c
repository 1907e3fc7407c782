/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture: which format it is, and what both have in common. Layer: adapter.
 */
#include "capture/capture.h"

#include "capture/format.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

static const char *unit_of(const struct capture *c)
{
	return input_is_packed(c->in) ? "octet (unpacked)" : "octet";
}

int capture_damage(struct capture *c, struct errmsg *reterr, const char *what, uint64_t value)
{
	return err_set(reterr, -EBADMSG, "damaged at %s %llu: %s (%llu)", unit_of(c),
		       (unsigned long long)input_offset(c->in), what, (unsigned long long)value);
}

int capture_want(struct capture *c, size_t n, struct str *ret, struct errmsg *reterr)
{
	int r = input_want(c->in, n, ret, reterr);

	if (r < 0) {
		return err_prefix(reterr, r, "after %s %llu", unit_of(c),
				  (unsigned long long)input_offset(c->in));
	}
	if (ret->len == 0 && n > 0) {
		return 0;
	}
	if (ret->len < n) {
		return err_set(reterr, -EBADMSG, "cut off at %s %llu: %zu of %zu octets are there",
			       unit_of(c), (unsigned long long)input_offset(c->in), ret->len, n);
	}
	return 1;
}

/* @return 0, or -EBADMSG when it begins like neither format. */
static int recognise(struct capture *c, struct errmsg *reterr)
{
	struct str head;

	int r = input_want(c->in, 4, &head, reterr);
	if (r < 0) {
		return r;
	}
	if (head.len == 4 && memcmp(head.ptr, "\x0a\x0d\x0d\x0a", 4) == 0) {
		return pcapng_begin(c, reterr);
	}
	return pcap_begin(c, reterr);
}

int capture_open_fd(int fd, struct capture **ret, struct errmsg *reterr)
{
	struct capture *c = calloc(1, sizeof(*c));
	struct stat st;
	int r;

	if (c == NULL) {
		fd_close(&fd);
		return err_set(reterr, -ENOMEM, "no memory");
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		c->size = (uint64_t)st.st_size;
	}
	r = input_new(fd, &c->in, reterr);
	if (r == 0) {
		r = recognise(c, reterr);
	}
	if (r < 0) {
		capture_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

int capture_open(const char *path, struct capture **ret, struct errmsg *reterr)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_set(reterr, -errno, "%s", strerror(errno));
	}
	return capture_open_fd(fd, ret, reterr);
}

void capture_close(struct capture *c)
{
	if (c != NULL) {
		input_free(c->in);
		free(c->interfaces);
		free(c);
	}
}

int capture_next(struct capture *c, struct capture_frame *ret, struct errmsg *reterr)
{
	return c->is_ng ? pcapng_next(c, ret, reterr) : pcap_next(c, ret, reterr);
}

uint64_t capture_read(const struct capture *c)
{
	return input_read(c->in);
}

uint64_t capture_size(const struct capture *c)
{
	return c->size;
}
