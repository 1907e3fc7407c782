/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_param: Content-Type and Content-Disposition: a value and its parameters, RFC 2231's
 * continued and encoded ones too. Layer: proto (pure).
 */
#ifndef PROTO_MAIL_PARAM_H
#define PROTO_MAIL_PARAM_H

#include "base/buf.h"
#include "base/str.h"

/* Pieces of one parameter ("name*0*=", "name*1=", …) that are put together. */
#define MAIL_PARAM_PIECES_MAX 32

/** What stands before the first semicolon, trimmed, without comments. Borrowed. */
struct str mail_param_value(struct str field);

/**
 * Find a parameter and append it decoded to `out`: quotes taken off, RFC 2231 put together and
 * decoded, and encoded words, which do not belong there, decoded too.
 *
 * @param flags  Gets facts for the view's flags (enum mail_flag) added.
 * @return false: there is none.
 */
bool mail_param_find(struct str field, struct str name, struct buf *out, unsigned *flags);

#endif
