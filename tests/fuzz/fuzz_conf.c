/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a configuration: either a policy, which shown and loaded again is the same, or at
 * least one error with a message.
 */
#include "base/assert.h"
#include "conf/conf.h"

#include <stddef.h>
#include <stdint.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_report *report = conf_report_new();
	struct policy *p = NULL;
	struct policy *again = NULL;
	struct buf shown;
	struct buf twice;

	ASSERT(report != NULL);
	buf_init(&shown, 1 << 22);
	buf_init(&twice, 1 << 22);
	int r = conf_load_text((struct str){(const char *)data, size}, "fuzz", report, &p);
	ASSERT((r == 0) == (conf_report_errors(report) == 0));
	for (size_t i = 0; i < conf_report_count(report); i++) {
		ASSERT(conf_report_get(report, i)->text[0] != '\0');
	}
	if (r == 0) {
		conf_show_yaml(p, &shown);
		ASSERT(conf_load_text(buf_str(&shown), "shown", report, &again) == 0);
		conf_show_yaml(again, &twice);
		ASSERT(str_is_equal(buf_str(&shown), buf_str(&twice)));
	}
	policy_free(p);
	policy_free(again);
	buf_done(&shown);
	buf_done(&twice);
	conf_report_free(report);
	return 0;
}
