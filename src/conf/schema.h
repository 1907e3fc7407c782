/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: one row for each setting. The row is the parser, the check, the default, the sample
 * file, the man page and what `config show` prints: nothing about a setting stands elsewhere.
 * Layer: conf.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_type {
	CONF_TEXT,     /* const char *: any text that is not empty */
	CONF_NAME,     /* const char *: letters, digits and . _ - */
	CONF_PATH,     /* const char *: absolute */
	CONF_ENDPOINT, /* const char *: address:port */
	CONF_MAIL,     /* const char *: local@domain */
	CONF_URL,      /* const char *: http:// or https://, no slash at the end */
	CONF_BOOL,     /* bool */
	CONF_UINT,     /* unsigned, as wide as the field: min to max */
	CONF_DURATION, /* seconds in the same: 90s, 10m, 1h, 7d */
	CONF_RATE,     /* per minute in the same: 6/m, 1/s, 120/h */
	CONF_PERCENT,  /* millionths of one in the same: 1%, .05 */
	CONF_MICRO,    /* millionths in the same: 16, 6.5 */
	CONF_WORD,     /* an enum of core/words.h, or a row's own list */
	CONF_PREFIX,   /* struct prefix */
	CONF_MAP,      /* settings of their own, in the same struct */
	CONF_TYPE_COUNT,
};

enum conf_many {
	CONF_ONE,
	CONF_FEW,  /* a list in a field of fixed size; `items_max` and perhaps a count */
	CONF_MANY, /* a list of any length: a pointer into the arena and a count */
};

/* What a word becomes in the snapshot. */
enum conf_store {
	CONF_AS_ENUM, /* its number, in an unsigned */
	CONF_AS_BOOL, /* whether it is the second of two */
	CONF_AS_TEXT, /* const char *: itself */
};

/* The words a CONF_WORD may be. */
struct conf_words {
	enum conf_store store;
	int (*find)(struct str name);
	const char *(*name)(unsigned value);
	unsigned count;
};

struct conf_map;

struct conf_row {
	const char *key;
	enum conf_type type;
	enum conf_many many;
	size_t offset;       /* of the field in the struct of the row's map */
	size_t width;        /* octets of the field */
	size_t count_offset; /* of a list's count; NO_COUNT: exactly items_max items */
	size_t items_max;    /* of a CONF_FEW */
	uint64_t min;
	uint64_t max;
	const struct conf_words *words;
	const struct conf_map *map;
	bool required;
	bool nullable;      /* `null` switches it off */
	const char *dflt;   /* as it would be written; NULL: none */
	const char *sample; /* for the sample file, where there is no default */
	const char *help;   /* a sentence */
};

#define NO_COUNT SIZE_MAX

struct conf_map {
	const char *what; /* one of it: "network" */
	const struct conf_row *rows;
	size_t row_count;
	size_t size; /* of its struct; 0 when it shares its parent's */
};

/* Keys of one map, at most (a bit each). */
#define CONF_ROWS_MAX 32
/* Maps and lists inside each other, at most: tenants, servers, sources and their maps are 6. */
#define CONF_DEPTH_MAX 8

extern const struct conf_map conf_root;
/* Maps that the checks across settings know by name. */
extern const struct conf_map conf_network_map;
extern const struct conf_map conf_tenant_map;
extern const struct conf_map conf_server_map;
extern const struct conf_map conf_list_map;
extern const struct conf_map conf_opinion_map;

/** @return The row with this key, or NULL. */
const struct conf_row *conf_find_row(const struct conf_map *m, struct str key);
/** The row whose key is the most like `key`, if it is like it at all; else NULL. */
const struct conf_row *conf_near_row(const struct conf_map *m, struct str key);

#endif
