/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_addr: address fields (From, To, …): mailboxes, groups, comments, quoted and encoded names.
 *
 * Splits first and decodes then, so that a comma in an encoded name is no separator.
 * Layer: proto (pure).
 */
#ifndef PROTO_MAIL_ADDR_H
#define PROTO_MAIL_ADDR_H

#include "base/arena.h"
#include "proto/mail.h"

/**
 * Read a field's value and append its addresses to `list`.
 *
 * @param in    Unfolded.
 * @param list  Up to MAIL_ADDRS_MAX are kept; total counts all.
 * @return Facts for the view's flags (enum mail_flag).
 *
 * Cost: linear. Source: RFC 5322, 3.4 and 4.4.
 */
unsigned mail_addr_parse(struct str in, struct arena *arena, struct mail_addrs *list);

#endif
