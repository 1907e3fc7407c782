/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights files of any octets: refused or used, never more. The checksum is put right first, or
 * nothing would get past it; what was read is written again and must be the same octets.
 */
#include "base/assert.h"
#include "core/model.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The tables are large: the input gives the head and repeats itself to fill them. */
	static struct model_seen seen;
	struct model *real = model_new();
	struct model *m;
	struct buf file;

	buf_init(&file, MODEL_BYTES_MAX);
	if (real == NULL || model_encode(real, &file) < 0 || size == 0) {
		goto out;
	}
	size_t body = file.len - SHA256_OCTETS;

	for (size_t i = 12; i < body && i - 12 < size; i++) {
		file.ptr[i] = (char)data[i - 12];
	}
	sha256_of((struct str){file.ptr, body}, (uint8_t *)file.ptr + body);
	if (model_decode(buf_str(&file), &m, NULL) == 0) {
		struct buf again;

		buf_init(&again, MODEL_BYTES_MAX);
		ASSERT(model_encode(m, &again) == 0);
		ASSERT(str_is_equal(buf_str(&file), buf_str(&again)));
		for (enum member i = 0; i < MEMBER_COUNT; i++) {
			uint32_t bins[3] = {0, data[0], data[0]};
			int64_t logit = model_member_logit(&m->members[i], bins, 3, &seen);

			ASSERT(logit <= MODEL_LOGIT_MAX && logit >= -MODEL_LOGIT_MAX);
			ASSERT(model_score_micro(m, logit) <= 1000000);
			ASSERT(model_bin(m, logit) < SCORE_BINS);
		}
		buf_done(&again);
		model_free(m);
	}
	(void)model_decode((struct str){(const char *)data, size}, &m, NULL);
out:
	buf_done(&file);
	model_free(real);
	return 0;
}
