/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_mta: how mail servers and mail programs deliver: Postfix, Exim, sendmail, msmtp, ssmtp,
 * nullmailer. Layer: doctor.
 */
#include "doctor/path_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* ---- Postfix ---- */

/* Logical lines: what begins with a blank belongs to the line before. */
static void join_lines(struct str text, struct buf *out)
{
	while (text.len > 0) {
		struct str line = str_take_until(&text, '\n');
		struct str trimmed = str_trim(line);
		if (trimmed.len == 0 || trimmed.ptr[0] == '#') {
			continue;
		}
		bool goes_on = line.ptr[0] == ' ' || line.ptr[0] == '\t';
		buf_add_char(out, goes_on ? ' ' : '\n');
		buf_add(out, trimmed);
	}
	buf_add_char(out, '\n');
}

/* A value that is nothing but "$name" is that setting's. */
static struct str postfix_value(struct str main_cf, const char *key)
{
	struct str v = path_setting(main_cf, str_of(key));

	for (int depth = 0; depth < 4 && v.len > 1 && v.ptr[0] == '$'; depth++) {
		struct str name = str_skip(v, 1);
		if (name.len > 2 && name.ptr[0] == '{' && name.ptr[name.len - 1] == '}') {
			name = (struct str){name.ptr + 1, name.len - 2};
		}
		v = path_setting(main_cf, name);
	}
	return v;
}

static int yes_no(struct str v)
{
	return str_is_equal_nocase(v, STR("yes")) ? 1 : 0;
}

/* Is this transport of master.cf a client of SMTP? Without the file the usual ones are. */
static bool is_smtp_service(struct str master_cf, struct str name)
{
	bool usual = str_is_equal(name, STR("smtp")) || str_is_equal(name, STR("relay"));

	while (master_cf.len > 0) {
		struct str line = str_take_until(&master_cf, '\n');
		char copy[256];
		char *save = NULL;
		char *word[8] = {NULL};
		(void)str_copy(copy, sizeof(copy), line);
		size_t n = 0;
		for (char *w = strtok_r(copy, " \t", &save); w != NULL && n < 8;
		     w = strtok_r(NULL, " \t", &save)) {
			word[n++] = w;
		}
		if (n == 8 && str_is_equal(str_of(word[0]), name) && strcmp(word[1], "unix") == 0) {
			return strcmp(word[7], "smtp") == 0;
		}
	}
	return usual;
}

struct postfix {
	struct path_look *l;
	struct str main_cf;
	struct str master_cf;
	const char *file;
	int login;
	bool wraps; /* TLS from the first octet */
};

/* "smtp:[relay.example]:587" or "relay.example" */
static void postfix_hop(const struct postfix *p, struct str text, const char *file, bool has_name)
{
	struct str hop = str_trim(text);
	struct str name = STR("smtp");

	if (has_name) {
		name = str_take_until(&hop, ':');
		if (!is_smtp_service(p->master_cf, name)) {
			return; /* local, virtual, error, a filter: it is no way out */
		}
	}
	struct path_item *i = path_item_add(p->l, "postfix", file, PATH_WAY_DIRECT);
	if (i == NULL || hop.len == 0) {
		return;
	}
	path_set_relay(i, hop, p->wraps ? 465 : 25);
	i->login = p->login;
	if (i->way == PATH_WAY_LOCAL) {
		i->note = "hands on to another server of this machine, such as a filter";
	}
}

/* Lines "pattern  destination"; what is named as hash:/FILE is read as its text, /FILE. */
static void postfix_map(const struct postfix *p, const char *key, bool has_name)
{
	char path[512];
	struct str maps = postfix_value(p->main_cf, key);
	struct buf text;
	size_t at = str_find_char(maps, '/');
	struct str type = str_head(maps, at);

	if (maps.len == 0 || at == maps.len) {
		return;
	}
	struct str file = str_skip(maps, at);
	size_t end = 0;
	while (end < file.len && file.ptr[end] != ',' && !char_is_space(file.ptr[end])) {
		end++;
	}
	(void)str_copy(path, sizeof(path), str_head(file, end));
	bool is_text = str_has_suffix(type, STR("hash:")) || str_has_suffix(type, STR("lmdb:")) ||
		       str_has_suffix(type, STR("texthash:")) ||
		       str_has_suffix(type, STR("cdb:")) || str_has_suffix(type, STR("btree:"));
	if (!is_text || !path_read(p->l, path, &text)) {
		struct path_item *i = path_item_add(p->l, "postfix", p->file, PATH_WAY_UNKNOWN);
		if (i != NULL) {
			i->note =
				"routes of single domains or senders are in a table that can't be "
				"read here";
		}
		return;
	}
	struct str rest = buf_str(&text);
	while (rest.len > 0) {
		struct str line = str_trim(str_take_until(&rest, '\n'));
		size_t blank = 0;
		while (blank < line.len && !char_is_space(line.ptr[blank])) {
			blank++;
		}
		struct str hop = str_trim(str_skip(line, blank));
		if (line.len > 0 && line.ptr[0] != '#' && hop.len > 0) {
			postfix_hop(p, hop, path, has_name);
		}
	}
	buf_done(&text);
}

static void postfix_default(const struct postfix *p)
{
	struct str transport = postfix_value(p->main_cf, "default_transport");
	struct str relay = postfix_value(p->main_cf, "relayhost");
	struct str name = str_take_until(&transport, ':');

	if (name.len > 0 && !is_smtp_service(p->master_cf, name)) {
		struct path_item *i = path_item_add(p->l, "postfix", p->file, PATH_WAY_UNKNOWN);
		if (i != NULL) {
			i->note = str_is_equal(name, STR("error"))
					  ? "it sends nothing to other machines"
					  : "its default_transport is no client "
					    "of SMTP";
			i->way = str_is_equal(name, STR("error")) ? PATH_WAY_NONE : i->way;
		}
		return;
	}
	postfix_hop(p, transport.len > 0 ? transport : relay, p->file, false);
}

static void look_postfix(struct path_look *l, const char *dir)
{
	char file[JAIL_PATH_MAX];
	struct buf text;
	struct buf main_cf;
	struct buf master_cf;

	(void)snprintf(file, sizeof(file), "%.1000s/master.cf", dir);
	buf_init(&master_cf, 2 * PATH_FILE_MAX);
	if (path_read(l, file, &text)) {
		join_lines(buf_str(&text), &master_cf);
		buf_done(&text);
	}
	(void)snprintf(file, sizeof(file), "%.1000s/main.cf", dir);
	buf_init(&main_cf, 2 * PATH_FILE_MAX);
	if (path_read(l, file, &text)) {
		join_lines(buf_str(&text), &main_cf);
		buf_done(&text);
		struct postfix p = {.l = l,
				    .main_cf = buf_str(&main_cf),
				    .master_cf = buf_str(&master_cf),
				    .file = file};
		p.login = yes_no(postfix_value(p.main_cf, "smtp_sasl_auth_enable"));
		p.wraps = yes_no(postfix_value(p.main_cf, "smtp_tls_wrappermode")) == 1;
		postfix_default(&p);
		postfix_map(&p, "transport_maps", true);
		postfix_map(&p, "sender_dependent_relayhost_maps", false);
	}
	buf_done(&main_cf);
	buf_done(&master_cf);
}

static void look_postfix_instances(struct path_look *l)
{
	struct buf text;
	char dir[512];

	look_postfix(l, "/etc/postfix");
	if (!path_read(l, "/etc/postfix/main.cf", &text)) {
		return;
	}
	struct str dirs = path_setting(buf_str(&text), STR("multi_instance_directories"));
	while (dirs.len > 0) {
		struct str one = str_trim(str_take_until(&dirs, ' '));
		if (one.len > 0 && one.ptr[0] == '/' && str_copy(dir, sizeof(dir), one)) {
			look_postfix(l, dir);
		}
	}
	buf_done(&text);
}

/* ---- Exim ---- */

/* Debian's answers: host::port, several with ";" between. */
static bool look_exim_debian(struct path_look *l)
{
	static const char file[] = "/etc/exim4/update-exim4.conf.conf";
	struct buf text;

	if (jail_has(&l->jail, "/etc/exim4/exim4.conf") || !path_read(l, file, &text)) {
		return false;
	}
	struct str type = path_setting(buf_str(&text), STR("dc_eximconfig_configtype"));
	struct str hosts = path_setting(buf_str(&text), STR("dc_smarthost"));
	struct path_item *i = path_item_add(l, "exim", file, PATH_WAY_DIRECT);
	if (i != NULL &&
	    (str_is_equal(type, STR("smarthost")) || str_is_equal(type, STR("satellite")))) {
		struct str first = str_take_until(&hosts, ';');
		size_t port = str_find(first, STR("::"));
		path_set_relay(i, str_head(first, port), path_port(str_skip(first, port + 2), 25));
		i->login = jail_has(&l->jail, "/etc/exim4/passwd.client") ? -1 : 0;
	} else if (i != NULL && !str_is_equal(type, STR("internet"))) {
		i->way = PATH_WAY_NONE;
		i->note = "it delivers to this machine alone";
	}
	buf_done(&text);
	return true;
}

/* "* smtp.example::587 byname", "!+local_domains relay.example" */
static void exim_route(struct path_item *i, struct str route, uint16_t port)
{
	char hop[300];

	(void)str_take_until(&route, ' ');
	route = str_trim(route);
	struct str host = str_take_until(&route, ' ');
	size_t at = str_find(host, STR("::"));
	(void)str_copy(hop, sizeof(hop), str_head(host, at));
	path_set_relay(i, str_of(hop), path_port(str_skip(host, at + 2), port));
}

/* The routers of a whole configuration, in their order; the first that takes all counts. */
static void take_exim(struct path_look *l, const char *file, struct str text)
{
	struct str ports = text;
	struct path_item *i;
	uint16_t port = 25;
	bool is_manual = false;
	struct str route = STR_EMPTY;
	bool is_direct = false;

	while (ports.len > 0) { /* a transport's own port */
		struct str line = str_trim(str_take_until(&ports, '\n'));
		if (str_has_prefix(line, STR("port")) && str_find_char(line, '=') < line.len &&
		    str_trim(str_head(line, str_find_char(line, '='))).len == 4) {
			port = path_port(str_skip(line, str_find_char(line, '=') + 1), port);
		}
	}
	while (text.len > 0) {
		struct str line = str_trim(str_take_until(&text, '\n'));
		if (str_has_prefix(line, STR("driver"))) {
			is_manual = str_has_suffix(line, STR("manualroute"));
			is_direct = is_direct || str_has_suffix(line, STR("dnslookup"));
		}
		bool is_route = str_has_prefix(line, STR("route_list")) ||
				str_has_prefix(line, STR("route_data"));
		if (is_manual && is_route && route.len == 0) {
			route = str_trim(str_skip(line, str_find_char(line, '=') + 1));
		}
	}
	if (route.len == 0 && !is_direct) {
		return;
	}
	if (route.len > 0 && str_find_char(route, '$') == route.len) {
		i = path_item_add(l, "exim", file, PATH_WAY_RELAY);
		if (i != NULL) {
			exim_route(i, route, port);
		}
	} else if (route.len > 0) {
		i = path_item_add(l, "exim", file, PATH_WAY_UNKNOWN);
		if (i != NULL) {
			i->note = "a router computes the relay";
		}
	}
	if (is_direct) {
		(void)path_item_add(l, "exim", file, PATH_WAY_DIRECT);
	}
}

static void look_exim(struct path_look *l)
{
	static const char *const files[] = {"/etc/exim4/exim4.conf", "/etc/exim.conf",
					    "/etc/exim/exim.conf", "/usr/local/etc/exim/configure"};
	struct buf text;

	if (look_exim_debian(l)) {
		return;
	}
	for (size_t k = 0; k < COUNT_OF(files); k++) {
		if (path_read(l, files[k], &text)) {
			take_exim(l, files[k], buf_str(&text));
			buf_done(&text);
			return;
		}
	}
}

/* ---- sendmail and programs ---- */

static void look_sendmail(struct path_look *l)
{
	static const char file[] = "/etc/mail/sendmail.cf";
	struct buf text;

	if (!path_read(l, file, &text)) {
		return;
	}
	struct str rest = buf_str(&text);
	struct str host = STR_EMPTY;
	uint16_t port = 25;
	while (rest.len > 0) {
		struct str line = str_trim(str_take_until(&rest, '\n'));
		if (str_has_prefix(line, STR("DS"))) {
			host = str_skip(line, 2);
		} else if (str_has_prefix(line, STR("Mrelay"))) {
			/* its arguments may stand on the next line */
			struct str next = rest;
			struct str more = str_take_until(&next, '\n');
			struct str args = str_skip(line, str_find(line, STR("TCP $h ")));
			args = args.len > 0 ? args : str_skip(more, str_find(more, STR("TCP $h ")));
			port = path_port(str_skip(args, 7), port);
		}
	}
	size_t mailer = str_find_char(host, ':');
	host = mailer < host.len && host.ptr[0] != '[' ? str_skip(host, mailer + 1) : host;
	struct path_item *i = path_item_add(l, "sendmail", file, PATH_WAY_DIRECT);
	if (i != NULL && host.len > 0) {
		path_set_relay(i, host, port);
		i->login = jail_has(&l->jail, "/etc/mail/authinfo") ? -1 : 0;
	}
	buf_done(&text);
}

static bool is_on(struct str v)
{
	return str_is_equal_nocase(v, STR("on")) || str_is_equal_nocase(v, STR("yes")) ||
	       str_is_equal_nocase(v, STR("plain")) || str_is_equal_nocase(v, STR("login"));
}

/* Its accounts inherit from "defaults"; each "account" begins anew. */
static void look_msmtp(struct path_look *l, const char *file)
{
	struct buf text;

	if (!path_read(l, file, &text)) {
		return;
	}
	struct str all = buf_str(&text);
	struct str host = path_setting(all, STR("host"));
	struct str port = path_setting(all, STR("port"));
	bool wraps = is_on(path_setting(all, STR("tls"))) &&
		     str_is_equal_nocase(path_setting(all, STR("tls_starttls")), STR("off"));
	struct path_item *i = path_item_add(l, "msmtp", file, PATH_WAY_RELAY);
	if (i != NULL) {
		path_set_relay(i, host, path_port(port, wraps ? 465 : 25));
		i->login = is_on(path_setting(all, STR("auth"))) ? 1 : 0;
	}
	buf_done(&text);
}

static void look_ssmtp(struct path_look *l)
{
	static const char file[] = "/etc/ssmtp/ssmtp.conf";
	struct buf text;

	if (!path_read(l, file, &text)) {
		return;
	}
	struct str hub = path_setting(buf_str(&text), STR("mailhub"));
	bool wraps = is_on(path_setting(buf_str(&text), STR("UseTLS"))) &&
		     !is_on(path_setting(buf_str(&text), STR("UseSTARTTLS")));
	struct path_item *i = path_item_add(l, "ssmtp", file, PATH_WAY_RELAY);
	if (i != NULL) {
		path_set_relay(i, hub.len > 0 ? hub : STR("mail"), wraps ? 465 : 25);
		i->login = path_setting(buf_str(&text), STR("AuthUser")).len > 0 ? 1 : 0;
	}
	buf_done(&text);
}

/* "relay.example smtp --port=587 --starttls --user=x --pass=y" */
static void look_nullmailer(struct path_look *l)
{
	static const char file[] = "/etc/nullmailer/remotes";
	struct buf text;

	if (!path_read(l, file, &text)) {
		return;
	}
	struct str rest = buf_str(&text);
	while (rest.len > 0) {
		struct str line = str_trim(str_take_until(&rest, '\n'));
		if (line.len == 0 || line.ptr[0] == '#') {
			continue;
		}
		struct str args = line;
		struct str host = str_take_until(&args, ' ');
		size_t at = str_find(args, STR("--port="));
		struct str port = str_skip(args, at + 7);
		bool wraps = str_find(args, STR("--ssl")) < args.len;
		struct path_item *i = path_item_add(l, "nullmailer", file, PATH_WAY_RELAY);
		if (i != NULL) {
			path_set_relay(i, host,
				       path_port(str_take_until(&port, ' '), wraps ? 465 : 25));
			i->login = str_find(args, STR("--user=")) < args.len ? 1 : 0;
		}
	}
	buf_done(&text);
}

void path_look_mta(struct path_look *l)
{
	look_postfix_instances(l);
	look_exim(l);
	look_sendmail(l);
	look_msmtp(l, "/etc/msmtprc");
	look_msmtp(l, "/root/.msmtprc");
	look_ssmtp(l);
	look_nullmailer(l);
}
