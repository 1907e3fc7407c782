/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin: walks the chain of Received lines; reads what panels and PHP add. Layer: core (pure).
 */
#include "core/origin.h"

#include "base/arena.h"
#include "proto/received.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

#define ARENA_MAX (512 * 1024)

/* A field that may be believed: Received, or an X- field that stands above one. */
struct line {
	struct str text; /* "Name: value" */
	struct str value;
	bool is_received;
	struct received received;
};

struct origin {
	struct arena *arena;
	struct str patterns[ORIGIN_PATTERNS_MAX];
	size_t pattern_count;
	struct line lines[ORIGIN_HOPS_MAX];
	size_t line_count;
	struct str id_host; /* right side of Message-ID */
	struct str believed[ORIGIN_HOPS_MAX];
	struct origin_result result;
};

struct origin *origin_new(void)
{
	struct origin *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return NULL;
	}
	o->arena = arena_new(ARENA_MAX);
	if (o->arena == NULL) {
		free(o);
		return NULL;
	}
	o->result.path = ORIGIN_PATH_UNKNOWN;
	return o;
}

void origin_free(struct origin *o)
{
	if (o != NULL) {
		arena_free(o->arena);
		free(o);
	}
}

int origin_add_host(struct origin *o, struct str pattern)
{
	struct str kept = STR_EMPTY;

	if (o->pattern_count < ORIGIN_PATTERNS_MAX) {
		kept = arena_copy(o->arena, str_trim(pattern));
	}
	if (kept.ptr == NULL) {
		return -ENOSPC;
	}
	o->patterns[o->pattern_count++] = kept;
	return 0;
}

/* "*" is any octets, "?" is one. The last star is the only place to come back to. */
static bool glob_is_match(struct str pattern, struct str name)
{
	size_t p = 0;
	size_t n = 0;
	size_t star = SIZE_MAX;
	size_t star_n = 0;

	while (n < name.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			star_n = n;
		} else if (p < pattern.len &&
			   (pattern.ptr[p] == '?' ||
			    char_lower(pattern.ptr[p]) == char_lower(name.ptr[n]))) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++star_n;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*') {
		p++;
	}
	return p == pattern.len;
}

static bool name_is_known(const struct origin *o, struct str name)
{
	for (size_t i = 0; i < o->pattern_count && name.len > 0; i++) {
		if (glob_is_match(o->patterns[i], name)) {
			return true;
		}
	}
	return false;
}

static bool address_is_known(const struct origin *o, const struct addr *a)
{
	for (size_t i = 0; i < o->pattern_count && a->family != 0; i++) {
		struct prefix p;
		if (prefix_parse(o->patterns[i], &p) == 0 && prefix_has_addr(&p, a)) {
			return true;
		}
	}
	return false;
}

/* Is one of the words of a text a known host? Words end where a host name cannot go on. */
static bool text_is_known(const struct origin *o, struct str text)
{
	while (text.len > 0) {
		size_t n = 0;
		while (n < text.len && (char_is_alpha(text.ptr[n]) || char_is_digit(text.ptr[n]) ||
					text.ptr[n] == '.' || text.ptr[n] == '-')) {
			n++;
		}
		struct str word = str_take(&text, n);
		struct addr a;
		if (name_is_known(o, word) ||
		    (addr_parse(word, &a) == 0 && address_is_known(o, &a))) {
			return true;
		}
		text = str_skip(text, 1);
	}
	return false;
}

/* The part of a name that its owner registered, told by its shape: "example.net", "example.co.uk".
 */
static struct str site_of(struct str name)
{
	size_t at = name.len;
	size_t labels = 0;
	size_t last = name.len;
	size_t len[2] = {0, 0};

	while (at > 0 && labels < 3) {
		if (name.ptr[at - 1] == '.') {
			if (labels < 2) {
				len[labels] = last - at;
			}
			labels++;
			last = at - 1;
			bool is_short = len[0] == 2 && len[1] <= 3;
			if (labels == 3 || (labels == 2 && !is_short)) {
				break;
			}
		}
		at--;
	}
	return str_skip(name, at);
}

static bool is_same_place(struct str a, struct str b)
{
	return a.len > 0 && b.len > 0 &&
	       (str_is_equal_nocase(a, b) || str_is_equal_nocase(site_of(a), site_of(b)));
}

/* Loopback and private addresses: a hop inside of one place. */
static bool is_inside(const struct received *r)
{
	static const struct str nets[] = {
		{"127.0.0.0/8", 11},
		{"10.0.0.0/8", 10},
		{"172.16.0.0/12", 13},
		{"192.168.0.0/16", 14},
		{"::1", 3},
		{"fc00::/7", 8},
		{"fe80::/10", 9},
		{"2603:1000::/24", 14}, /* between the servers of Exchange Online */
	};

	for (size_t i = 0; i < COUNT_OF(nets); i++) {
		struct prefix p;
		if (r->address.family != 0 && prefix_parse(nets[i], &p) == 0 &&
		    prefix_has_addr(&p, &r->address)) {
			return true;
		}
	}
	return r->address.family == 0 &&
	       (r->from.len == 0 || str_is_equal_nocase(r->from, STR("localhost")));
}

static bool is_known_sender(const struct origin *o, const struct received *r)
{
	return name_is_known(o, r->verified) || address_is_known(o, &r->address);
}

/* Did the host that `above` took the message from write `below`? */
static bool is_joined(const struct origin *o, const struct received *above,
		      const struct received *below)
{
	if (above->is_local) {
		return false; /* it was handed in there: nothing came before */
	}
	if (below->by.len == 0 && below->is_local) {
		return is_known_sender(o, above); /* qmail does not name itself */
	}
	if (is_inside(above) || is_same_place(above->verified, below->by)) {
		return true;
	}
	/* Known hosts have many names: from one of ours, written by one of ours. */
	return is_known_sender(o, above) && name_is_known(o, below->by);
}

static void believe(struct origin *o, const struct line *l)
{
	if (o->result.believed_count < ORIGIN_HOPS_MAX) {
		o->believed[o->result.believed_count++] = l->text;
	}
}

static void line_learn(struct origin *o, const struct received *r)
{
	struct origin_result *res = &o->result;

	res->account = r->account.len > 0 ? r->account : res->account;
	res->uid = r->uid.len > 0 ? r->uid : res->uid;
}

/* The topmost line of each kind decides the path; the lowest believed one names the account. */
static void hop_take(struct origin *o, const struct received *r, struct str writer)
{
	struct origin_result *res = &o->result;
	bool is_written_here = name_is_known(o, writer);

	if (is_written_here) {
		if (res->path != ORIGIN_PATH_RELAYED) {
			res->path = ORIGIN_PATH_RELAYED;
			res->host = writer;
		}
		line_learn(o, r);
	} else if (res->path == ORIGIN_PATH_UNKNOWN && is_known_sender(o, r)) {
		res->path = ORIGIN_PATH_DIRECT;
		res->host = r->verified;
	}
	res->is_received_known |= is_written_here || is_known_sender(o, r);
}

static void address_host(struct origin *o, const struct received *r)
{
	char text[ADDR_TEXT_SIZE];

	if (o->result.path == ORIGIN_PATH_DIRECT && o->result.host.len == 0) {
		o->result.host = arena_copy(o->arena, str_of(addr_format(&r->address, text)));
	}
}

static void chain_walk(struct origin *o)
{
	const struct received *above = NULL;
	size_t pending = 0; /* X- fields since the last believed line */

	for (size_t i = 0; i < o->line_count; i++) {
		const struct line *l = &o->lines[i];
		if (!l->is_received) {
			pending++;
			continue;
		}
		if (above != NULL && !is_joined(o, above, &l->received)) {
			return; /* the break */
		}
		struct str writer = l->received.by;
		if (writer.len == 0 && l->received.is_local && above != NULL) {
			writer = above->verified;
		}
		hop_take(o, &l->received, writer);
		address_host(o, &l->received);
		if (name_is_known(o, writer)) {
			/* What stands right above its line was put there by that host or after it.
			 */
			for (size_t k = i - pending; k < i; k++) {
				believe(o, &o->lines[k]);
			}
			believe(o, l);
		}
		pending = 0;
		above = &l->received;
	}
}

/* "1001:mail.php", "1001:mail.php(3) : eval()'d code" */
static void originating_read(struct origin *o, struct str value)
{
	struct str uid = str_take_until(&value, ':');
	bool is_number = uid.len > 0;

	for (size_t i = 0; i < uid.len; i++) {
		is_number = is_number && char_is_digit(uid.ptr[i]);
	}
	if (is_number && value.len > 0) {
		o->result.uid = o->result.uid.ptr == NULL ? uid : o->result.uid;
		o->result.script = o->result.script.ptr == NULL ? str_trim(value)
								: o->result.script;
	}
}

static void once(struct str *slot, struct str value)
{
	value = str_trim(value);
	if (slot->ptr == NULL && value.len > 0) {
		*slot = value;
	}
}

/* cPanel: "host.example: user@site.example", "host: authenticated_id: user/…". */
static struct str panel_account(struct str value)
{
	struct str rest = value;
	struct str account = value;

	while (rest.len > 0) {
		account = str_trim(str_take_until(&rest, ':'));
	}
	size_t slash = str_find(account, STR("/"));
	return str_head(account, slash);
}

/* "Originator/Caller UID/GID - [1001 12] / [47 12]" */
static struct str caller_uid(struct str value)
{
	struct str rest = str_skip(value, str_find_char(value, '[') + 1);
	size_t n = 0;

	while (n < rest.len && char_is_digit(rest.ptr[n])) {
		n++;
	}
	return str_head(rest, n);
}

enum x_kind {
	X_ORIGINATING,
	X_SCRIPT,  /* "host/path for address" */
	X_ACCOUNT, /* an account, perhaps behind "host:" */
	X_CALLER,
	X_DIR,
	X_HOST, /* only looked at for known hosts */
};

static const struct x_field {
	struct str name;
	enum x_kind kind;
} x_fields[] = {
	{{"x-php-originating-script", 24}, X_ORIGINATING},
	{{"x-php-script", 12}, X_SCRIPT},
	{{"x-php-filename", 14}, X_DIR},
	{{"x-authenticated-sender", 22}, X_ACCOUNT},
	{{"x-authenticated-user", 20}, X_ACCOUNT},
	{{"x-authenticated-id", 18}, X_ACCOUNT},
	{{"x-get-message-sender-via", 24}, X_ACCOUNT},
	{{"x-antiabuse", 11}, X_CALLER},
	{{"x-source-dir", 12}, X_DIR},
	{{"x-ppp-vhost", 11}, X_HOST},
	{{"x-ppp-message-id", 16}, X_HOST},
	{{"x-source", 8}, X_HOST},
	{{"x-source-args", 13}, X_HOST},
	{{"x-mailer-host", 13}, X_HOST},
};

static const struct x_field *x_find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(x_fields); i++) {
		if (str_is_equal_nocase(name, x_fields[i].name)) {
			return &x_fields[i];
		}
	}
	return NULL;
}

/* What X- fields say is taken where no believed line says it better. */
static void x_read(struct origin *o, const struct line *l)
{
	size_t colon = str_find_char(l->text, ':');
	const struct x_field *x = x_find(str_head(l->text, colon));
	struct origin_result *res = &o->result;

	if (x == NULL) {
		return;
	}
	res->is_x_known |= text_is_known(o, l->value);
	switch (x->kind) {
	case X_ORIGINATING:
		originating_read(o, l->value);
		break;
	case X_SCRIPT:
		once(&res->script, str_head(l->value, str_find(l->value, STR(" for "))));
		break;
	case X_DIR:
		once(&res->script, l->value);
		break;
	case X_ACCOUNT:
		once(&res->account, panel_account(l->value));
		break;
	case X_CALLER:
		if (str_find_nocase(l->value, STR("UID/GID")) < l->value.len) {
			once(&res->uid, caller_uid(l->value));
		}
		break;
	case X_HOST:
		break;
	}
}

static void line_add(struct origin *o, struct str name, struct str value, bool is_received)
{
	if (o->line_count == ORIGIN_HOPS_MAX) {
		return;
	}
	value = str_head(value, ORIGIN_LINE_MAX);
	char *text = arena_alloc(o->arena, name.len + 2 + value.len);
	if (text == NULL) {
		return;
	}
	size_t n = 0;
	for (size_t i = 0; i < name.len; i++) {
		text[n++] = name.ptr[i];
	}
	text[n++] = ':';
	text[n++] = ' ';
	for (size_t i = 0; i < value.len; i++) {
		text[n++] = value.ptr[i];
	}
	struct line *l = &o->lines[o->line_count++];
	l->text = (struct str){text, n};
	l->value = str_skip(l->text, name.len + 2);
	l->is_received = is_received;
	if (is_received) {
		l->received = received_parse(l->value);
	}
}

void origin_add_field(struct origin *o, struct str name, struct str value)
{
	name = str_head(name, 128);
	if (str_is_equal_nocase(name, STR("Received"))) {
		line_add(o, name, value, true);
	} else if (x_find(name) != NULL) {
		line_add(o, name, value, false);
	} else if (str_is_equal_nocase(name, STR("Message-ID"))) {
		size_t at = str_find_char(value, '@');
		struct str right = str_skip(value, at + 1);
		o->id_host = arena_copy(o->arena, str_head(right, str_find_char(right, '>')));
	}
}

/* Nobody said which hosts are known: the one that handed the message to the recipient, and what is
 * of its site. */
static void hosts_guess(struct origin *o)
{
	for (size_t i = 0; i < o->line_count && o->pattern_count == 0; i++) {
		const struct received *r = &o->lines[i].received;
		if (!o->lines[i].is_received || (!r->is_local && is_inside(r))) {
			continue;
		}
		struct str name = r->is_local ? r->by : r->verified;
		struct str site = site_of(name);
		char text[ADDR_TEXT_SIZE];
		if (name.len == 0) {
			name = r->address.family == 0 ? r->by
						      : str_of(addr_format(&r->address, text));
		}
		o->patterns[o->pattern_count++] = arena_copy(o->arena, name);
		if (site.len > 0 && site.len < name.len) {
			/* The name's end from the dot on, with a star for the rest. */
			char *glob = arena_alloc(o->arena, site.len + 2);
			if (glob != NULL) {
				glob[0] = '*';
				glob[1] = '.';
				for (size_t k = 0; k < site.len; k++) {
					glob[k + 2] = site.ptr[k];
				}
				o->patterns[o->pattern_count++] = (struct str){glob, site.len + 2};
			}
		}
	}
}

const struct origin_result *origin_end(struct origin *o)
{
	if (o->pattern_count == 0) {
		hosts_guess(o);
	}
	o->result.is_id_known = name_is_known(o, o->id_host);
	chain_walk(o);
	for (size_t i = 0; i < o->line_count; i++) {
		if (!o->lines[i].is_received) {
			x_read(o, &o->lines[i]);
		}
	}
	o->result.believed = o->believed;
	return &o->result;
}

const char *origin_path_name(enum origin_path v)
{
	static const char *const names[] = {
		[ORIGIN_PATH_RELAYED] = "relayed",
		[ORIGIN_PATH_DIRECT] = "direct",
		[ORIGIN_PATH_UNKNOWN] = "unknown",
	};
	static_assert(COUNT_OF(names) == ORIGIN_PATH_COUNT, "a name for every path");

	return names[v];
}
