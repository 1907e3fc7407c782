/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: phrases in an order of trust. A blocklist's name says more than the word "rejected",
 * and both more than a status code, which many servers choose badly. Layer: core (pure).
 */
#include "core/refusal.h"

#include "base/num.h"

#include "base/poison.h"

struct phrase {
	enum refusal class;
	const char *text; /* lower case */
};

/* The first that is found decides. */
static const struct phrase phrases[] = {
	{REFUSAL_BLOCKLIST, "spamhaus"},
	{REFUSAL_BLOCKLIST, "spamcop"},
	{REFUSAL_BLOCKLIST, "barracudacentral"},
	{REFUSAL_BLOCKLIST, "sorbs"},
	{REFUSAL_BLOCKLIST, "dnsbl"},
	{REFUSAL_BLOCKLIST, "uceprotect"},
	{REFUSAL_BLOCKLIST, "senderscore"},
	{REFUSAL_BLOCKLIST, "abuseat.org"},
	{REFUSAL_BLOCKLIST, "manitu.net"},
	{REFUSAL_BLOCKLIST, "invaluement"},
	{REFUSAL_BLOCKLIST, "/rbl"},
	{REFUSAL_BLOCKLIST, "rbl."},
	{REFUSAL_BLOCKLIST, " rbl"},
	{REFUSAL_BLOCKLIST, "blacklist"},
	{REFUSAL_BLOCKLIST, "black list"},
	{REFUSAL_BLOCKLIST, "blocklist"},
	{REFUSAL_BLOCKLIST, "block list"},
	{REFUSAL_BLOCKLIST, "denylist"},
	{REFUSAL_BLOCKLIST, "blocked using"},
	{REFUSAL_BLOCKLIST, "listed at"},
	{REFUSAL_BLOCKLIST, "listed in"},
	{REFUSAL_BLOCKLIST, "listed by"},
	{REFUSAL_BLOCKLIST, "listed on"},
	{REFUSAL_BLOCKLIST, "banned sending ip"},
	{REFUSAL_BLOCKLIST, "blocked ip"},
	{REFUSAL_BLOCKLIST, "ip blocked"},
	{REFUSAL_BLOCKLIST, "bloquee"},
	{REFUSAL_BLOCKLIST, "(s3140)"},
	{REFUSAL_BLOCKLIST, "(s3150)"},
	{REFUSAL_BLOCKLIST, "reputation"},
	{REFUSAL_SPAM, "user complaints"},
	{REFUSAL_SPAM, "unsolicited"},
	{REFUSAL_SPAM, "spam"},
	{REFUSAL_SPAM, "junk mail"},
	{REFUSAL_SPAM, "bulk mail"},
	{REFUSAL_SPAM, " ube"},
	{REFUSAL_SPAM, " uce"},
	{REFUSAL_SPAM, "phish"},
	{REFUSAL_SPAM, "virus"},
	{REFUSAL_SPAM, "malware"},
	{REFUSAL_SPAM, "suspicious"},
	{REFUSAL_SPAM, "content rejected"},
	{REFUSAL_SPAM, "message content"},
	{REFUSAL_SPAM, "illegal attachment"},
	{REFUSAL_SPAM, "potential security issue"},
	{REFUSAL_SPAM, "surbl"},
	{REFUSAL_SPAM, "uribl"},
	{REFUSAL_SPAM, "[ph01]"},
	{REFUSAL_SPAM, "considered to be likely"},
	/* Not ours to deliver there, whatever the words around it are. */
	{REFUSAL_OTHER, "relay access denied"},
	{REFUSAL_OTHER, "relaying denied"},
	{REFUSAL_OTHER, "relay not permitted"},
	{REFUSAL_OTHER, "unable to relay"},
	{REFUSAL_OTHER, "not permitted to relay"},
	{REFUSAL_OTHER, "sender address rejected: domain not found"},
	{REFUSAL_OTHER, "sender address rejected"},
	{REFUSAL_OTHER, "sender verify failed"},
	{REFUSAL_OTHER, "domain of sender"},
	{REFUSAL_OTHER, "mailbox full"},
	{REFUSAL_OTHER, "mailbox is full"},
	{REFUSAL_OTHER, "quota"},
	{REFUSAL_OTHER, "over its limit"},
	{REFUSAL_OTHER, "size exceeds"},
	{REFUSAL_OTHER, "too large"},
	{REFUSAL_OTHER, "insufficient system storage"},
	{REFUSAL_UNKNOWN_USER, "user unknown"},
	{REFUSAL_UNKNOWN_USER, "unknown user"},
	{REFUSAL_UNKNOWN_USER, "unknown recipient"},
	{REFUSAL_UNKNOWN_USER, "recipient unknown"},
	{REFUSAL_UNKNOWN_USER, "unknown address"},
	{REFUSAL_UNKNOWN_USER, "unknown local"},
	{REFUSAL_UNKNOWN_USER, "unknown or illegal alias"},
	{REFUSAL_UNKNOWN_USER, "unrouteable address"},
	{REFUSAL_UNKNOWN_USER, "no such user"},
	{REFUSAL_UNKNOWN_USER, "no such recipient"},
	{REFUSAL_UNKNOWN_USER, "no such mailbox"},
	{REFUSAL_UNKNOWN_USER, "no such address"},
	{REFUSAL_UNKNOWN_USER, "no such local"},
	{REFUSAL_UNKNOWN_USER, "no such person"},
	{REFUSAL_UNKNOWN_USER, "no such account"},
	{REFUSAL_UNKNOWN_USER, "no mailbox"},
	{REFUSAL_UNKNOWN_USER, "not a valid mailbox"},
	{REFUSAL_UNKNOWN_USER, "not a known user"},
	{REFUSAL_UNKNOWN_USER, "not our user"},
	{REFUSAL_UNKNOWN_USER, "user not exist"},
	{REFUSAL_UNKNOWN_USER, "user not found"},
	{REFUSAL_UNKNOWN_USER, "user not known"},
	{REFUSAL_UNKNOWN_USER, "recipient not found"},
	{REFUSAL_UNKNOWN_USER, "recipnotfound"},
	{REFUSAL_UNKNOWN_USER, "mailbox not found"},
	{REFUSAL_UNKNOWN_USER, "account not found"},
	{REFUSAL_UNKNOWN_USER, "address not found"},
	{REFUSAL_UNKNOWN_USER, "does not exist"},
	{REFUSAL_UNKNOWN_USER, "doesn't exist"},
	{REFUSAL_UNKNOWN_USER, "does not have an account"},
	{REFUSAL_UNKNOWN_USER, "doesn't have a"},
	{REFUSAL_UNKNOWN_USER, "no longer on server"},
	{REFUSAL_UNKNOWN_USER, "no longer valid"},
	{REFUSAL_UNKNOWN_USER, "no longer available"},
	{REFUSAL_UNKNOWN_USER, "invalid recipient"},
	{REFUSAL_UNKNOWN_USER, "invalid mailbox"},
	{REFUSAL_UNKNOWN_USER, "invalid address"},
	{REFUSAL_UNKNOWN_USER, "invalid user"},
	{REFUSAL_UNKNOWN_USER, "destinataire invalide"},
	{REFUSAL_UNKNOWN_USER, "mailbox unavailable"},
	{REFUSAL_UNKNOWN_USER, "mailbox not available"},
	{REFUSAL_UNKNOWN_USER, "recipient verify failed"},
	{REFUSAL_UNKNOWN_USER, "undeliverable address"},
	{REFUSAL_UNKNOWN_USER, "account is disabled"},
	{REFUSAL_UNKNOWN_USER, "reach is disabled"},
	{REFUSAL_UNKNOWN_USER, "reach is inactive"},
	{REFUSAL_UNKNOWN_USER, "account is inactive"},
	{REFUSAL_UNKNOWN_USER, "account disabled"},
	{REFUSAL_UNKNOWN_USER, "mailbox disabled"},
	{REFUSAL_UNKNOWN_USER, "account has been disabled"},
	{REFUSAL_UNKNOWN_USER, "disabled recipient"},
	{REFUSAL_UNKNOWN_USER, "recipient address rejected: access denied"}, /* Exchange Online */
	{REFUSAL_RATE, "rate limit"},
	{REFUSAL_RATE, "too many"},
	{REFUSAL_RATE, "throttl"},
	{REFUSAL_RATE, "frequency limited"},
	{REFUSAL_RATE, "greylist"},
	{REFUSAL_RATE, "graylist"},
	{REFUSAL_RATE, "grey-list"},
	{REFUSAL_RATE, "try again later"},
	{REFUSAL_RATE, "try later"},
	{REFUSAL_RATE, "temporarily deferred"},
	{REFUSAL_RATE, "concurrent"},
	{REFUSAL_RATE, "too fast"},
	{REFUSAL_RATE, "unusual rate"},
	{REFUSAL_POLICY, "policy"},
	{REFUSAL_POLICY, "policies"},
	{REFUSAL_POLICY, "dmarc"},
	{REFUSAL_POLICY, "dkim"},
	{REFUSAL_POLICY, " spf"},
	{REFUSAL_POLICY, "unauthenticated"},
	{REFUSAL_POLICY, "reverse dns"},
	{REFUSAL_POLICY, "reverse hostname"},
	{REFUSAL_POLICY, " ptr "},
	{REFUSAL_POLICY, "host rejected"},
	{REFUSAL_POLICY, "not authorized"},
	{REFUSAL_POLICY, "not allowed"},
	{REFUSAL_POLICY, "access denied"},
	{REFUSAL_POLICY, "prohibited"},
	{REFUSAL_POLICY, "blocked"},
	{REFUSAL_POLICY, "banned"},
	{REFUSAL_POLICY, "not accepting"},
	{REFUSAL_POLICY, "administrative"},
	{REFUSAL_POLICY, "due to recipient preferences"},
};

/* In lower case, without words that hold an "@" and without "<…>"; a blank at both ends. */
static struct str text_normalise(struct str text, char *out, size_t size)
{
	size_t n = 0;

	out[n++] = ' ';
	while (text.len > 0 && n + 2 < size) {
		while (text.len > 0 && char_is_space(text.ptr[0])) {
			text = str_skip(text, 1);
		}
		size_t len = 0;
		bool is_address = text.len > 0 && text.ptr[0] == '<';
		while (len < text.len && !char_is_space(text.ptr[len])) {
			is_address = is_address || text.ptr[len] == '@';
			len++;
		}
		for (size_t i = 0; i < len && !is_address && n + 2 < size; i++) {
			out[n++] = char_lower(text.ptr[i]);
		}
		if (out[n - 1] != ' ') {
			out[n++] = ' ';
		}
		text = str_skip(text, len);
	}
	return (struct str){out, n};
}

/* "5.7.1" at the start of the text, perhaps behind a sign. */
static bool status_read(struct str text, unsigned ret[static 3])
{
	while (text.len > 0 && !char_is_digit(text.ptr[0]) && !char_is_alpha(text.ptr[0])) {
		text = str_skip(text, 1);
	}
	for (int i = 0; i < 3; i++) {
		size_t n = 0;
		uint64_t v;
		while (n < text.len && char_is_digit(text.ptr[n])) {
			n++;
		}
		if (num_parse_u64(str_head(text, n), 999, &v) < 0) {
			return false;
		}
		ret[i] = (unsigned)v;
		text = str_skip(text, n);
		if (i < 2 && (text.len == 0 || text.ptr[0] != '.')) {
			return false;
		}
		text = i < 2 ? str_skip(text, 1) : text;
	}
	return ret[0] == 4 || ret[0] == 5;
}

/* RFC 3463: what the code alone says. */
static enum refusal status_class(const unsigned status[static 3])
{
	unsigned detail = status[2];

	switch (status[1]) {
	case 1:
		return detail == 1 || detail == 2 || detail == 3 || detail == 6 || detail == 10 ||
				       detail == 351
			       ? REFUSAL_UNKNOWN_USER
			       : REFUSAL_OTHER;
	case 2:
		return detail == 1 ? REFUSAL_UNKNOWN_USER : REFUSAL_OTHER;
	case 4:
		return detail == 5 ? REFUSAL_RATE : REFUSAL_OTHER;
	case 7:
		return status[0] == 4 && (detail == 28 || detail == 650) ? REFUSAL_RATE
									 : REFUSAL_POLICY;
	default:
		return REFUSAL_OTHER;
	}
}

static enum refusal text_class(struct str text)
{
	char plain[REFUSAL_TEXT_MAX];
	unsigned status[3];

	struct str words = text_normalise(text, plain, sizeof(plain));
	for (size_t i = 0; i < COUNT_OF(phrases); i++) {
		if (str_find(words, str_of(phrases[i].text)) < words.len) {
			return phrases[i].class;
		}
	}
	return status_read(text, status) ? status_class(status) : REFUSAL_OTHER;
}

enum refusal refusal_of(uint16_t code, struct str text)
{
	if (code < 400) {
		return REFUSAL_NONE;
	}
	enum refusal class = text_class(text);
	return class == REFUSAL_UNKNOWN_USER && code < 500 ? REFUSAL_OTHER : class;
}

const char *refusal_name(enum refusal v)
{
	static const char *const names[] = {
		[REFUSAL_NONE] = "none",           [REFUSAL_UNKNOWN_USER] = "unknown_user",
		[REFUSAL_SPAM] = "spam",           [REFUSAL_POLICY] = "policy",
		[REFUSAL_BLOCKLIST] = "blocklist", [REFUSAL_RATE] = "rate",
		[REFUSAL_OTHER] = "other",
	};
	static_assert(COUNT_OF(names) == REFUSAL_COUNT, "a name for every class");

	return names[v];
}
