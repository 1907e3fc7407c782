/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enforce: the list of backends. Layer: enforce.
 */
#include "enforce/enforce.h"

#include <errno.h>

#include "base/poison.h"

static const struct enforce_ops *const backends[] = {
	&enforce_nft,
	&enforce_dry_run,
};

const struct enforce_ops *enforce_find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(backends); i++) {
		if (str_is_equal(str_of(backends[i]->name), name)) {
			return backends[i];
		}
	}
	return NULL;
}

const char *enforce_name(size_t i)
{
	return i < COUNT_OF(backends) ? backends[i]->name : NULL;
}

int enforce_open(struct enforcer *e, struct str backend, const struct enforce_opts *opts,
		 struct errmsg *reterr)
{
	*e = (struct enforcer){.ops = enforce_find(backend), .opts = *opts};
	if (e->ops == NULL) {
		return err_set(reterr, -ENOENT, "no gate backend '%.*s'", STR_ARG(backend));
	}
	if (e->opts.sources_max == 0) {
		e->opts.sources_max = ENFORCE_SOURCES_MAX;
	}
	if (e->opts.back_s == 0) {
		e->opts.back_s = ENFORCE_BACK_S;
	}
	int r = e->ops->open(e, reterr);
	if (r < 0) {
		enforce_close(e);
	}
	return r;
}

void enforce_close(struct enforcer *e)
{
	if (e->ops != NULL) {
		e->ops->close(e);
	}
	*e = (struct enforcer){0};
}

enum rung enforce_rung(enum rung wanted)
{
	return wanted == RUNG_DIVERT ? RUNG_THROTTLE : wanted;
}
