/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: defaults and look-ups of the configuration snapshot. Layer: core (pure).
 *
 * Look-ups walk the lists: a first form for thousands of prefixes, not millions.
 */
#include "core/policy.h"

#include <string.h>

#include "base/poison.h"

/* What one configuration may take in memory; beyond it loading fails with "too large". */
#define POLICY_BYTES_MAX ((size_t)256 << 20)

struct policy *policy_new(void)
{
	struct arena *arena = arena_new(POLICY_BYTES_MAX);
	struct policy *p = arena == NULL ? NULL : ARENA_ZNEW(arena, struct policy);

	if (p == NULL) {
		arena_free(arena);
		return NULL;
	}
	*p = (struct policy){
		.arena = arena,
		.state_dir = "/var/lib/postern",
		.listen_api = "127.0.0.1:8025",
		.listen_socket = "/run/postern/api.sock",
		.cool_down_s = {3600, 24 * 3600, 7 * 24 * 3600},
		.cool_down_count = 3,
		.probation_s = 72 * 3600,
		.quiet_s = 600,
		.notice_burst = 3,
		.notice_window_s = 600,
		.keep_samples_s = 14 * 24 * 3600,
		.keep_events_s = 7 * 24 * 3600,
		.keep_audit_s = 400 * 24 * 3600,
		.decision =
			{
				.h_micro = 16000000,
				.h2_micro = 6000000,
				.pi0_ppm = 50000,
				.pi1_ppm = {150000, 500000, 900000},
				.copies_counted = 3,
				.copies_nats_micro = 5000000,
				.brake_blocks = 5,
				.brake_share_ppm = 10000,
				.brake_window_s = 600,
			},
		.learn_f0 = true,
		.gate_backend = "nft",
		.sandbox_required = true,
	};
	return p;
}

void policy_free(struct policy *p)
{
	if (p != NULL) {
		arena_free(p->arena);
	}
}

uint16_t policy_find_network(const struct policy *p, const struct addr *a)
{
	uint16_t best = NETWORK_NONE;
	int best_len = -1;

	for (size_t n = 0; n < p->network_count; n++) {
		for (size_t i = 0; i < p->networks[n].prefix_count; i++) {
			const struct prefix *candidate = &p->networks[n].prefixes[i];
			if (candidate->len > best_len && prefix_has_addr(candidate, a)) {
				best = (uint16_t)n;
				best_len = candidate->len;
			}
		}
	}
	return best;
}

const struct server *policy_find_server(const struct policy *p, const struct prefix *source)
{
	const struct server *best = NULL;
	int best_len = -1;

	for (size_t t = 0; t < p->tenant_count; t++) {
		for (size_t s = 0; s < p->tenants[t].server_count; s++) {
			const struct server *server = &p->tenants[t].servers[s];
			for (size_t i = 0; i < server->source_count; i++) {
				if (server->sources[i].len > best_len &&
				    prefix_has_prefix(&server->sources[i], source)) {
					best = server;
					best_len = server->sources[i].len;
				}
			}
		}
	}
	return best;
}

bool policy_is_never_block(const struct policy *p, const struct prefix *source)
{
	for (size_t i = 0; i < p->never_block_count; i++) {
		/* Also the other way round: blocking a /64 would block an address in it. */
		if (prefix_has_prefix(&p->never_block[i], source) ||
		    prefix_has_prefix(source, &p->never_block[i])) {
			return true;
		}
	}
	return false;
}

bool network_has_port(const struct network *n, uint16_t port)
{
	for (size_t i = 0; i < n->port_count; i++) {
		if (n->ports[i] == port) {
			return true;
		}
	}
	return false;
}
