/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice: what each cause means and how to end it, in the order stop, clean, secure, purge,
 * unblock. Layer: doctor.
 */
#ifndef DOCTOR_ADVICE_H
#define DOCTOR_ADVICE_H

#include "base/buf.h"
#include "core/cause.h"

/** A few words: "a stolen password". */
const char *advice_title(enum cause c);
/** Numbered steps. */
void advice_print(enum cause c, struct buf *out);

#endif
