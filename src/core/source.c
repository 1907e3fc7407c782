/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: keys of sources. Layer: core (pure).
 */
#include "core/source.h"

#include "base/assert.h"

#include <string.h>

#include "base/poison.h"

struct source_key source_of(uint16_t network, const struct addr *client, unsigned v6_len)
{
	unsigned len = client->family == 6 ? v6_len : addr_bits(client);

	return (struct source_key){.network = network, .prefix = prefix_of(client, len)};
}

bool source_is_equal(const struct source_key *a, const struct source_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct str source_key_str(const struct source_key *k)
{
	return (struct str){(const char *)k, sizeof(*k)};
}

char *source_format(const struct source_key *k, char ret_text[static ADDR_TEXT_SIZE])
{
	return prefix_format(&k->prefix, ret_text);
}
