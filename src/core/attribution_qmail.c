/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_qmail: logins for qmail's messages. Layer: core (pure).
 */
#include "core/attribution_qmail.h"

#include "base/poison.h"

#define LOGIN_NS (10 * NS_PER_S) /* from a login to its message */

void qmail_learn_login(struct attribution *a, const struct log_event *ev, struct wall now)
{
	struct qmail_login *q = &a->login;

	q->time = now;
	q->is_open = true;
	(void)str_copy(q->account, sizeof(q->account), ev->account);
	(void)str_copy(q->client, sizeof(q->client), ev->client_addr);
}

void qmail_join_login(struct attribution *a, const struct log_event *ev, struct wall now,
		      struct log_event *ret)
{
	struct qmail_login *q = &a->login;

	*ret = *ev;
	if (ev->mta != LOG_MTA_QMAIL || !q->is_open || now.ns - q->time.ns > LOGIN_NS) {
		return;
	}
	bool is_self = str_is_equal_nocase(ev->sender, str_of(q->account));
	if (!is_self && !(q->has_uid && ev->uid == q->uid)) {
		return;
	}
	q->uid = ev->uid;
	q->has_uid = true;
	q->is_open = false;
	ret->account = str_of(q->account);
	ret->client_addr = str_of(q->client);
}
