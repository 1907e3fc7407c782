/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_look: what style and attributes say about whether text can be seen. Layer: proto (pure).
 */
#ifndef PROTO_HTML_LOOK_H
#define PROTO_HTML_LOOK_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* No colour is known. */
#define HTML_COLOR_NONE UINT32_MAX

/* What an element's text looks like; inherited by what is inside. */
struct html_look {
	uint32_t color; /* 0xrrggbb */
	uint32_t background;
	bool is_hidden; /* not shown: nothing inside can undo it */
	bool is_tiny;   /* font-size 0 or 1: a size inside undoes it */
};

/** Black on white: what a reader begins with. */
struct html_look html_look_start(void);
/** @param style  Value of a style attribute, entities resolved or not. */
void html_look_add_style(struct html_look *look, struct str style);
/** "#fff", "#ffffff", "rgb(1,2,3)", "white"; "transparent" and unknown ones are NONE. */
uint32_t html_color_parse(struct str s);
/** Can text with this look be read? */
PURE bool html_look_is_visible(const struct html_look *look);

#endif
