/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_qmail: qmail-send knows no logins; Plesk's SMTP server writes each before its
 * message. Which of qmail's users that server is shows when a login writes as itself. Within
 * core/attribution. Layer: core (pure).
 */
#ifndef CORE_ATTRIBUTION_QMAIL_H
#define CORE_ATTRIBUTION_QMAIL_H

#include "core/attribution_entry.h"

/** A login at the SMTP server. */
void qmail_learn_login(struct attribution *a, const struct log_event *ev, struct wall now);
/** An arrival as it is, and with the login's account and client if it is the login's message. */
void qmail_join_login(struct attribution *a, const struct log_event *ev, struct wall now,
		      struct log_event *ret);

#endif
