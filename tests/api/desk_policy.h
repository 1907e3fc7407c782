/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_policy: a network that enforces and the server b1 of tenant b in it, for what tests the
 * desk without a configuration file.
 */
#ifndef TESTS_API_DESK_POLICY_H
#define TESTS_API_DESK_POLICY_H

#include "base/assert.h"
#include "core/policy.h"

static struct network networks[2];
static struct server servers[1];
static struct tenant tenants[1];
static struct prefix prefixes[4];
static const char *contacts[] = {"owner@b.example"};

static struct prefix prefix(const char *text)
{
	struct prefix p;
	int r = prefix_parse(str_of(text), &p);

	ASSERT(r == 0);
	return p;
}

static void desk_policy_make(struct policy *p)
{
	prefixes[0] = prefix("192.0.2.0/24");
	prefixes[1] = prefix("2001:db8::/32");
	prefixes[2] = prefix("192.0.2.20");
	prefixes[3] = prefix("2001:db8:0:20::/64");
	networks[0] = (struct network){.name = "customers",
				       .prefixes = prefixes,
				       .prefix_count = 2,
				       .mode = MODE_ENFORCE,
				       .unblock = UNBLOCK_CHECKED,
				       .v6_source_len = 64};
	servers[0] = (struct server){.name = "b1", .sources = prefixes + 2, .source_count = 2};
	tenants[0] = (struct tenant){.name = "b",
				     .contacts = contacts,
				     .contact_count = 1,
				     .language = "en",
				     .servers = servers,
				     .server_count = 1};
	p->networks = networks;
	p->network_count = 1;
	p->tenants = tenants;
	p->tenant_count = 1;
	p->notice_smtp = "127.0.0.1:9";
	p->notice_from = "abuse@provider.example";
	p->notice_portal = "https://abuse.provider.example";
}

#endif
