/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: the configuration file and conf.d/ beside it become a policy, or a list of what is wrong.
 *
 * Strict: an unknown or doubled key, a wrong type, an anchor, a tag or a tab is an error with its
 * place. All errors are found, not only the first. Settings in conf.d/ go before those of the
 * main file, lists there are added to its lists. Layer: conf.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/jsonw.h"
#include "conf/report.h"
#include "core/policy.h"

#define CONF_DEFAULT_PATH "/etc/postern/postern.yaml"
/* A larger file is an error. */
#define CONF_FILE_BYTES_MAX ((size_t)64 << 20)

/**
 * Load `path`, then *.yaml of conf.d/ beside it in byte order of names. Interfaces that this
 * machine lacks are warnings.
 *
 * @param report      Gets all problems; warnings also on success.
 * @param ret_policy  The caller's, to be freed with policy_free.
 * @return 0; -EINVAL when there are errors; -ENOENT, -EACCES … when `path` cannot be read (that
 *         is in the report too).
 */
MUSTUSE int conf_load(const char *path, struct conf_report *report, struct policy **ret_policy);

/** The same for one text in memory, without conf.d/; `name` stands in the places. */
MUSTUSE int conf_load_text(struct str text, const char *name, struct conf_report *report,
			   struct policy **ret_policy);

/** The effective configuration with all defaults, as YAML that loads again to the same. */
void conf_show_yaml(const struct policy *p, struct buf *out);
/** The same as one JSON object. */
void conf_show_json(const struct policy *p, struct jsonw *w);

/** The sample file, etc/postern.yaml: every setting with its meaning and default. */
void conf_sample(struct buf *out);
/** The section SETTINGS of man/postern.yaml.5.scd. */
void conf_manual(struct buf *out);

#endif
