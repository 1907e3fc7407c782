/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe: words into a checked wish. Layer: core (pure).
 */
#include "core/recipe.h"
#include "core/recipe_inside.h"

#include "base/assert.h"
#include "base/num.h"

#include <errno.h>

#include "base/poison.h"

#define WORD_SHOWN_MAX 64

static const char *const platform_names[RECIPE_PLATFORM_COUNT] = {
	[RECIPE_NFTABLES] = "nftables",   [RECIPE_DEBIAN] = "debian",   [RECIPE_UBUNTU] = "ubuntu",
	[RECIPE_ALMALINUX] = "almalinux", [RECIPE_WINDOWS] = "windows",
};

static const uint16_t known_ports[RECIPE_PORTS_MAX] = {25, 26, 465, 587, 2525};

/* A word that was refused, as it may be shown on a terminal. */
static const char *shown(struct str word, char ret[static WORD_SHOWN_MAX + 1])
{
	size_t n = word.len < WORD_SHOWN_MAX ? word.len : WORD_SHOWN_MAX;

	for (size_t i = 0; i < n; i++) {
		char c = word.ptr[i];
		ret[i] = c >= ' ' && c < 0x7f ? c : '?';
	}
	ret[n] = '\0';
	return ret;
}

void recipe_init(struct recipe *r)
{
	*r = (struct recipe){
		.platform = RECIPE_NFTABLES,
		.has_out = true,
		.has_v4 = true,
		.has_v6 = true,
		.ports = {25},
		.port_count = 1,
	};
}

int recipe_set_platform(struct recipe *r, struct str word, struct errmsg *reterr)
{
	char text[WORD_SHOWN_MAX + 1];

	for (size_t i = 0; i < RECIPE_PLATFORM_COUNT; i++) {
		if (str_is_equal(word, str_of(platform_names[i]))) {
			r->platform = (enum recipe_platform)i;
			return 0;
		}
	}
	return err_set(reterr, -EINVAL,
		       "unknown platform '%s': nftables, debian, ubuntu, almalinux or windows",
		       shown(word, text));
}

int recipe_set_direction(struct recipe *r, struct str word, struct errmsg *reterr)
{
	char text[WORD_SHOWN_MAX + 1];
	bool is_both = str_is_equal(word, STR("both"));
	bool out = is_both || str_is_equal(word, STR("out"));
	bool in = is_both || str_is_equal(word, STR("in"));

	if (!out && !in) {
		return err_set(reterr, -EINVAL, "unknown direction '%s': in, out or both",
			       shown(word, text));
	}
	r->has_out = out;
	r->has_in = in;
	return 0;
}

int recipe_set_family(struct recipe *r, struct str word, struct errmsg *reterr)
{
	char text[WORD_SHOWN_MAX + 1];
	bool is_both = str_is_equal(word, STR("both"));
	bool v4 = is_both || str_is_equal(word, STR("4"));
	bool v6 = is_both || str_is_equal(word, STR("6"));

	if (!v4 && !v6) {
		return err_set(reterr, -EINVAL, "unknown family '%s': 4, 6 or both",
			       shown(word, text));
	}
	r->has_v4 = v4;
	r->has_v6 = v6;
	return 0;
}

int recipe_set_ports(struct recipe *r, struct str word, struct errmsg *reterr)
{
	bool is_wanted[RECIPE_PORTS_MAX] = {false};
	char text[WORD_SHOWN_MAX + 1];

	do {
		struct str one = str_take_until(&word, ',');
		uint64_t port = 0;
		size_t at = 0;
		if (num_parse_u64(one, UINT16_MAX, &port) < 0) {
			port = 0;
		}
		while (at < RECIPE_PORTS_MAX && known_ports[at] != port) {
			at++;
		}
		if (at == RECIPE_PORTS_MAX) {
			return err_set(reterr, -EINVAL,
				       "unknown mail port '%s': 25, 26, 465, 587 or 2525, with "
				       "commas between them",
				       shown(one, text));
		}
		is_wanted[at] = true;
	} while (word.len > 0);

	r->port_count = 0;
	for (size_t i = 0; i < RECIPE_PORTS_MAX; i++) {
		if (is_wanted[i]) {
			r->ports[r->port_count++] = known_ports[i];
		}
	}
	return 0;
}

/* A name as useradd takes it, capitals too (Debian-exim), or a uid. */
static bool is_user(struct str word)
{
	uint64_t uid;

	if (word.len == 0 || word.len >= RECIPE_USER_SIZE) {
		return false;
	}
	if (char_is_digit(word.ptr[0])) {
		/* the last value stands for "no user" */
		return num_parse_u64(word, UINT32_MAX - 1, &uid) == 0;
	}
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];
		bool is_ok = char_is_alpha(c) || c == '_';
		if (!is_ok && (i == 0 || (!char_is_digit(c) && c != '-'))) {
			return false;
		}
	}
	return true;
}

static int host_add(struct recipe *r, const struct prefix *host, struct errmsg *reterr)
{
	if (host->len == 0) {
		return err_set(reterr, -EINVAL, "a prefix of length 0 would allow everybody");
	}
	if (r->host_count == RECIPE_HOSTS_MAX) {
		return err_set(reterr, -E2BIG, "more than %d hosts", RECIPE_HOSTS_MAX);
	}
	r->hosts[r->host_count++] = *host;
	return 0;
}

int recipe_add_allow(struct recipe *r, struct str word, struct errmsg *reterr)
{
	char text[WORD_SHOWN_MAX + 1];
	struct prefix host;
	int is_host = prefix_parse(word, &host);

	if (is_host == 0) {
		return host_add(r, &host, reterr);
	}
	if (is_host == -EDOM) {
		return err_set(reterr, -EINVAL, "'%s': bits are set after the prefix's length",
			       shown(word, text));
	}
	if (!is_user(word)) {
		return err_set(reterr, -EINVAL,
			       "'%s' is neither a user (postfix, Debian-exim, exim, qmailr, or "
			       "a uid) nor a host by its address or prefix (192.0.2.25, "
			       "2001:db8::/64); rules do not follow a host's name",
			       shown(word, text));
	}
	if (r->user_count == RECIPE_USERS_MAX) {
		return err_set(reterr, -E2BIG, "more than %d users", RECIPE_USERS_MAX);
	}
	(void)str_copy(r->users[r->user_count++], RECIPE_USER_SIZE, word);
	return 0;
}

int recipe_check(const struct recipe *r, struct errmsg *reterr)
{
	char text[ADDR_TEXT_SIZE];

	if (r->user_count > 0 && !r->has_out) {
		return err_set(reterr, -EINVAL,
			       "user '%s': only outgoing connections have a user; with "
			       "--direction in allow hosts",
			       r->users[0]);
	}
	for (size_t i = 0; i < r->user_count; i++) {
		if (r->platform == RECIPE_WINDOWS && char_is_digit(r->users[i][0])) {
			return err_set(reterr, -EINVAL,
				       "user '%s': Windows has no uids, give the account's name",
				       r->users[i]);
		}
	}
	for (size_t i = 0; i < r->host_count; i++) {
		if (!recipe_has_family(r, r->hosts[i].addr.family)) {
			return err_set(reterr, -EINVAL, "host '%s' is not of --family %s",
				       prefix_format(&r->hosts[i], text), recipe_family_name(r));
		}
	}
	return 0;
}

const char *recipe_platform_name(enum recipe_platform p)
{
	ASSERT(p < RECIPE_PLATFORM_COUNT);
	return platform_names[p];
}

const char *recipe_direction_name(const struct recipe *r)
{
	if (r->has_out && r->has_in) {
		return "both";
	}
	return r->has_out ? "out" : "in";
}

const char *recipe_family_name(const struct recipe *r)
{
	if (r->has_v4 && r->has_v6) {
		return "both";
	}
	return r->has_v4 ? "4" : "6";
}

bool recipe_has_family(const struct recipe *r, unsigned family)
{
	return family == 4 ? r->has_v4 : r->has_v6;
}
