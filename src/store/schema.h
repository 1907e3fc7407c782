/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: the tables, and the way from each older version to this one. Layer: store.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/db.h"

/**
 * Bring both files to STORE_VERSION, each step in a transaction: a crash in between leaves the
 * old or the new one.
 *
 * @return 0; -EPROTO when a file was written by a newer program; else a negative errno.
 */
MUSTUSE int schema_apply(struct db *db, struct errmsg *reterr);

#endif
