/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe: the firewall rules for a customer's own server, so that only its mail server may mail.
 *
 * What is asked for comes in as words, is checked here, and goes out as a script with a comment
 * for each line. Only checked names, addresses and ports reach a line: no text of the caller's.
 * It changes nothing. Layer: core (pure).
 */
#ifndef CORE_RECIPE_H
#define CORE_RECIPE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECIPE_PORTS_MAX 5
#define RECIPE_USERS_MAX 8
#define RECIPE_HOSTS_MAX 32
#define RECIPE_USER_SIZE 33 /* useradd(8): at most 32 octets, and the NUL */
/* No recipe is longer than this, whatever was asked for. */
#define RECIPE_TEXT_MAX ((size_t)256 << 10)

enum recipe_platform {
	RECIPE_NFTABLES,
	RECIPE_DEBIAN,    /* iptables and ip6tables */
	RECIPE_UBUNTU,    /* ufw */
	RECIPE_ALMALINUX, /* firewalld */
	RECIPE_WINDOWS,   /* PowerShell and netsh */
	RECIPE_PLATFORM_COUNT,
};

struct recipe {
	enum recipe_platform platform;
	bool has_out; /* connections from this server to others' mail ports */
	bool has_in;  /* connections from others to this server's mail ports */
	bool has_v4;
	bool has_v6;
	bool is_undo;
	uint16_t ports[RECIPE_PORTS_MAX]; /* rising, each once */
	size_t port_count;
	char users[RECIPE_USERS_MAX][RECIPE_USER_SIZE]; /* names or uids, checked */
	size_t user_count;
	struct prefix hosts[RECIPE_HOSTS_MAX];
	size_t host_count;
};

/** Outgoing, both families, port 25, nobody excepted, for nftables. */
void recipe_init(struct recipe *r);

/*
 * Each takes one word as it was typed. They return 0, or -EINVAL, with reterr naming what is
 * known; -E2BIG: more than the named maximum.
 */
MUSTUSE int recipe_set_platform(struct recipe *r, struct str word, struct errmsg *reterr);
MUSTUSE int recipe_set_direction(struct recipe *r, struct str word, struct errmsg *reterr);
MUSTUSE int recipe_set_family(struct recipe *r, struct str word, struct errmsg *reterr);
/** Numbers of mail ports with commas between them. */
MUSTUSE int recipe_set_ports(struct recipe *r, struct str word, struct errmsg *reterr);
/** An address, a prefix, a user's name or a uid. */
MUSTUSE int recipe_add_allow(struct recipe *r, struct str word, struct errmsg *reterr);

/** Do the parts fit each other? To be asked before recipe_write. @return 0 or -EINVAL */
MUSTUSE int recipe_check(const struct recipe *r, struct errmsg *reterr);

const char *recipe_platform_name(enum recipe_platform p);
const char *recipe_direction_name(const struct recipe *r);
const char *recipe_family_name(const struct recipe *r);

/** What the recipe does not cover, a sentence each from i = 0 on; NULL after the last. */
const char *recipe_gap(const struct recipe *r, size_t i);

/** Write the script; a failure sticks in `out`. */
void recipe_write(const struct recipe *r, struct buf *out);

#endif
