/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice: what each cause means and how to end it on this system, in the order stop, clean, secure,
 * purge, unblock; and the setting that would have told more. Layer: doctor.
 */
#ifndef DOCTOR_ADVICE_H
#define DOCTOR_ADVICE_H

#include "base/buf.h"
#include "core/cause.h"
#include "proto/log_event.h"

enum advice_panel {
	PANEL_NONE,
	PANEL_PLESK,
	PANEL_CPANEL,
	PANEL_DIRECTADMIN,
	PANEL_COUNT,
};

/* What it is said for. */
struct advice_place {
	enum advice_panel panel;
	enum log_mta mta; /* the one with the most lines */
};

/** Which panel rules the machine, by its folders below `root` ("": this machine). */
enum advice_panel advice_find_panel(const char *root);
/** A few words: "a stolen password". */
const char *advice_title(enum cause c);
/** The setting that would have named the script or the login; nothing when all is told. */
void advice_print_setting(const struct cause_verdict *v, const struct attribution_sender *s,
			  const struct advice_place *where, struct buf *out);
/** Numbered steps. */
void advice_print(enum cause c, const struct advice_place *where, struct buf *out);

#endif
