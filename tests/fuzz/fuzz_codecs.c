/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever octets arrive as a message between processes: what is taken encodes to the same
 * octets again, so there is one way to write each value and nothing hides between fields. What is
 * of the version before (its first octet says so) is written in the new one.
 * The first octet chooses the kind.
 */
#include "base/assert.h"
#include "core/observation.h"
#include "core/order.h"
#include "core/proof.h"
#include "core/sample.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t again[SAMPLE_ENCODED_MAX];

static void check(int n, const uint8_t *data, size_t len)
{
	ASSERT(n > 0 && again[0] >= data[0]);
	if (again[0] == data[0]) {
		ASSERT((size_t)n == len);
		ASSERT(memcmp(again, data, len) == 0);
	}
}

static void check_observations(const uint8_t *data, size_t len)
{
	struct message_obs m;
	struct session_obs s;

	if (message_obs_decode(data, len, &m) == 0) {
		ASSERT(m.rcpts_unknown <= m.rcpts_refused && m.rcpts_refused <= m.rcpts);
		check(message_obs_encode(&m, again, sizeof(again)), data, len);
	}
	if (session_obs_decode(data, len, &s) == 0) {
		check(session_obs_encode(&s, again, sizeof(again)), data, len);
	}
}

static void check_orders(const uint8_t *data, size_t len)
{
	struct order o;
	struct order_report r;

	if (order_decode(data, len, &o) == 0) {
		check(order_encode(&o, again, sizeof(again)), data, len);
	}
	if (order_report_decode(data, len, &r) == 0) {
		check(order_report_encode(&r, again, sizeof(again)), data, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sample sample;
	struct proof proof;

	if (len == 0) {
		return 0;
	}
	switch (data[0] % 4) {
	case 0:
		check_observations(data + 1, len - 1);
		break;
	case 1:
		check_orders(data + 1, len - 1);
		break;
	case 2:
		if (sample_decode(data + 1, len - 1, &sample) == 0) {
			check(sample_encode(&sample, again, sizeof(again)), data + 1, len - 1);
		}
		break;
	case 3:
		if (proof_decode(data + 1, len - 1, &proof) == 0) {
			check(proof_encode(&proof, again, sizeof(again)), data + 1, len - 1);
		}
		break;
	}
	return 0;
}
