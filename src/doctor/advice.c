/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice: steps for each cause. Layer: doctor.
 */
#include "doctor/advice.h"

#include "base/assert.h"
#include "doctor/jail.h"
#include "sys/fd.h"

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
		  "Secure: a long random password, used nowhere else; the owner looks his address "
		  "up "
		  "in a breach service, such as haveibeenpwned.com; no logins without TLS, on any "
		  "port.",
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
		 {"Stop: halt the run; what waits in the queue goes out as soon as the mail ports "
		  "open.",
		  "Clean: drop every recipient who did not ask for it, who is unknown, or who "
		  "complained.",
		  "Secure: List-Unsubscribe, and honour it; send more slowly; ask for a grant with "
		  "the "
		  "expected volume.",
		  "Purge: postern doctor queue --plan, then --apply.",
		  "Unblock: postern case unblock, with cause and fix."}},
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

enum advice_panel advice_find_panel(const char *root)
{
	static const char *const places[] = {
		[PANEL_PLESK] = "/usr/local/psa",
		[PANEL_CPANEL] = "/usr/local/cpanel",
		[PANEL_DIRECTADMIN] = "/usr/local/directadmin",
	};
	enum advice_panel found = PANEL_NONE;
	struct jail j;

	if (jail_open(&j, root) < 0) {
		return PANEL_NONE;
	}
	for (size_t i = PANEL_PLESK; i < COUNT_OF(places) && found == PANEL_NONE; i++) {
		int fd = jail_open_dir(&j, places[i]);
		found = fd >= 0 ? (enum advice_panel)i : PANEL_NONE;
		fd_close(&fd);
	}
	jail_close(&j);
	return found;
}

/* How it is stopped here: the panel's own way for a login and for a site, else the system's. */
static const char *const stop_account[] = {
	[PANEL_NONE] = "doveadm kick ADDRESS (after the new password), then restart the mail "
		       "server",
	/* In the environment, for all users of the machine see a command's words. */
	[PANEL_PLESK] = "PSA_PASSWORD=NEW plesk bin mail -u ADDRESS -passwd '', then systemctl "
			"restart postfix dovecot",
	[PANEL_CPANEL] = "uapi --user=USER Email suspend_outgoing email=ADDRESS, then a new "
			 "password",
	[PANEL_DIRECTADMIN] = "echo ADDRESS >> /etc/virtual/blacklist_smtp_usernames, then a new "
			      "password",
};
static_assert(COUNT_OF(stop_account) == PANEL_COUNT, "a way for every panel");

static const char *const stop_site[] = {
	[PANEL_NONE] = "chmod 000 SCRIPT; look at crontab -u USER -l and the user's processes",
	[PANEL_PLESK] = "plesk bin subscription --webspace-off DOMAIN; look at crontab -u USER -l",
	[PANEL_CPANEL] = "whmapi1 suspendacct user=USER; look at crontab -u USER -l",
	[PANEL_DIRECTADMIN] = "suspend USER in the panel (List Users); look at crontab -u USER -l",
};
static_assert(COUNT_OF(stop_site) == PANEL_COUNT, "a way for every panel");

/* A form is a page of a site that works: the whole site is shut only when that is quicker. */
static const char *const stop_form[] = {
	[PANEL_NONE] = "disable the plug-in, or chmod 000 SCRIPT",
	[PANEL_PLESK] = "disable the plug-in, or chmod 000 SCRIPT; the whole site: plesk bin "
			"subscription --webspace-off DOMAIN",
	[PANEL_CPANEL] = "disable the plug-in, or chmod 000 SCRIPT; the whole site: whmapi1 "
			 "suspendacct user=USER",
	[PANEL_DIRECTADMIN] = "disable the plug-in, or chmod 000 SCRIPT; the whole site: suspend "
			      "USER in the panel (List Users)",
};
static_assert(COUNT_OF(stop_form) == PANEL_COUNT, "a way for every panel");

static const char *command_of(enum cause c, const struct advice_place *where)
{
	static const char *const relay[] = {
		[LOG_MTA_NONE] = NULL,
		[LOG_MTA_POSTFIX] = "postconf mynetworks smtpd_relay_restrictions; then postfix "
				    "reload",
		[LOG_MTA_EXIM] = "exim -bP hostlists | grep relay; then restart exim",
		[LOG_MTA_QMAIL] = "look at /etc/tcp.smtp for RELAYCLIENT, and Plesk's white list",
		[LOG_MTA_SENDMAIL] = "look at /etc/mail/access and relay-domains; then make -C "
				     "/etc/mail",
	};
	static_assert(COUNT_OF(relay) == LOG_MTA_COUNT, "a way for every mail server");

	if (c == CAUSE_PASSWORD && where->panel == PANEL_PLESK && where->mta == LOG_MTA_QMAIL) {
		return "PSA_PASSWORD=NEW plesk bin mail -u ADDRESS -passwd '', then systemctl "
		       "restart qmail xinetd";
	}
	if (c == CAUSE_PASSWORD) {
		return stop_account[where->panel];
	}
	if (c == CAUSE_FORM) {
		return stop_form[where->panel];
	}
	if (c == CAUSE_SITE) {
		return stop_site[where->panel];
	}
	return c == CAUSE_OPEN_RELAY ? relay[where->mta] : NULL;
}

void advice_print_setting(const struct cause_verdict *v, const struct attribution_sender *s,
			  const struct advice_place *where, struct buf *out)
{
	bool is_local = s->kind == SOURCE_USER;

	if (!v->wants_script && v->cause != CAUSE_UNKNOWN) {
		return;
	}
	if (is_local && where->mta == LOG_MTA_EXIM) {
		buf_printf(out,
			   "  not logged: the folder of each local mail. In %s:\n"
			   "    log_selector = +arguments +pid +subject\n",
			   where->panel == PANEL_CPANEL ? "WHM, Exim Configuration Manager"
							: "Exim's configuration");
	}
	if (is_local) {
		buf_add(out, STR("  not logged: the script that sent it. In php.ini:\n"
				 "    mail.log = /var/log/phpmail.log\n"
				 "    mail.add_x_header = On\n"));
	} else if (where->mta == LOG_MTA_QMAIL) {
		buf_add(out, STR("  not logged: logins. Let the SMTP server log each one with its "
				 "process number.\n"));
	} else if (s->kind == SOURCE_SERVER) {
		buf_add(out, STR("  not logged: who hands mail in at this machine's own port. Let "
				 "programs and webmail\n"
				 "  log in there (Postfix: smtpd_sasl_auth_enable = yes, and no "
				 "permit_mynetworks for 127.0.0.1).\n"));
	}
}

void advice_print(enum cause c, const struct advice_place *where, struct buf *out)
{
	ASSERT(c < CAUSE_COUNT);
	const char *command = command_of(c, where);

	buf_add(out, STR("  what to do:\n"));
	for (unsigned i = 0; i < STEPS_MAX && advice[c].steps[i] != NULL; i++) {
		buf_printf(out, "    %u. %s\n", i + 1, advice[c].steps[i]);
		if (i == 0 && command != NULL) {
			buf_printf(out, "       Here: %s\n", command);
		}
	}
}
