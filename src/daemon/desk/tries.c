/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tries: wrong tokens by client. Layer: daemon.
 */
#include "daemon/desk/tries.h"

#include <stdlib.h>

#include "base/poison.h"

#define WAYS 4
#define WINDOW_NS (TRIES_WINDOW_S * NS_PER_S)

/* Tries since a moment. */
struct window {
	struct mono begin;
	uint32_t count;
};

struct client {
	struct addr net;
	struct window tries;
};

struct tries {
	struct siphash_key key;
	struct window all;
	struct client clients[TRIES_CLIENTS_MAX]; /* WAYS places for each hash */
};

struct tries *tries_new(const struct siphash_key *key)
{
	struct tries *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->key = *key;
	}
	return t;
}

void tries_free(struct tries *t)
{
	free(t);
}

static bool is_over(const struct window *w, struct mono now)
{
	return w->count == 0 || now.ns - w->begin.ns >= WINDOW_NS;
}

static uint32_t wait_s(const struct window *w, uint32_t most, struct mono now)
{
	if (is_over(w, now) || w->count < most) {
		return 0;
	}
	return (uint32_t)((w->begin.ns + WINDOW_NS - now.ns + NS_PER_S - 1) / NS_PER_S);
}

static void count(struct window *w, struct mono now)
{
	if (is_over(w, now)) {
		*w = (struct window){.begin = now};
	}
	w->count++;
}

static struct addr net_of(const struct addr *client)
{
	return client->family == 6 ? prefix_of(client, 64).addr : *client;
}

/* Its places; it is in one of them or in none. */
static size_t first_of(const struct tries *t, const struct addr *net)
{
	uint64_t hash = siphash13(&t->key, net->octets, sizeof(net->octets));

	return (size_t)(hash % (TRIES_CLIENTS_MAX / WAYS)) * WAYS;
}

uint32_t tries_wait_s(const struct tries *t, const struct addr *client, struct mono now)
{
	const struct addr net = net_of(client);
	const struct client *places = &t->clients[first_of(t, &net)];
	uint32_t wait = wait_s(&t->all, TRIES_ALL_MAX, now);

	for (size_t i = 0; i < WAYS && net.family != 0; i++) {
		if (addr_is_equal(&places[i].net, &net)) {
			uint32_t own = wait_s(&places[i].tries, TRIES_CLIENT_MAX, now);
			wait = own > wait ? own : wait;
		}
	}
	return wait;
}

void tries_add(struct tries *t, const struct addr *client, struct mono now)
{
	const struct addr net = net_of(client);
	struct client *places = &t->clients[first_of(t, &net)];
	struct client *place = &places[0];

	count(&t->all, now);
	if (net.family == 0) {
		return;
	}
	for (size_t i = 0; i < WAYS; i++) {
		if (addr_is_equal(&places[i].net, &net)) {
			place = &places[i];
			break;
		}
		uint32_t tries = is_over(&places[i].tries, now) ? 0 : places[i].tries.count;
		uint32_t least = is_over(&place->tries, now) ? 0 : place->tries.count;
		place = tries < least ? &places[i] : place;
	}
	if (!addr_is_equal(&place->net, &net)) {
		*place = (struct client){.net = net};
	}
	count(&place->tries, now);
}
