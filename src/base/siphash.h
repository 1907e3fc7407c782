/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash: SipHash-2-4, the keyed hash for tables whose keys strangers choose. Layer: base.
 *
 * libsodium's, behind one header (docs/adr/0002).
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0;
	uint64_t k1;
};

PURE uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

#endif
