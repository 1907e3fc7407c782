/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_print: what a web server's log says of a source, as JSON, in words, and as steps. All names
 * in it are text of strangers. Layer: doctor.
 */
#ifndef DOCTOR_WEB_PRINT_H
#define DOCTOR_WEB_PRINT_H

#include "base/buf.h"
#include "base/jsonw.h"
#include "doctor/diagnose.h"

/** The member "web" of an accused: an object, or null. */
void web_print_json(struct jsonw *w, const struct diagnose_web *web);
/** Its lines, as members of "evidence". */
void web_print_evidence_json(struct jsonw *w, const struct diagnose_web *web);
/** NULL prints nothing. */
void web_print_text(const struct diagnose_web *web, struct buf *out);
void web_print_evidence_text(const struct diagnose_web *web, struct buf *out);
/** What to do about this URL. */
void web_print_steps(const struct diagnose_web *web, struct buf *out);

#endif
