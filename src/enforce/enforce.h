/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enforce: makes the kernel treat sources as their rungs say. One table of functions a backend.
 *
 * A backend holds no wishes: the gate knows what ought to be, says the difference (apply) or
 * everything (load), and reads back what is. Layer: enforce.
 */
#ifndef ENFORCE_ENFORCE_H
#define ENFORCE_ENFORCE_H

#include "base/attr.h"
#include "base/err.h"
#include "core/policy.h"
#include "core/source.h"
#include "core/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sources that one kind of prefix holds at most, and after an empty load. One more is refused
 * with APPLIED_FULL; below the maximum a new load makes more room. */
#define ENFORCE_SOURCES_MAX 1048576
#define ENFORCE_SOURCES_MIN 65536
/* Both directions of a freshly blocked source are cut for this long. */
#define ENFORCE_BACK_S 900

struct enforcer;

/* One source as it should be treated from now on. */
struct enforce_action {
	struct source_key source; /* its network is one of the policy's */
	bool was_listed;          /* it has an element now */
	enum rung was;            /* of that element */
	bool listed;              /* it shall have one; false: treated like any unlisted source */
	enum rung rung;           /* of the element; RUNG_DIVERT becomes RUNG_THROTTLE here */
	bool cut;                 /* end its running sessions: the far side is reset too */
};

enum enforce_applied {
	APPLIED_DONE,
	APPLIED_FULL,    /* the limit of sources is reached */
	APPLIED_REFUSED, /* a prefix that cannot be matched */
	APPLIED_FAILED,
	APPLIED_COUNT,
};

/* What the kernel says about one source. */
struct enforce_view {
	struct source_key source; /* in */
	bool listed;              /* out: it has an element, in a zone on one interface at least */
	enum rung rung;           /* out, when listed */
	uint64_t hits;            /* out: packets that its block refused */
};

enum enforce_drift {
	DRIFT_NONE,
	DRIFT_DOUBT,  /* the ruleset was changed and our sources may be concerned: read them */
	DRIFT_BROKEN, /* ours is gone or changed: load again */
};

struct enforce_opts {
	const struct policy *policy; /* borrowed, outlives the enforcer */
	uint32_t sources_max;        /* 0: ENFORCE_SOURCES_MAX */
	uint32_t back_s;             /* 0: ENFORCE_BACK_S */
	bool no_owner;               /* do as on kernels without owned tables */
};

/** Gives the next source that has an element; false after the last. */
typedef bool enforce_next_fn(void *ctx, struct enforce_action *ret);

struct enforce_ops {
	const char *name; /* as in the configuration and in `status` */

	/* Get ready; change nothing. */
	int (*open)(struct enforcer *e, struct errmsg *reterr);
	/* Make everything new, exactly so, in one step without a hole, with room for twice as
	 * many as `count` sources and more. */
	int (*load)(struct enforcer *e, enforce_next_fn *next, void *ctx, size_t count,
		    struct errmsg *reterr);
	/* All actions in one step, or none: then each has its reason. */
	int (*apply)(struct enforcer *e, const struct enforce_action *acts, size_t n,
		     enum enforce_applied *ret_each, struct errmsg *reterr);
	int (*read)(struct enforcer *e, struct enforce_view *views, size_t n,
		    struct errmsg *reterr);
	/* Has anybody else changed something since the last call? Cheap. */
	int (*drift)(struct enforcer *e, enum enforce_drift *ret, struct errmsg *reterr);
	/* Take away everything of ours. */
	int (*clear)(struct enforcer *e, struct errmsg *reterr);
	/* Let go; what is in force stays. Also after a failed open. */
	void (*close)(struct enforcer *e);
};

struct enforcer {
	const struct enforce_ops *ops;
	struct enforce_opts opts;
	void *state; /* the backend's own */
};

/** The backend of that name, or NULL. */
const struct enforce_ops *enforce_find(struct str name);
/** The names of all backends, to walk: NULL past the last. */
const char *enforce_name(size_t i);

/**
 * Open a backend.
 *
 * @return 0; -ENOENT: no such backend; else what the backend's open says.
 */
MUSTUSE int enforce_open(struct enforcer *e, struct str backend, const struct enforce_opts *opts,
			 struct errmsg *reterr);
/** A struct of zeros is fine. */
void enforce_close(struct enforcer *e);

/** A rung that no backend can do becomes the next milder one (DESIGN §7). */
enum rung enforce_rung(enum rung wanted);

extern const struct enforce_ops enforce_nft;
extern const struct enforce_ops enforce_dry_run;

#endif
