/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_log: one line of a web server's access log: who asked for what, when.
 *
 * Reads what Apache and nginx write and what panels made of it: common, combined, with the site
 * before the client (vhost_combined), with further fields at the end. Nearly all of it is text that
 * strangers chose: fields are taken by their position from the first quote on, which no stranger
 * can write (both servers write a quote of his as \" or \x22). Layer: proto (pure).
 */
#ifndef PROTO_WEB_LOG_H
#define PROTO_WEB_LOG_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "proto/log_time.h"

#include <stdbool.h>

/* All views borrow from the line, with the escapes that the server wrote; an absent one or "-" is
 * empty. */
struct web_hit {
	struct wall time;
	struct str site;   /* without its port; empty: this form does not say it */
	struct str client; /* its address, or its name where the server looks names up */
	struct str method; /* empty: what came was no request */
	struct str target; /* as it was asked for, with its query */
	unsigned status;   /* 0: not said */
	struct str referer;
	struct str agent;
};

/**
 * Take a line apart.
 *
 * @param lt   State of this file: the date of the line before.
 * @param raw  One line without its ending.
 * @return false: this is no line of an access log; `ret` has nothing of use then.
 */
bool web_log_parse(struct log_time *lt, struct str raw, struct web_hit *ret);

/**
 * Append the path that a target leads to, so that the same one is written the same way: without
 * host and query, escapes of the server and of the URL taken back once, "//" and "/./" as "/".
 * Octets of any value may come out.
 *
 * @param max  Octets of it at most; the rest is left out.
 */
void web_log_path(struct str target, size_t max, struct buf *out);

#endif
