/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of refusal: texts in the forms that the named systems send.
 */
#include "core/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/poison.h"

static const struct {
	uint16_t code;
	const char *text;
	enum refusal want;
} cases[] = {
	{250, "2.1.5 spam taken", REFUSAL_NONE},
	/* Postfix */
	{550,
	 "5.1.1 <spam@blocklist.example>: Recipient address rejected: User unknown in "
	 "virtual mailbox table",
	 REFUSAL_UNKNOWN_USER},
	{450,
	 "4.1.1 <a@b.example>: Recipient address rejected: unverified address: Address "
	 "lookup failed",
	 REFUSAL_OTHER},
	{554,
	 "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
	 "zen.example; listed",
	 REFUSAL_BLOCKLIST},
	{554, "5.7.1 <a@b.example>: Relay access denied", REFUSAL_OTHER},
	{450, "4.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
	 REFUSAL_POLICY},
	{450, "4.2.0 <a@b.example>: Recipient address rejected: Greylisted", REFUSAL_RATE},
	{552, "5.3.4 Message size exceeds fixed limit", REFUSAL_OTHER},
	{550, "5.1.8 <a@b.example>: Sender address rejected: Domain not found", REFUSAL_OTHER},
	/* Exim */
	{550, "Unrouteable address", REFUSAL_UNKNOWN_USER},
	{550, "relay not permitted", REFUSAL_OTHER},
	/* sendmail, qmail */
	{550, "5.1.1 <a@b.example>... User unknown", REFUSAL_UNKNOWN_USER},
	{553, "sorry, your envelope sender is in my badmailfrom list (#5.7.1)", REFUSAL_OTHER},
	/* Google, on several lines */
	{550,
	 "5.1.1 The email account that you tried to reach does not exist. Please try\n"
	 "5.1.1 double-checking the recipient's email address",
	 REFUSAL_UNKNOWN_USER},
	{550, "5.2.1 The email account that you tried to reach is disabled.", REFUSAL_UNKNOWN_USER},
	{452, "4.2.2 The recipient's inbox is out of storage", REFUSAL_OTHER},
	{550, "5.7.1 Our system has detected that this message is likely unsolicited mail.",
	 REFUSAL_SPAM},
	{550, "5.7.26 This mail has been blocked because the sender is unauthenticated.",
	 REFUSAL_POLICY},
	{421, "4.7.28 Our system has detected an unusual amount of mail", REFUSAL_RATE},
	/* Microsoft */
	{550, "5.5.0 Requested action not taken: mailbox unavailable", REFUSAL_UNKNOWN_USER},
	{550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)",
	 REFUSAL_UNKNOWN_USER},
	{550,
	 "5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Part of their "
	 "network is on our block list (S3150)",
	 REFUSAL_BLOCKLIST},
	{550, "5.7.606 Access denied, banned sending IP [192.0.2.1]", REFUSAL_BLOCKLIST},
	{451,
	 "4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to "
	 "IP reputation",
	 REFUSAL_BLOCKLIST},
	{550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", REFUSAL_UNKNOWN_USER},
	/* Yahoo */
	{554, "delivery error: dd This user doesn't have a y.example account",
	 REFUSAL_UNKNOWN_USER},
	{421,
	 "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to "
	 "user complaints",
	 REFUSAL_SPAM},
	{554, "5.7.9 Message not accepted for policy reasons.", REFUSAL_POLICY},
	/* others */
	{550, "5.7.1 Message content rejected, UBE, id=00000-00", REFUSAL_SPAM},
	{554, "Ip frequency limited", REFUSAL_RATE},
	{550, "mwinf5c04 ME Adresse IP source bloquee pour incident", REFUSAL_BLOCKLIST},
	/* only a code */
	{550, "5.1.1", REFUSAL_UNKNOWN_USER},
	{550, "#5.7.1 no", REFUSAL_POLICY},
	{451, "4.4.5 busy", REFUSAL_RATE},
	{550, "5.x.1", REFUSAL_OTHER},
	{554, "Transaction failed", REFUSAL_OTHER},
	{500, "", REFUSAL_OTHER},
};

static void classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum refusal got = refusal_of(cases[i].code, str_of(cases[i].text));
		if (got != cases[i].want) {
			print_error("%s: %s\n", cases[i].text, refusal_name(got));
		}
		assert_int_equal(got, cases[i].want);
	}
}

static void long_and_odd_texts(void **state)
{
	static char text[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = i % 7 == 0 ? ' ' : (char)('a' + i % 26);
	}
	assert_int_equal(refusal_of(550, (struct str){text, sizeof(text)}), REFUSAL_OTHER);
	assert_int_equal(refusal_of(550, STR_EMPTY), REFUSAL_OTHER);
	assert_int_equal(refusal_of(550, STR("<>@ \0 \xff")), REFUSAL_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(long_and_odd_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
