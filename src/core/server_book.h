/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_book: which server and tenant a source belongs to, found by hash instead of by walking
 * the configuration. Layer: core (pure).
 */
#ifndef CORE_SERVER_BOOK_H
#define CORE_SERVER_BOOK_H

#include "base/attr.h"
#include "base/siphash.h"
#include "core/policy.h"

#define SERVER_BOOK_NONE UINT32_MAX

struct server_book;

/** @param p  Lent while the book lives. @return NULL without memory. */
MUSTUSE struct server_book *server_book_new(const struct policy *p, const struct siphash_key *key);
void server_book_free(struct server_book *b);

uint32_t server_book_count(const struct server_book *b);
/** The server with the longest prefix around the source, or SERVER_BOOK_NONE. */
uint32_t server_book_find(const struct server_book *b, const struct prefix *source);
const struct server *server_book_get(const struct server_book *b, uint32_t server);

#endif
