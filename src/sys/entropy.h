/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entropy: random octets from the kernel. (Not random.h: it would hide the C library's
 * <sys/random.h>.) Layer: sys.
 */
#ifndef SYS_ENTROPY_H
#define SYS_ENTROPY_H

#include "base/siphash.h"

#include <stddef.h>

/** Fill with random octets; the kernel never fails once it has started, else we end. */
void entropy_fill(void *ret, size_t len);
/** A fresh secret for a hash table. */
struct siphash_key entropy_siphash_key(void);

#endif
