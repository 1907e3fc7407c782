/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd: owning file descriptors. -1 is the empty one. Layer: sys.
 */
#ifndef SYS_FD_H
#define SYS_FD_H

#include "base/attr.h"

/** Close and make empty; errno is kept. */
void fd_close(int *fd);
/** Hand ownership on: returns the descriptor and leaves -1 behind. */
int fd_move(int *fd);
/** @return 0, or a negative errno. */
MUSTUSE int fd_set_nonblocking(int fd);

#endif
