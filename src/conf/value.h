/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: one scalar of the configuration, from text into its field and back. Layer: conf.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/schema.h"

/* Longest scalar, in octets; a longer one is an error. */
#define CONF_SCALAR_MAX 1024

struct conf_scalar {
	struct str text;
	bool is_quoted; /* so it is text, whatever it looks like */
};

/**
 * Read one scalar into the field at `at`.
 *
 * @param arena  Keeps the texts.
 * @return 0; -EINVAL with what is wanted in the message, which goes on after "'key' ".
 */
MUSTUSE int conf_value_parse(const struct conf_row *row, const struct conf_scalar *in, void *at,
			     struct arena *arena, struct errmsg *reterr);

/** Is there anything in the field? A text that is NULL is not. */
bool conf_value_is_set(const struct conf_row *row, const void *at);
/** The field as it would be written, without quotes. Durations and rates in their largest unit. */
void conf_value_format(const struct conf_row *row, const void *at, struct buf *out);
/** Is it a number or true/false in JSON, not a text? */
bool conf_type_is_bare(enum conf_type type);
/** What the type wants, for messages and the man page: "a duration such as 90s, 10m, 24h or 7d". */
const char *conf_type_wants(enum conf_type type);

#endif
