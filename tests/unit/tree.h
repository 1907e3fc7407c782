/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a folder of a test's own, taken away with all that is in it.
 */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include <ftw.h>
#include <stdio.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Links are removed, not followed. @return 0, or what the first failure gave. */
static int tree_remove(const char *top)
{
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
