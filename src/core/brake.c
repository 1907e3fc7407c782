/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brake: the mass-block brake. Layer: core (pure).
 */
#include "core/brake.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

int brake_init(struct brake *b)
{
	*b = (struct brake){.times = calloc(BRAKE_BLOCKS_MAX, sizeof(*b->times))};
	return b->times == NULL ? -ENOMEM : 0;
}

void brake_done(struct brake *b)
{
	free(b->times);
	*b = (struct brake){0};
}

uint32_t brake_limit(const struct decision_policy *d, uint32_t active)
{
	uint64_t share = (uint64_t)active * d->brake_share_ppm / 1000000;
	uint64_t limit = share > d->brake_blocks ? share : d->brake_blocks;

	return limit > BRAKE_BLOCKS_MAX ? BRAKE_BLOCKS_MAX : (uint32_t)limit;
}

uint32_t brake_blocks(struct brake *b, const struct decision_policy *d, uint32_t now_s)
{
	while (b->count > 0) {
		uint32_t oldest = b->times[b->first];
		if (now_s < oldest || now_s - oldest < d->brake_window_s) {
			break;
		}
		b->first = (b->first + 1) % BRAKE_BLOCKS_MAX;
		b->count--;
	}
	return b->count;
}

bool brake_ask(struct brake *b, const struct decision_policy *d, uint32_t active, uint32_t now_s)
{
	if (!b->is_on && brake_blocks(b, d, now_s) >= brake_limit(d, active)) {
		b->is_on = true;
	}
	if (b->is_on) {
		return false;
	}
	b->times[(b->first + b->count) % BRAKE_BLOCKS_MAX] = now_s;
	b->count++;
	return true;
}

void brake_lift(struct brake *b)
{
	b->is_on = false;
	b->count = 0;
}

void brake_put(struct enc *e, const struct brake *b)
{
	enc_bool(e, b->is_on);
	enc_uint(e, 4, b->count);
	for (uint32_t i = 0; i < b->count; i++) {
		enc_uint(e, 4, b->times[(b->first + i) % BRAKE_BLOCKS_MAX]);
	}
}

void brake_get(struct cur *c, struct brake *b)
{
	bool is_on = cur_bool(c);
	uint32_t count = (uint32_t)cur_uint(c, 4, BRAKE_BLOCKS_MAX);

	b->first = 0;
	b->count = 0;
	b->is_on = is_on;
	for (uint32_t i = 0; i < count && c->err == 0; i++) {
		b->times[b->count++] = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	}
}
