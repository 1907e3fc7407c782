/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: the inside of conf: files into one policy, and where each setting stood. Layer: conf.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/report.h"
#include "conf/schema.h"
#include "core/policy.h"

/* Where one value stood: of a list in a list in a list, index[0] is the outermost. */
struct conf_mark {
	const struct conf_row *row;
	uint32_t index[3];
	struct conf_place at;
};

struct conf_loader {
	struct policy *policy;
	struct conf_report *report;
	struct conf_mark *marks;
	size_t mark_count;
	size_t mark_size;
};

/** Add one file's text to the policy. Errors go to the report; go on with the next file. */
void conf_load_file_text(struct conf_loader *l, struct str text, const char *file);

/** What one setting alone cannot tell: doubled names and sources, what this version lacks. */
void conf_check(struct conf_loader *l);

#endif
