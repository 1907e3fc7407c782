/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_dir: --state, the configuration, or the default. Layer: cli.
 */
#include "cli/state_dir.h"

#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define STATE_DEFAULT "/var/lib/postern"

int state_dir_path(const struct cli_args *args, const char *name, char *ret, size_t size)
{
	const char *state = cli_value(args, "state");
	const char *config = cli_value(args, "config");
	struct conf_report *report = conf_report_new();
	struct policy *policy = NULL;

	if (state == NULL && report != NULL &&
	    conf_load(config == NULL ? CONF_DEFAULT_PATH : config, report, &policy) == 0) {
		state = policy->state_dir;
	}
	if (state == NULL) {
		state = STATE_DEFAULT;
		if (config != NULL) {
			fprintf(stderr, "postern: '%s' cannot be read: state is taken to be %s\n",
				config, state);
		}
	}
	int n = snprintf(ret, size, "%s/%s", state, name);
	policy_free(policy);
	conf_report_free(report);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
