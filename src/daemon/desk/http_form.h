/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_form: the inside of http: the form of a request. Layer: daemon.
 */
#ifndef DAEMON_DESK_HTTP_FORM_H
#define DAEMON_DESK_HTTP_FORM_H

#include "base/attr.h"

#include <stdbool.h>

struct evhttp_request;

/**
 * Can this request be read in one way only? No absolute or odd target, exactly one Host, at most
 * one Content-Length, no chunked body, no control characters in names and values.
 */
MUSTUSE bool http_is_plain(struct evhttp_request *ev);

/** "Not Found" for 404. */
const char *http_phrase(unsigned status);

#endif
