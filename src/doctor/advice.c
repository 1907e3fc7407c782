/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice: steps for each cause. Layer: doctor.
 */
#include "doctor/advice.h"

#include "base/assert.h"

#include "base/poison.h"

#define STEPS_MAX 8

static const struct {
	const char *title;
	const char *steps[STEPS_MAX];
} advice[] = {
	[CAUSE_UNKNOWN] = {"not known",
			   {"Ask support with this report: the log does not say what sent it."}},
	[CAUSE_PASSWORD] =
		{"a stolen password",
		 {"Stop: lock the account or change its password now, then restart the mail "
		  "server's login service, because open "
		  "sessions outlive a password.",
		  "Clean: check the owner's computers and phones for malware before the new "
		  "password is used there.",
		  "Secure: a long random password, used nowhere else; look the address up in a "
		  "breach service; no plaintext logins.",
		  "Purge: postern doctor queue --plan lists what still waits; then --apply.",
		  "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_FORM] = {"a form that strangers misuse",
			{"Stop: take the form offline, or make it send to you alone.",
			 "Clean: remove the registrations and comments that the run left.",
			 "Secure: no copies to addresses that visitors type, a captcha, a limit "
			 "for each visitor.",
			 "Purge: postern doctor queue --plan, then --apply.",
			 "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_SITE] = {"a script that somebody put into a site",
			{"Stop: disable the site, or move the script away; keep a copy.",
			 "Clean: find what else is new in the site's folders; restore from a copy "
			 "of before the break-in, and look for cron jobs.",
			 "Secure: update the software and every plug-in, change the site's "
			 "passwords, forbid PHP in upload folders.",
			 "Purge: postern doctor queue --plan, then --apply.",
			 "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_SERVER] =
		{"the machine itself",
		 {"Stop: look which process or cron job sends as this user, and end it.",
		  "Clean: if it is not yours, treat the machine as broken into: save what you "
		  "need, install anew.",
		  "Secure: update the system, log in by key only, close what need not be open.",
		  "Purge: postern doctor queue --plan, then --apply.",
		  "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_FORWARDING] =
		{"forwarded foreign mail",
		 {"Stop: end the forward, or filter what comes in before it is forwarded.",
		  "Secure: let the other mailbox collect the mail instead; if the forward must "
		  "stay, ask for a grant 'forwarder'.",
		  "Purge: postern doctor queue --plan, then --apply.",
		  "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_BACKSCATTER] =
		{"notices to forged senders",
		 {"Stop: refuse unknown recipients while the session runs, instead of accepting "
		  "and bouncing.",
		  "Secure: no automatic replies to mail with an empty or bulk sender.",
		  "Purge: postern doctor queue --plan, then --apply.",
		  "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_OPEN_RELAY] = {"strangers may send through this server",
			      {"Stop: accept mail for other servers only after a login; check "
			       "mynetworks and relay lists.",
			       "Secure: test from outside that relaying is refused.",
			       "Purge: postern doctor queue --plan, then --apply.",
			       "Unblock: postern case unblock, with cause and fix."}},
	[CAUSE_BULK] =
		{"own bulk mail",
		 {"Check that every recipient asked for it, and drop those that do not exist.",
		  "Add List-Unsubscribe and honour it; send more slowly; ask for a grant with the "
		  "expected volume."}},
	[CAUSE_DIRECT] =
		{"a program that bypasses the mail server",
		 {"Stop: end the process; postern doctor shows its number, file and folder.",
		  "Clean: find how it came in and how it starts; look at cron jobs and new files.",
		  "Secure: let only the mail server's user open port 25: postern recipe.",
		  "Unblock: postern case unblock, with cause and fix."}},
};
static_assert(COUNT_OF(advice) == CAUSE_COUNT, "advice for every cause");

const char *advice_title(enum cause c)
{
	ASSERT(c < CAUSE_COUNT);
	return advice[c].title;
}

void advice_print(enum cause c, struct buf *out)
{
	ASSERT(c < CAUSE_COUNT);
	buf_add(out, STR("  what to do:\n"));
	for (unsigned i = 0; i < STEPS_MAX && advice[c].steps[i] != NULL; i++) {
		buf_printf(out, "    %u. %s\n", i + 1, advice[c].steps[i]);
	}
}
