/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd: owning file descriptors. Layer: sys.
 */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/poison.h"

void fd_close(int *fd)
{
	if (*fd >= 0) {
		int kept = errno;
		close(*fd);
		errno = kept;
		*fd = -1;
	}
}

int fd_move(int *fd)
{
	int moved = *fd;

	*fd = -1;
	return moved;
}

int fd_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		return -errno;
	}
	return 0;
}
