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
/** What the logins before an arrival say about it. */
enum qmail_join {
	QMAIL_JOIN_NONE,    /* nothing: it came another way, or there are no logins at all */
	QMAIL_JOIN_LOGIN,   /* it is this login's message */
	QMAIL_JOIN_OPEN,    /* it came by SMTP, and nobody had logged in */
	QMAIL_JOIN_SEVERAL, /* it came by SMTP, from one of several logins */
};

/**
 * Find the login that an arrival belongs to.
 *
 * @param ret  The arrival as it is, and with the login's account and client if it is its message.
 */
MUSTUSE enum qmail_join qmail_join_login(struct attribution *a, const struct log_event *ev,
					 struct wall now, struct log_event *ret);

#endif
