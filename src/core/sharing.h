/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sharing: has the same campaign come from several unrelated tenants within the hour?
 *
 * Unlike other customers' newsletters, one spammer's campaign leaves a network through many
 * tenants at once. A campaign counts for a tenant when it sent it in bulk, so that the notices
 * that every installation of one program sends one by one accuse nobody. Knows only the last
 * hour, and is empty after a start. Layer: core (pure). Source: DECISION §2, §4.
 */
#ifndef CORE_SHARING_H
#define CORE_SHARING_H

#include "base/attr.h"
#include "core/observation.h"

/* Tenants that make a campaign shared, and the recipients each must have tried. */
#define SHARING_TENANTS 3
#define SHARING_BULK_RCPTS 5
#define SHARING_WINDOW_S 3600
/* Bits that two texts may differ by. Less than where copies of one source are put together
 * (core/campaign.h): that spares a source, this accuses one. */
#define SHARING_HAMMING_MAX 3
/* Campaigns followed at once; a new one takes the place of an old one in its bucket. */
#define SHARING_CAMPAIGNS 32768

struct sharing;

/** @return NULL without memory. */
MUSTUSE struct sharing *sharing_new(void);
void sharing_free(struct sharing *s);

/**
 * Count one message of a tenant.
 *
 * @return true when its campaign is shared now, this tenant being one of those.
 */
bool sharing_note(struct sharing *s, const struct message_obs *o, uint32_t tenant, uint32_t now_s);

#endif
