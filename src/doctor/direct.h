/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct: what no log shows: a program that bypasses the mail server. Layer: doctor.
 */
#ifndef DOCTOR_DIRECT_H
#define DOCTOR_DIRECT_H

#include "doctor/diagnose.h"
#include "doctor/live.h"

/* Different machines that one user talks to at once, from which no message is needed to blame it:
 * no monitor and no form does that. */
#define DIRECT_FAR_MANY 5

/**
 * Blame the user whose connections to port 25 explain what is in no log, or that has many; when
 * nobody is seen, an unknown program, if most of what was asked for is in no log.
 * Nobody is blamed for one connection alone.
 *
 * @param l  NULL: no connections could be looked at.
 * @return 0, or -ENOMEM.
 */
MUSTUSE int direct_judge(struct diagnosis *d, const struct live *l);

#endif
