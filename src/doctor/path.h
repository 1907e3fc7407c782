/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: by which way mail leaves this machine, out of the settings of mail servers, of PHP and of
 * sites; and what would break if port 25 to other machines were shut. Only settings in files are
 * seen; those in a database are said to be there. Passwords are never kept. Layer: doctor.
 */
#ifndef DOCTOR_PATH_H
#define DOCTOR_PATH_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "doctor/jail.h"

#include <stdbool.h>
#include <stdint.h>

/* Findings; further ones are counted. */
#define PATH_ITEMS_MAX 2000
/* Folders of sites that are looked into, how deep, and names in one of them. */
#define PATH_FOLDERS_MAX 20000
#define PATH_DEPTH_MAX 5
#define PATH_NAMES_MAX 5000
/* A larger settings file is not read. */
#define PATH_FILE_MAX ((size_t)1 << 20)

enum path_way {
	PATH_WAY_DIRECT,  /* to the recipients' mail servers, on port 25 */
	PATH_WAY_RELAY,   /* to one mail server, on `port` */
	PATH_WAY_LOCAL,   /* to this machine's own mail server or program */
	PATH_WAY_NONE,    /* it sends nothing */
	PATH_WAY_UNKNOWN, /* the setting is where we can't see it */
	PATH_WAY_COUNT,
};

struct path_item {
	const char *what; /* "postfix", "wordpress" … */
	char file[512];
	enum path_way way;
	char host[256];   /* of the relay or the program; may be empty */
	uint16_t port;    /* of a relay */
	int login;        /* 1: with a login; 0: without; -1: not said */
	const char *note; /* fixed text; NULL: none */
};

struct path_report {
	struct path_item *items; /* owned */
	size_t count;
	size_t left_out; /* items, folders, names over the limits */
	size_t folders;
	size_t unread; /* settings files that could not be read */
};

/** @return 0, or a negative errno when root can't be opened. */
MUSTUSE int path_look(const char *root, struct path_report *ret);
void path_done(struct path_report *r);

/** Would it break without port 25? 1: yes; 0: no; -1: can't be said. */
int path_breaks(const struct path_item *i);

void path_print_json(const struct path_report *r, struct buf *out);
void path_print_text(const struct path_report *r, struct buf *out);

#endif
