/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: a table of words, the first that is found decides. Layer: core (pure).
 *
 * Source: RFC 3463 and 7372; the replies in the samples of sisimai and of Postfix, Exim, Gmail,
 * Outlook, Yahoo.
 */
#include "core/refusal.h"

#include "base/poison.h"

#define LOOKED_AT 512

/* A constant view: STR is a compound literal, which a static table cannot hold. */
#define W(text)                                                                                    \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}

static const struct {
	enum refusal what;
	struct str words;
} table[] = {
	/* Whose address is on a list, before anything that speaks of rejecting. */
	{REFUSAL_BLOCKLIST, W("spamhaus")},
	{REFUSAL_BLOCKLIST, W("spamcop")},
	{REFUSAL_BLOCKLIST, W("barracudacentral")},
	{REFUSAL_BLOCKLIST, W("blacklist")},
	{REFUSAL_BLOCKLIST, W("blocklist")},
	{REFUSAL_BLOCKLIST, W("block list")},
	{REFUSAL_BLOCKLIST, W("black list")},
	{REFUSAL_BLOCKLIST, W("denylist")},
	{REFUSAL_BLOCKLIST, W("blocked using")},
	{REFUSAL_BLOCKLIST, W("dnsbl")},
	{REFUSAL_BLOCKLIST, W(" rbl")},
	{REFUSAL_BLOCKLIST, W("listed at")},
	{REFUSAL_BLOCKLIST, W("listed in")},
	{REFUSAL_BLOCKLIST, W("listed on")},

	{REFUSAL_RATE, W("greylist")},
	{REFUSAL_RATE, W("graylist")},
	{REFUSAL_RATE, W("grey-list")},
	{REFUSAL_RATE, W("rate limit")},
	{REFUSAL_RATE, W("too many")},
	{REFUSAL_RATE, W("too fast")},
	{REFUSAL_RATE, W("throttl")},

	{REFUSAL_SPAM, W("spam")},
	{REFUSAL_SPAM, W("unsolicited")},
	{REFUSAL_SPAM, W("junk mail")},
	{REFUSAL_SPAM, W("bulk mail")},
	{REFUSAL_SPAM, W("phish")},
	{REFUSAL_SPAM, W("virus")},
	{REFUSAL_SPAM, W("malware")},

	{REFUSAL_RATE, W("unusual rate")},
	{REFUSAL_RATE, W("later")},

	{REFUSAL_UNKNOWN_USER, W("user unknown")},
	{REFUSAL_UNKNOWN_USER, W("unknown user")},
	{REFUSAL_UNKNOWN_USER, W("unknown recipient")},
	{REFUSAL_UNKNOWN_USER, W("recipient unknown")},
	{REFUSAL_UNKNOWN_USER, W("unknown address")},
	{REFUSAL_UNKNOWN_USER, W("no such user")},
	{REFUSAL_UNKNOWN_USER, W("no such recipient")},
	{REFUSAL_UNKNOWN_USER, W("no such address")},
	{REFUSAL_UNKNOWN_USER, W("no such mailbox")},
	{REFUSAL_UNKNOWN_USER, W("no such person")},
	{REFUSAL_UNKNOWN_USER, W("no mailbox")},
	{REFUSAL_UNKNOWN_USER, W("unknown mailbox")},
	{REFUSAL_UNKNOWN_USER, W("mailbox not found")},
	{REFUSAL_UNKNOWN_USER, W("mailbox unavailable")},
	{REFUSAL_UNKNOWN_USER, W("user not found")},
	{REFUSAL_UNKNOWN_USER, W("user doesn't")},
	{REFUSAL_UNKNOWN_USER, W("invalid recipient")},
	{REFUSAL_UNKNOWN_USER, W("invalid mailbox")},
	{REFUSAL_UNKNOWN_USER, W("invalid address")},
	{REFUSAL_UNKNOWN_USER, W("not a valid")},
	{REFUSAL_UNKNOWN_USER, W("unrouteable address")},
	{REFUSAL_UNKNOWN_USER, W("address unknown")},
	{REFUSAL_UNKNOWN_USER, W("account is disabled")},
	{REFUSAL_UNKNOWN_USER, W("account disabled")},
	{REFUSAL_UNKNOWN_USER, W("inactive")},

	{REFUSAL_POLICY, W("relay")},
	{REFUSAL_POLICY, W("policy")},
	{REFUSAL_POLICY, W("reverse dns")},
	{REFUSAL_POLICY, W("ptr record")},
	{REFUSAL_POLICY, W("reputation")},
	{REFUSAL_POLICY, W("blocked")},
	{REFUSAL_POLICY, W("not authorized")},
	{REFUSAL_POLICY, W("dmarc")},
	{REFUSAL_POLICY, W("sender address rejected")},
	{REFUSAL_POLICY, W("domain of sender")},
	{REFUSAL_POLICY, W("helo command rejected")},
};

/* "5.1.1": its second and third number. @return false without one. */
static bool enhanced(struct str text, unsigned *ret_subject, unsigned *ret_detail)
{
	if (text.len < 5 || (text.ptr[0] != '4' && text.ptr[0] != '5') || text.ptr[1] != '.') {
		return false;
	}
	unsigned numbers[2] = {0, 0};
	size_t at = 2;
	for (int i = 0; i < 2; i++) {
		size_t begin = at;
		while (at < text.len && at < begin + 3 && char_is_digit(text.ptr[at])) {
			numbers[i] = numbers[i] * 10 + (unsigned)(text.ptr[at++] - '0');
		}
		if (at == begin || (i == 0 && (at >= text.len || text.ptr[at++] != '.'))) {
			return false;
		}
	}
	*ret_subject = numbers[0];
	*ret_detail = numbers[1];
	return true;
}

static enum refusal by_code(struct str text)
{
	unsigned subject;
	unsigned detail;

	if (!enhanced(text, &subject, &detail)) {
		return REFUSAL_OTHER;
	}
	if (subject == 1 && (detail == 1 || detail == 6 || detail == 10)) {
		return REFUSAL_UNKNOWN_USER;
	}
	if (subject == 2 && detail == 1) {
		return REFUSAL_UNKNOWN_USER; /* disabled */
	}
	/* 7.1 alone says only "no", 7.20 to 7.27 are SPF, DKIM, DMARC (RFC 7372). */
	return subject == 7 ? REFUSAL_POLICY : REFUSAL_OTHER;
}

enum refusal refusal_of(uint16_t code, struct str text)
{
	enum refusal what = REFUSAL_OTHER;

	if (code < 400) {
		return REFUSAL_NONE;
	}
	char lower[LOOKED_AT];
	struct str start = {lower, 0};
	while (start.len < text.len && start.len < sizeof(lower)) {
		lower[start.len] = char_lower(text.ptr[start.len]);
		start.len++;
	}
	size_t i = 0;
	while (i < COUNT_OF(table) && str_find(start, table[i].words) == start.len) {
		i++;
	}
	what = i < COUNT_OF(table) ? table[i].what : by_code(text);
	if (what == REFUSAL_UNKNOWN_USER && code < 500) {
		what = REFUSAL_OTHER;
	}
	return what;
}
