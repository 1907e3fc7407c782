/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show: answers of the daemon as text for a terminal. What strangers wrote is shown without its
 * control characters, or it could write on the terminal what it likes. Layer: cli.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/client.h"

#define TABLE_COLUMNS_MAX 10

/* One column: its title and the member it shows. */
struct column {
	const char *title;
	const char *key;
};

/** Print the array as a table with aligned columns; `none` when it is empty. */
void show_table(const struct jsonr *items, const struct column *columns, size_t n,
		const char *none);
/** "title: text", the titles aligned; nothing when the value is null. */
void show_line(const char *title, const struct jsonr *v);
/** A scalar as text; a time as "2026-11-24 07:12:03", null as "-", an array of texts with
 * spaces between. */
void show_text(struct buf *out, const struct jsonr *v);
/** Peers' text without control characters; line breaks become "\n" in letters. */
void show_safely(struct buf *out, struct str s);
/** All lines of a text, each led in, safely. */
void show_block(const char *lead, struct str s);
/** With --json: the answer as it came, and true. */
bool show_json(const struct cli *cli, const struct reply *r);

/** The number of columns of a text on a terminal (each code point is one). */
size_t show_width(struct str s);

#endif
