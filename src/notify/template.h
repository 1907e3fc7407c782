/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: text with holes. Layer: notify.
 *
 *   {{name}}                the value
 *   {{#name}}…{{/name}}     shown when the value is not empty
 *   {{^name}}…{{/name}}     shown when it is empty
 *
 * Values are put in as they are and never read again, so nothing in a value can be a hole. A line
 * that holds nothing but a section mark vanishes. Sections do not nest.
 */
#ifndef NOTIFY_TEMPLATE_H
#define NOTIFY_TEMPLATE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define TEMPLATE_VARS_MAX 64
/* Largest template file. */
#define TEMPLATE_MAX ((size_t)64 << 10)

struct template_vars {
	struct {
		const char *name;
		struct str value;
	} items[TEMPLATE_VARS_MAX];
	size_t count;
};

/** Set a value; both are borrowed. A name that is there is replaced. */
void template_set(struct template_vars *v, const char *name, struct str value);

/**
 * Fill the holes.
 *
 * @return 0; -EINVAL for an unknown name, or a mark that is not closed, with its line.
 */
MUSTUSE int template_fill(struct str text, const struct template_vars *v, struct buf *out,
			  struct errmsg *reterr);

/* The texts of one mail and its parts. */
enum template_id {
	TEMPLATE_BLOCK,
	TEMPLATE_REBLOCK,
	TEMPLATE_REFUSED,
	TEMPLATE_UNBLOCK,
	TEMPLATE_CASE,    /* one case within a mail */
	TEMPLATE_EXAMPLE, /* one message within a case */
	TEMPLATE_COUNT,
};

/** "block", as the file is called without its ".txt". */
const char *template_name(enum template_id id);

struct templates;

/**
 * Read the operator's texts over our own.
 *
 * @param dir   Its folders are languages: DIR/en/block.txt. NULL or missing: only ours.
 * @return 0; a negative errno with a text that names the file when one can't be read.
 */
MUSTUSE int templates_load(const char *dir, const char *const *languages, size_t count,
			   struct templates **ret, struct errmsg *reterr);
/** NULL is allowed. */
void templates_free(struct templates *t);
/** In that language, else in English. @param t  NULL: only our own. */
struct str templates_get(const struct templates *t, const char *language, enum template_id id);

#endif
