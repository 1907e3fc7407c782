/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input: a file or pipe as octets to look at, unpacked on the way when it is gzip.
 *
 * Read in pieces of 1 MiB; a view of what is wanted next is always in one piece. Layer: adapter.
 */
#ifndef CAPTURE_INPUT_H
#define CAPTURE_INPUT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The most that input_want can show at once. */
#define INPUT_WANT_MAX ((size_t)24 << 20)

struct input;

/**
 * @param fd  Taken over, also on failure.
 * @return 0, or a negative errno.
 */
MUSTUSE int input_new(int fd, struct input **ret, struct errmsg *reterr);
/** Closes the descriptor. NULL is allowed. */
void input_free(struct input *in);

/**
 * Look at the next octets without taking them.
 *
 * @param ret  Exactly `n` of them, or, at the end of the input, those that are left; borrowed
 *             until the next call.
 * @return 0, or a negative errno: the input cannot be read or unpacked. -EIO then stays.
 */
MUSTUSE int input_want(struct input *in, size_t n, struct str *ret, struct errmsg *reterr);
/** Take n octets that input_want has shown. */
void input_take(struct input *in, size_t n);

/** Octets taken so far, of the unpacked input. */
uint64_t input_offset(const struct input *in);
/** Octets read from the file so far, as it lies there: for progress. */
uint64_t input_read(const struct input *in);
bool input_is_packed(const struct input *in);

#endif
