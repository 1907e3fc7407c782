/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entropy: octets from the kernel. Layer: sys.
 */
#include "sys/entropy.h"

#include "base/assert.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/poison.h"

void entropy_fill(void *ret, size_t len)
{
	uint8_t *at = ret;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);
		ASSERT(n > 0 || errno == EINTR);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

struct siphash_key entropy_siphash_key(void)
{
	struct siphash_key key;

	entropy_fill(&key, sizeof(key));
	return key;
}
