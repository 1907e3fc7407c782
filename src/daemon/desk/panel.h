/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panel: what tools/embed makes of web/. Layer: daemon.
 */
#ifndef DAEMON_DESK_PANEL_H
#define DAEMON_DESK_PANEL_H

#include <stddef.h>

struct asset {
	const char *path; /* "/panel.js" */
	const char *type;
	const char *etag; /* of its content, in quotes */
	const unsigned char *data;
	size_t size;
};

/* In order of their paths. */
extern const struct asset assets[];
extern const size_t asset_count;

#endif
