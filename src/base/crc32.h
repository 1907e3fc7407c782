/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32: the checksum of gzip (reflected, polynomial 0xEDB88320). Layer: base.
 *
 * Two ways with the same results: carry-less multiplication where the processor has it, tables
 * elsewhere.
 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include "base/attr.h"
#include "base/str.h"

struct crc32 {
	bool has_clmul; /* may be set to false, for tests */
	uint32_t tables[8][256];
};

void crc32_init(struct crc32 *c);

/** @param crc  Of what came before; 0 at the beginning. */
uint32_t crc32_add(const struct crc32 *c, uint32_t crc, struct str octets);

#endif
