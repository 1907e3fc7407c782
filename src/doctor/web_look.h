/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_look: asks the access logs of a machine which request came with the mail of the sources that
 * are blamed, and judges them again with the answer. Layer: doctor.
 */
#ifndef DOCTOR_WEB_LOOK_H
#define DOCTOR_WEB_LOOK_H

#include "doctor/diagnose.h"
#include "doctor/web_set.h"

/* Sources that are looked into, those with the most recipients. */
#define WEB_LOOK_SOURCES_MAX 4

/**
 * @return 0, or -ENOMEM. What can't be read is left out; what is damaged or too much is told in the
 * diagnosis.
 */
MUSTUSE int web_look(struct diagnosis *d, const struct web_set *set, struct errmsg *reterr);

#endif
