/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: a diagnosis as JSON (DESIGN §11) and in words. Layer: doctor.
 */
#ifndef DOCTOR_PRINT_H
#define DOCTOR_PRINT_H

#include "base/buf.h"
#include "doctor/diagnose.h"
#include "doctor/live.h"

/** One JSON object and a newline. @param live NULL: the connections were not looked at. */
void print_json(const struct diagnosis *d, const struct log_set *set, const struct live *live,
		struct buf *out);
/** For a person: who, why, how many, the evidence, what to do. */
void print_text(const struct diagnosis *d, const struct log_set *set, const struct live *live,
		struct buf *out);

#endif
