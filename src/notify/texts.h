/* SPDX-License-Identifier: Apache-2.0 */
/*
 * texts: the templates that the program carries, made from etc/templates. Layer: notify.
 */
#ifndef NOTIFY_TEXTS_H
#define NOTIFY_TEXTS_H

#include "base/str.h"

struct text {
	const char *language;
	const char *name;
	struct str text;
};

extern const struct text texts[];
extern const size_t text_count;

#endif
