/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: addresses and sources in binary form. Layer: core (pure).
 */
#include "core/wire.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

static bool is_family(uint8_t family)
{
	return family == 0 || family == 4 || family == 6;
}

void wire_put_addr(struct enc *e, const struct addr *a)
{
	enc_uint(e, 1, a->family);
	enc_bytes(e, a->octets, sizeof(a->octets));
}

void wire_get_addr(struct cur *c, struct addr *ret)
{
	struct addr a = {.family = (uint8_t)cur_uint(c, 1, 6)};

	cur_copy(c, a.octets, sizeof(a.octets));
	struct prefix whole = {0};
	if (is_family(a.family)) {
		whole = prefix_of(&a, addr_bits(&a));
	}
	if (!is_family(a.family) || !addr_is_equal(&whole.addr, &a)) {
		c->err = -EBADMSG;
		a = (struct addr){0};
	}
	*ret = a;
}

void wire_get_version(struct cur *c, uint8_t version)
{
	if (cur_uint(c, 1, version) != version) {
		c->err = -EBADMSG;
	}
}

unsigned wire_get_version_of(struct cur *c, uint8_t oldest, uint8_t newest)
{
	unsigned version = (unsigned)cur_uint(c, 1, newest);

	if (version < oldest) {
		c->err = -EBADMSG;
	}
	return version;
}

void wire_put_source(struct enc *e, const struct source_key *k)
{
	enc_uint(e, 2, k->network);
	wire_put_addr(e, &k->prefix.addr);
	enc_uint(e, 1, k->prefix.len);
}

void wire_get_source(struct cur *c, struct source_key *ret)
{
	struct source_key k = {.network = (uint16_t)cur_uint(c, 2, UINT16_MAX)};
	struct addr a;

	wire_get_addr(c, &a);
	unsigned len = (unsigned)cur_uint(c, 1, addr_bits(&a));
	k.prefix = prefix_of(&a, len);
	if (!addr_is_equal(&k.prefix.addr, &a)) {
		c->err = -EBADMSG;
	}
	*ret = k;
}
