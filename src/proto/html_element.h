/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_element: what tags do to text: blocks, links, pictures, and whether it can be seen.
 *
 * The second half of html.c, which cuts the octets up; nobody else includes it.
 * Layer: proto (pure).
 */
#ifndef PROTO_HTML_ELEMENT_H
#define PROTO_HTML_ELEMENT_H

#include "proto/html.h"
#include "proto/html_look.h"

struct html_element {
	uint64_t name; /* first eight octets, lower case */
	struct html_look look;
};

struct html_page {
	struct html_out out;
	struct html_facts facts;
	struct html_element stack[HTML_DEPTH_MAX];
	size_t depth;
	size_t over;           /* open elements beyond the stack */
	struct html_look base; /* of the document */
	struct html_look look; /* here */
	bool is_visible;       /* here */
	char blank;            /* ' ' or '\n' before the next word, or 0 */
	bool has_text;         /* a word was written: blanks before the first are dropped */
	bool is_hidden_blank;  /* the same as blank, for hidden text */
	bool is_hidden_cut;
	struct str raw; /* name of the element whose text is raw */
	int link;       /* open link, or -1 */
	size_t link_text_at;
};

void html_page_init(struct html_page *p, const struct html_out *out);
/** Characters; a blank between two words may be among them. */
void html_page_word(struct html_page *p, struct str word);
void html_page_blank(struct html_page *p);
/**
 * @param tag  Between "<" and ">"; begins with a letter or "/".
 * @return true: the text that follows is raw until the end tag.
 */
MUSTUSE bool html_page_tag(struct html_page *p, struct str tag);
/** Name of the raw element, lower case. */
struct str html_page_raw_name(const struct html_page *p);
void html_page_end(struct html_page *p);

#endif
