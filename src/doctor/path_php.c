/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_php: what PHP's mail() hands its messages to: php.ini, what is included into it, and the
 * pools of FPM. Layer: doctor.
 */
#include "doctor/path_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* "php_admin_value[sendmail_path]" of a pool, or "php_admin_value sendmail_path" of Apache. */
struct str path_php_setting(struct str text, const char *key)
{
	static const char *const forms[][2] = {{"", ""},
					       {"php_admin_value[", "]"},
					       {"php_value[", "]"},
					       {"php_admin_value ", ""},
					       {"php_value ", ""}};
	struct str found = STR_EMPTY;
	char name[80];

	for (size_t i = 0; i < COUNT_OF(forms) && found.len == 0; i++) {
		(void)snprintf(name, sizeof(name), "%s%s%s", forms[i][0], key, forms[i][1]);
		found = path_setting(text, str_of(name));
	}
	return found;
}

/* The program's name alone: what stands behind it may be anything. */
static void keep_program(struct path_item *i, struct str command)
{
	size_t end = 0;
	size_t begin = 0;

	while (end < command.len && !char_is_space(command.ptr[end]) && command.ptr[end] != '"') {
		begin = command.ptr[end] == '/' ? end + 1 : begin;
		end++;
	}
	struct str name = {command.ptr + begin, end - begin};
	for (size_t k = 0; k < name.len; k++) {
		char c = name.ptr[k];
		if (!char_is_alpha(c) && !char_is_digit(c) && c != '-' && c != '_' && c != '.') {
			return;
		}
	}
	(void)str_copy(i->host, sizeof(i->host), name);
}

/* The word behind an option: "-S host", "--host=host". */
static struct str option(struct str command, struct str name)
{
	struct str rest = str_skip(command, str_find(command, name));

	rest = str_skip(rest, name.len);
	while (rest.len > 0 && rest.ptr[0] == ' ') {
		rest = str_skip(rest, 1);
	}
	size_t end = 0;
	while (end < rest.len && !char_is_space(rest.ptr[end]) && rest.ptr[end] != '"') {
		end++;
	}
	return str_head(rest, end);
}

static void take_command(struct path_look *l, const char *file, struct str command)
{
	struct str host = option(command, STR(" -S "));
	uint16_t port = path_port(option(command, STR("--port=")), 25);

	host = host.len > 0 ? host : option(command, STR("--host="));
	struct path_item *i = path_item_add(l, "php", file, PATH_WAY_LOCAL);
	if (i == NULL) {
		return;
	}
	if (host.len > 0) {
		path_set_relay(i, host, port);
	} else {
		keep_program(i, command);
	}
}

void path_take_php(struct path_look *l, const char *file, struct str text)
{
	struct str command = path_php_setting(text, "sendmail_path");
	struct str server = path_setting(text, STR("SMTP"));

	if (command.len > 0) {
		take_command(l, file, command);
	}
	/* PHP reads these on Windows alone, but whoever set them may believe otherwise. */
	if (server.len > 0 && !str_is_equal_nocase(server, STR("localhost"))) {
		struct path_item *i = path_item_add(l, "php", file, PATH_WAY_NONE);
		if (i != NULL) {
			path_set_relay(i, server,
				       path_port(path_setting(text, STR("smtp_port")), 25));
			i->way = PATH_WAY_NONE;
			i->note = "SMTP and smtp_port count on Windows alone; here sendmail_path "
				  "does";
		}
	}
}

/* /etc/php/8.2 and what is below it. */
static void take_version(struct path_look *l, const char *dir)
{
	static const char *const kinds[] = {"fpm", "apache2", "cgi", "cli"};
	char path[JAIL_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		(void)snprintf(path, sizeof(path), "%.1000s/%s", dir, kinds[i]);
		path_each(l, path, "php.ini", l->php);
		(void)snprintf(path, sizeof(path), "%.1000s/%s/conf.d", dir, kinds[i]);
		path_each(l, path, "*.ini", l->php);
		(void)snprintf(path, sizeof(path), "%.1000s/%s/pool.d", dir, kinds[i]);
		path_each(l, path, "*.conf", l->php);
	}
}

/* Plesk's and cPanel's. */
static void take_panel_version(struct path_look *l, const char *dir)
{
	static const char *const places[][2] = {
		{"etc", "php.ini"},          {"etc/php.d", "*.ini"},
		{"etc/php-fpm.d", "*.conf"}, {"root/etc", "php.ini"},
		{"root/etc/php.d", "*.ini"}, {"root/etc/php-fpm.d", "*.conf"}};
	char path[JAIL_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		(void)snprintf(path, sizeof(path), "%.1000s/%s", dir, places[i][0]);
		path_each(l, path, places[i][1], l->php);
	}
}

void path_each_php(struct path_look *l, path_file_fn *fn)
{
	l->php = fn;
	path_each(l, "/etc", "php.ini", l->php);
	path_each(l, "/etc/php.d", "*.ini", l->php);
	path_each(l, "/etc/php-fpm.d", "*.conf", l->php);
	path_each(l, "/usr/local/lib", "php.ini", l->php);
	path_each_dir(l, "/etc/php", take_version);
	path_each_dir(l, "/opt/plesk/php", take_panel_version);
	path_each_dir(l, "/opt/cpanel", take_panel_version);
}

void path_look_php(struct path_look *l)
{
	path_each_php(l, path_take_php);
}
