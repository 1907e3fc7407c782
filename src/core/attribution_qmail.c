/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_qmail: logins for qmail's messages. Layer: core (pure).
 *
 * Nothing ties a login to its messages but time, the sender's address, and the uid of the SMTP
 * server. Where several accounts are logged in at once and the sender is none of them, nobody can
 * tell: then nobody is named.
 */
#include "core/attribution_qmail.h"

#include "base/poison.h"

#define LOGIN_NS (10 * NS_PER_S)   /* from a login to its first message */
#define SESSION_NS (60 * NS_PER_S) /* to the others of its session */
#define PLESK_UID 2020             /* of qmaild, wherever Plesk made it */

void qmail_learn_login(struct attribution *a, const struct log_event *ev, struct wall now)
{
	struct qmail_logins *all = &a->logins;
	struct qmail_login *q = &all->latest[all->count++ % QMAIL_LOGINS];

	q->time = now;
	q->is_open = true;
	(void)str_copy(q->account, sizeof(q->account), ev->account);
	(void)str_copy(q->client, sizeof(q->client), ev->client_addr);
	if (all->uid_seen == 0) {
		all->uid = PLESK_UID;
	}
}

/* The i-th login, the latest first; NULL when there are no more that are young enough. */
static struct qmail_login *login_at(struct qmail_logins *all, uint64_t i, struct wall now,
				    int64_t age_ns)
{
	if (i >= all->count || i >= QMAIL_LOGINS) {
		return NULL;
	}
	struct qmail_login *q = &all->latest[(all->count - 1 - i) % QMAIL_LOGINS];
	return now.ns - q->time.ns > age_ns ? NULL : q;
}

/* The login that waits for its first message and has this address. */
static struct qmail_login *find_own(struct qmail_logins *all, struct str sender, struct wall now)
{
	struct qmail_login *q;

	for (uint64_t i = 0; (q = login_at(all, i, now, LOGIN_NS)) != NULL; i++) {
		if (q->is_open && str_is_equal_nocase(sender, str_of(q->account))) {
			return q;
		}
	}
	return NULL;
}

/* The login that all of this age have in common: the oldest. */
static enum qmail_join find_only(struct qmail_logins *all, bool wants_open, struct wall now,
				 struct qmail_login **ret)
{
	struct qmail_login *q;
	struct qmail_login *found = NULL;

	for (uint64_t i = 0;
	     (q = login_at(all, i, now, wants_open ? LOGIN_NS : SESSION_NS)) != NULL; i++) {
		if (wants_open && !q->is_open) {
			continue;
		}
		if (found != NULL &&
		    !str_is_equal_nocase(str_of(q->account), str_of(found->account))) {
			return QMAIL_JOIN_SEVERAL;
		}
		found = q;
	}
	if (found == NULL) {
		return QMAIL_JOIN_OPEN;
	}
	*ret = found;
	return QMAIL_JOIN_LOGIN;
}

/* A login that writes as itself shows the SMTP server's uid: at once where Plesk has it, else when
 * two in a row agree, as a site may write in the same moment with the same address. */
static void learn_uid(struct qmail_logins *all, uint32_t uid)
{
	if (all->uid_seen >= 2) {
		return;
	}
	all->uid_seen = uid == PLESK_UID ? 2 : (uid == all->uid ? all->uid_seen + 1 : 1);
	all->uid = uid;
}

enum qmail_join qmail_join_login(struct attribution *a, const struct log_event *ev, struct wall now,
				 struct log_event *ret)
{
	struct qmail_logins *all = &a->logins;
	struct qmail_login *q;

	*ret = *ev;
	if (all->count == 0 || (all->uid_seen >= 2 && ev->uid != all->uid)) {
		return QMAIL_JOIN_NONE;
	}
	q = find_own(all, ev->sender, now);
	if (q != NULL) {
		learn_uid(all, ev->uid);
	} else if (ev->uid != all->uid) {
		return QMAIL_JOIN_NONE;
	} else {
		enum qmail_join how = find_only(all, true, now, &q);
		if (how == QMAIL_JOIN_OPEN) {
			how = find_only(all, false, now, &q);
		}
		if (how != QMAIL_JOIN_LOGIN) {
			return how;
		}
	}
	q->is_open = false;
	ret->account = str_of(q->account);
	ret->client_addr = str_of(q->client);
	return QMAIL_JOIN_LOGIN;
}
