/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suffixes: libpsl. Layer: conf.
 */
#include "conf/suffixes.h"

#include "base/assert.h"

#include <errno.h>
#include <libpsl.h>
#include <stdlib.h>

#include "base/poison.h"

struct suffixes {
	psl_ctx_t *list;
};

int suffixes_load(struct suffixes **ret, struct errmsg *reterr)
{
	struct suffixes *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	s->list = psl_latest(NULL); /* the newer of the distribution's file and the built-in one */
	if (s->list == NULL) {
		free(s);
		return err_set(reterr, -ENOENT,
			       "no public suffix list: install the package publicsuffix");
	}
	*ret = s;
	return 0;
}

void suffixes_free(struct suffixes *s)
{
	if (s != NULL) {
		psl_free(s->list);
		free(s);
	}
}

bool suffixes_has(const void *suffixes, const char *name)
{
	const struct suffixes *s = suffixes;

	ASSERT(s != NULL && name != NULL);
	return psl_is_public_suffix(s->list, name) != 0;
}
