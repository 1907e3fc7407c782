/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_inside: what the parts of path share. Layer: doctor.
 */
#ifndef DOCTOR_PATH_INSIDE_H
#define DOCTOR_PATH_INSIDE_H

#include "doctor/path.h"

struct path_look;
typedef void path_file_fn(struct path_look *l, const char *file, struct str text);
typedef void path_name_fn(struct path_look *l, const char *path);

struct path_look {
	struct jail jail;
	struct path_report *report;
	path_file_fn *php; /* who reads PHP's files */
};

/** A new item; NULL when there are too many. `file` is copied. */
struct path_item *path_item_add(struct path_look *l, const char *what, const char *file,
				enum path_way way);
/**
 * A relay as it is written in settings: "host", "[host]", "host:587", "[v6]:587", with
 * "tls://", "ssl://" or "smtp://" before it. This machine itself makes PATH_WAY_LOCAL.
 *
 * @param port  Unless the text says it.
 */
void path_set_relay(struct path_item *i, struct str text, uint16_t port);
/** The number in `text`, or `other`. */
uint16_t path_port(struct str text, uint16_t other);
/** Append a file; what can't be read is counted, what is not there is not. @return false: nothing.
 */
bool path_read(struct path_look *l, const char *file, struct buf *ret);

/** Read each file of a folder whose name fits ("*.conf", "*"), in no order. */
void path_each(struct path_look *l, const char *dir, const char *pattern, path_file_fn *fn);
/** Each folder in a folder, by its path. */
void path_each_dir(struct path_look *l, const char *dir, path_name_fn *fn);

/** The value of `key` in lines "key = value" or "key value"; the last one counts. Comments begin
 * with # or ;. A NULL view: not there. */
struct str path_setting(struct str text, struct str key);

void path_look_mta(struct path_look *l);
void path_look_php(struct path_look *l);
void path_look_sites(struct path_look *l);
/** Each php.ini, what is included into it, and each pool of FPM, of every place and panel. */
void path_each_php(struct path_look *l, path_file_fn *fn);
/** A setting of php.ini, or of a pool or of Apache for all that is below. A NULL view: not there.
 */
struct str path_php_setting(struct str text, const char *key);
/** A line of php.ini or of a pool. */
void path_take_php(struct path_look *l, const char *file, struct str text);
/** A file that a site has its settings in. @param name  Its name in its folder. */
void path_take_site_file(struct path_look *l, const char *name, const char *file, struct str text);

#endif
