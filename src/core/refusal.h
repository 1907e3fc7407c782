/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: what a mail server means when it refuses, from its code and words. Layer: core (pure).
 *
 * Words go before enhanced codes, because 5.7.1 is used for everything. In doubt it is
 * REFUSAL_OTHER, which is evidence of nothing.
 */
#ifndef CORE_REFUSAL_H
#define CORE_REFUSAL_H

#include "base/attr.h"
#include "base/str.h"
#include "core/observation.h"

/**
 * @param code  Three digits; REFUSAL_NONE below 400.
 * @param text  Of the reply, without the code; its enhanced code first when it has one.
 *
 * REFUSAL_UNKNOWN_USER only for 5xx: a 4xx may be grey-listing. Cost: linear in the first 512
 * octets of the text.
 */
enum refusal refusal_of(uint16_t code, struct str text);

#endif
