/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause: from what a log shows of one source to why it sends what it sends: the cause, how sure,
 * and what was ruled out. Layer: core (pure).
 */
#ifndef CORE_CAUSE_H
#define CORE_CAUSE_H

#include "core/attribution.h"

enum cause {
	CAUSE_UNKNOWN,
	CAUSE_PASSWORD,    /* a stolen password of an account */
	CAUSE_FORM,        /* a contact, comment or registration form is misused */
	CAUSE_SITE,        /* a script that somebody put into a site */
	CAUSE_SERVER,      /* the machine itself: root, cron, an unknown login */
	CAUSE_FORWARDING,  /* foreign mail that is forwarded */
	CAUSE_BACKSCATTER, /* bounces of mail that was never ours */
	CAUSE_OPEN_RELAY,  /* strangers may send through us */
	CAUSE_BULK,        /* own bulk mail */
	CAUSE_DIRECT,      /* a program that bypasses the mail server */
	CAUSE_COUNT,
};

#define CAUSE_RULED_OUT_MAX 4
#define CAUSE_WHY_MAX 8

struct cause_verdict {
	enum cause cause;
	bool is_accused;                /* false: this source sends as a healthy one does */
	bool wants_script;              /* a log of scripts would have made it surer */
	uint32_t confidence_ppm;        /* how sure of the cause */
	const char *why[CAUSE_WHY_MAX]; /* short sentences, fixed texts */
	size_t why_count;
	enum cause ruled_out[CAUSE_RULED_OUT_MAX];
	size_t ruled_out_count;
};

/* What a web server's log says about the seconds in which a source's mail was handed in. */
enum cause_web {
	CAUSE_WEB_NONE,   /* nothing, or no such log */
	CAUSE_WEB_PAGE,   /* each time somebody posted to a page of the site */
	CAUSE_WEB_SCRIPT, /* each time somebody posted to a file where no program belongs */
};

struct cause_context {
	bool is_named;     /* it sent a message that was asked for: somebody complained about it */
	uint64_t incoming; /* messages from outside that stayed on the machine */
	enum cause_web web;
};

/** "password", "form" … as in the JSON; "unknown". */
const char *cause_name(enum cause c);

/** Judge one source by its numbers. */
struct cause_verdict cause_of(const struct attribution_sender *s, const struct cause_context *c);

#endif
