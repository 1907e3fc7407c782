/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tries: wrong tokens that clients showed. Who goes on showing them has to wait, whatever the next
 * one is; and so have all, when very many come. A client is an address, of IPv6 a /64. Layer:
 * daemon.
 */
#ifndef DAEMON_DESK_TRIES_H
#define DAEMON_DESK_TRIES_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/siphash.h"
#include "proto/addr.h"

/* Wrong ones within a window, of one client and of all. */
#define TRIES_WINDOW_S 600
#define TRIES_CLIENT_MAX 10
#define TRIES_ALL_MAX 600
/* Clients that are told apart; beyond, the ones with the fewest tries are forgotten. */
#define TRIES_CLIENTS_MAX 1024

struct tries;

/** @return NULL without memory. */
MUSTUSE struct tries *tries_new(const struct siphash_key *key);
/** NULL is allowed. */
void tries_free(struct tries *t);

/**
 * May somebody show a token now?
 *
 * @param client  Its address; family 0: not known, then only all together count.
 * @return 0: yes; else seconds to wait.
 */
uint32_t tries_wait_s(const struct tries *t, const struct addr *client, struct mono now);
/** It was wrong. */
void tries_add(struct tries *t, const struct addr *client, struct mono now);

#endif
