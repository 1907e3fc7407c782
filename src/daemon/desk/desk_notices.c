/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_notices: who is to be told what about a case, and when at the earliest. Layer: daemon.
 *
 * A notice is queued in the same group as what it tells, so there is neither a case without its
 * notice nor a notice without its case. Sending is mailer's.
 */
#include "daemon/desk/desk.h"

#include "daemon/desk/desk_impl.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* A notice waits so long for the last samples and for other cases of the same moment. */
#define HOLD_NS (300 * NS_PER_MS)

/* "<case.kind.random@domain of the sender>" */
static void make_message_id(const struct desk *d, uint64_t case_id, enum notice_kind kind,
			    char *ret, size_t size)
{
	uint64_t salt[2];
	struct str domain = str_of(d->policy->notice_from);
	size_t at = str_find_char(domain, '@');

	entropy_fill(salt, sizeof(salt));
	domain = at < domain.len ? str_skip(domain, at + 1) : STR("postern.invalid");
	(void)snprintf(ret, size, "<%llu.%s.%016llx%016llx@%.*s>", (unsigned long long)case_id,
		       notice_kind_name(kind), (unsigned long long)salt[0],
		       (unsigned long long)salt[1], STR_ARG(str_head(domain, 48)));
}

/* At once for the first few of a tenant; then together, when the window is over. */
static int time_of(struct desk *d, struct str tenant, enum notice_kind kind, struct wall *ret,
		   struct errmsg *reterr)
{
	struct wall now = desk_now(d);
	int64_t window_ns = (int64_t)d->policy->notice_window_s * NS_PER_S;
	uint32_t count = 0;
	int r = 0;

	ret->ns = now.ns + HOLD_NS;
	if (kind == NOTICE_BLOCK || kind == NOTICE_REBLOCK) {
		r = notices_count_since(d->store, tenant, kind, (struct wall){now.ns - window_ns},
					&count, reterr);
		if (r == 0 && count >= d->policy->notice_burst) {
			ret->ns = now.ns + window_ns;
		}
	}
	return r;
}

static int queue_to(struct desk *d, const struct case_row *c, enum notice_kind kind,
		    const char *contact, struct wall when, struct errmsg *reterr)
{
	char id[NOTICE_MESSAGE_ID_MAX];

	make_message_id(d, c->id, kind, id, sizeof(id));
	const struct notice_row n = {
		.tenant = c->tenant,
		.contact = str_of(contact),
		.kind = kind,
		.message_id = str_of(id),
		.created_at = desk_now(d),
		.next_try = when,
	};
	return notices_add(d->store, &n, c->id, reterr);
}

int desk_notice_queue(struct desk *d, const struct case_row *c, enum notice_kind kind,
		      struct errmsg *reterr)
{
	const struct tenant *t = desk_find_tenant(d, c->tenant);
	struct wall when;
	int joined = 0;

	if (d->policy->notice_smtp == NULL || d->policy->notice_from == NULL || t == NULL ||
	    t->contact_count == 0) {
		return desk_tell(d, c->id, "desk", "no_notice", reterr, "nobody was told: %s",
				 d->policy->notice_smtp == NULL || d->policy->notice_from == NULL
					 ? "notices.smtp and notices.from are not configured"
				 : t == NULL ? "no tenant is configured for this source"
					     : "the tenant has no contacts");
	}
	int r = time_of(d, c->tenant, kind, &when, reterr);
	for (size_t i = 0; i < t->contact_count && r >= 0; i++) {
		r = queue_to(d, c, kind, t->contacts[i], when, reterr);
		joined += r == 0;
	}
	if (r >= 0) {
		r = desk_tell(d, c->id, "desk", "notice_queued", reterr, "%s, to %zu contact%s%s",
			      notice_kind_name(kind), t->contact_count,
			      t->contact_count == 1 ? "" : "s",
			      joined > 0 ? "; told together with other cases" : "");
	}
	return r;
}
