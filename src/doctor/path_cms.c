/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_cms: the mail settings of sites, out of their PHP and .env files. PHP is not run: a value
 * is seen where it is written as one. Layer: doctor.
 */
#include "doctor/path_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* ---- PHP ---- */

/* The text without its comments. */
static void strip(struct str text, struct buf *out)
{
	char quote = '\0';

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
		if (quote != '\0') {
			buf_add_char(out, c);
			if (c == '\\' && next != '\0') {
				buf_add_char(out, next);
				i++;
			} else if (c == quote) {
				quote = '\0';
			}
		} else if (c == '#' || (c == '/' && next == '/')) {
			struct str rest = str_skip(text, i);
			i += str_find_char(rest, '\n');
			buf_add_char(out, '\n');
		} else if (c == '/' && next == '*') {
			i += 2 + str_find(str_skip(text, i + 2), STR("*/")) + 1;
		} else {
			quote = c == '"' || c == '\'' ? c : '\0';
			buf_add_char(out, c);
		}
	}
}

/* What stands behind a key: a text in quotes, or a word. */
static struct str value_at(struct str s)
{
	size_t n = 0;

	while (s.len > 0 && (char_is_space(s.ptr[0]) || strchr("=>,:", s.ptr[0]) != NULL)) {
		s = str_skip(s, 1);
	}
	if (s.len > 0 && (s.ptr[0] == '"' || s.ptr[0] == '\'')) {
		char quote = s.ptr[0];
		s = str_skip(s, 1);
		return str_head(s, str_find_char(s, quote));
	}
	while (n < s.len && (char_is_alpha(s.ptr[n]) || char_is_digit(s.ptr[n]))) {
		n++;
	}
	return str_head(s, n);
}

/*
 * The value of a key, written as 'key' => v, define('key', v), ['key'] = v or $key = v; the last
 * one counts. A NULL view: not there.
 */
static struct str php_value(struct str text, const char *key)
{
	struct str name = str_of(key);
	struct str found = STR_EMPTY;
	struct str rest = text;

	for (;;) {
		size_t at = str_find(rest, name);
		if (at == rest.len) {
			return found;
		}
		char before = at > 0 ? rest.ptr[at - 1] : '\0';
		struct str after = str_skip(rest, at + name.len);
		char behind = after.len > 0 ? after.ptr[0] : '\0';
		bool is_quoted = (before == '"' || before == '\'') && behind == before;
		bool is_variable = before == '$' && !char_is_alpha(behind) &&
				   !char_is_digit(behind) && behind != '_';
		after = is_quoted ? str_skip(after, 1) : after;
		after = is_quoted && after.len > 0 && after.ptr[0] == ']' ? str_skip(after, 1)
									  : after;
		if (is_quoted || is_variable) {
			struct str v = value_at(after);
			found = v.ptr != NULL ? v : STR("");
		}
		rest = str_skip(rest, at + name.len);
	}
}

static bool is_true(struct str v)
{
	return str_is_equal_nocase(v, STR("true")) || str_is_equal(v, STR("1"));
}

static bool is_word(struct str v, const char *word)
{
	return str_is_equal_nocase(v, str_of(word));
}

/* A login is used when its setting says so, or a name is there. */
static int login_of(struct str flag, struct str user)
{
	if (flag.ptr != NULL) {
		return is_true(flag) ? 1 : 0;
	}
	return user.len > 0 ? 1 : 0;
}

static struct path_item *add_local(struct path_look *l, const char *what, const char *file,
				   const char *note)
{
	struct path_item *i = path_item_add(l, what, file, PATH_WAY_LOCAL);

	if (i != NULL) {
		i->note = note;
	}
	return i;
}

static void add_smtp(struct path_look *l, const char *what, const char *file, struct str host,
		     struct str port, int login)
{
	struct path_item *i = path_item_add(l, what, file, PATH_WAY_RELAY);

	if (i != NULL) {
		path_set_relay(i, host, path_port(port, 25));
		i->login = i->login == 1 ? 1 : login;
	}
}

/* ---- the programs ---- */

static bool has_plugin(struct path_look *l, const char *file)
{
	static const char *const plugins[] = {"wp-mail-smtp", "easy-wp-smtp", "post-smtp",
					      "fluent-smtp",  "smtp-mailer",  "mailgun"};
	char path[JAIL_PATH_MAX];
	struct str folder = str_of(file);

	folder.len -= sizeof("wp-config.php") - 1;
	for (size_t i = 0; i < COUNT_OF(plugins); i++) {
		int n = snprintf(path, sizeof(path), "%.*swp-content/plugins/%s", STR_ARG(folder),
				 plugins[i]);
		if (n > 0 && (size_t)n < sizeof(path) && jail_has(&l->jail, path)) {
			return true;
		}
	}
	return false;
}

static void take_wordpress(struct path_look *l, const char *file, struct str text)
{
	struct str host = php_value(text, "WPMS_SMTP_HOST");
	struct str smtp = php_value(text, "SMTP_HOST");

	if (is_true(php_value(text, "WPMS_ON")) && host.len > 0) {
		add_smtp(l, "wordpress", file, host, php_value(text, "WPMS_SMTP_PORT"),
			 login_of(php_value(text, "WPMS_SMTP_AUTH"), STR_EMPTY));
	} else if (smtp.len > 0) {
		add_smtp(l, "wordpress", file, smtp, php_value(text, "SMTP_PORT"),
			 login_of(php_value(text, "SMTP_AUTH"), php_value(text, "SMTP_USER")));
	} else if (has_plugin(l, file)) {
		struct path_item *i = path_item_add(l, "wordpress", file, PATH_WAY_UNKNOWN);
		if (i != NULL) {
			i->note = "a mail plug-in is installed; its settings are in the database";
		}
	} else {
		(void)add_local(l, "wordpress", file,
				"PHP's mail(); what a plug-in sets in the database is not seen");
	}
}

static void take_joomla(struct path_look *l, const char *file, struct str text)
{
	struct str mailer = php_value(text, "mailer");

	if (str_find(text, STR("JConfig")) == text.len) {
		return; /* another program's configuration.php */
	}
	if (is_word(php_value(text, "mailonline"), "0")) {
		struct path_item *i = path_item_add(l, "joomla", file, PATH_WAY_NONE);
		if (i != NULL) {
			i->note = "its mail is switched off";
		}
	} else if (is_word(mailer, "smtp")) {
		add_smtp(l, "joomla", file, php_value(text, "smtphost"),
			 php_value(text, "smtpport"),
			 login_of(php_value(text, "smtpauth"), STR_EMPTY));
	} else {
		(void)add_local(l, "joomla", file, NULL);
	}
}

static void take_typo3(struct path_look *l, const char *file, struct str text)
{
	struct str transport = php_value(text, "transport");

	if (is_word(transport, "smtp")) {
		add_smtp(l, "typo3", file, php_value(text, "transport_smtp_server"), STR_EMPTY,
			 login_of(STR_EMPTY, php_value(text, "transport_smtp_username")));
	} else {
		(void)add_local(l, "typo3", file, NULL);
	}
}

static void take_drupal(struct path_look *l, const char *file, struct str text)
{
	struct str host = php_value(text, "smtp_host");

	if (host.len > 0) {
		add_smtp(l, "drupal", file, host, php_value(text, "smtp_port"),
			 login_of(STR_EMPTY, php_value(text, "smtp_username")));
	} else {
		(void)add_local(l, "drupal", file,
				"PHP's mail(); what a module sets in the database is not seen");
	}
}

/* Drupal's and TYPO3's files have one name. */
static void take_settings(struct path_look *l, const char *file, struct str text)
{
	if (str_find(text, STR("transport_smtp_server")) < text.len ||
	    str_find(text, STR("'MAIL'")) < text.len || str_find(text, STR("typo3")) < text.len) {
		take_typo3(l, file, text);
	} else if (str_find(text, STR("$databases")) < text.len ||
		   str_find(text, STR("hash_salt")) < text.len) {
		take_drupal(l, file, text);
	}
}

static void take_nextcloud(struct path_look *l, const char *file, struct str text)
{
	struct str mode = php_value(text, "mail_smtpmode");

	if (str_find(text, STR("instanceid")) == text.len && mode.ptr == NULL) {
		return; /* another program's config.php */
	}
	if (mode.ptr == NULL || is_word(mode, "smtp")) {
		struct str host = php_value(text, "mail_smtphost");
		if (host.len == 0) {
			(void)add_local(l, "nextcloud", file,
					"mail is not set up, or to this machine");
		} else {
			add_smtp(l, "nextcloud", file, host, php_value(text, "mail_smtpport"),
				 login_of(php_value(text, "mail_smtpauth"), STR_EMPTY));
		}
	} else {
		(void)add_local(l, "nextcloud", file, NULL);
	}
}

static void take_prestashop(struct path_look *l, const char *file, struct str text)
{
	if (str_find(text, STR("mailer_transport")) == text.len &&
	    str_find(text, STR("database_prefix")) == text.len) {
		return;
	}
	struct path_item *i = path_item_add(l, "prestashop", file, PATH_WAY_UNKNOWN);
	if (i != NULL) {
		i->note = "its mail settings are in the database: Advanced Parameters, E-mail";
	}
}

/* Laravel's MAIL_*, Symfony's MAILER_DSN. */
static void take_env(struct path_look *l, const char *file, struct str text)
{
	struct str mailer = path_setting(text, STR("MAIL_MAILER"));
	struct str dsn = path_setting(text, STR("MAILER_DSN"));
	struct str host = path_setting(text, STR("MAIL_HOST"));

	mailer = mailer.len > 0 ? mailer : path_setting(text, STR("MAIL_DRIVER"));
	if (dsn.len > 0) {
		bool is_smtp = str_has_prefix_nocase(dsn, STR("smtp"));
		if (is_smtp) {
			add_smtp(l, "symfony", file, dsn, STR_EMPTY, 0);
		} else {
			(void)add_local(l, "symfony", file, "not by SMTP");
		}
	}
	if (mailer.ptr == NULL && host.ptr == NULL) {
		return;
	}
	if (mailer.len == 0 || is_word(mailer, "smtp")) {
		add_smtp(l, "laravel", file, host, path_setting(text, STR("MAIL_PORT")),
			 login_of(STR_EMPTY, path_setting(text, STR("MAIL_USERNAME"))));
	} else {
		bool is_here = is_word(mailer, "sendmail") || is_word(mailer, "mail");
		struct path_item *i = path_item_add(l, "laravel", file,
						    is_here ? PATH_WAY_LOCAL : PATH_WAY_NONE);
		if (i != NULL) {
			i->note = is_here ? NULL
					  : "it sends no mail by SMTP (an API, a log, or none)";
		}
	}
}

void path_take_site_file(struct path_look *l, const char *name, const char *file, struct str text)
{
	static const struct {
		const char *name;
		path_file_fn *take;
		bool is_php;
	} kinds[] = {
		{"wp-config.php", take_wordpress, true},
		{"configuration.php", take_joomla, true},
		{"settings.php", take_settings, true},
		{"LocalConfiguration.php", take_typo3, true},
		{".env", take_env, false},
		{"config.php", take_nextcloud, true},
		{"parameters.php", take_prestashop, true},
		{".user.ini", path_take_php, false},
	};
	struct buf plain;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (strcmp(name, kinds[i].name) != 0) {
			continue;
		}
		buf_init(&plain, PATH_FILE_MAX + 16);
		if (kinds[i].is_php) {
			strip(text, &plain);
		} else {
			buf_add(&plain, text);
		}
		kinds[i].take(l, file, buf_str(&plain));
		buf_done(&plain);
	}
}
