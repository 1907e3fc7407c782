/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_text: what all recipes say alike: the head, and what is not covered. Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include "base/assert.h"

#include "base/poison.h"

void recipe_ports_add(const struct recipe *r, const char *sep, struct buf *out)
{
	for (size_t i = 0; i < r->port_count; i++) {
		buf_printf(out, "%s%u", i == 0 ? "" : sep, (unsigned)r->ports[i]);
	}
}

const char *recipe_gap(const struct recipe *r, size_t i)
{
	bool is_windows = r->platform == RECIPE_WINDOWS;
	const struct {
		bool is_true;
		const char *text;
	} gaps[] = {
		{!is_windows,
		 "Guests behind a bridge or Open vSwitch: their packets are not this host's own."},
		{!is_windows, "Containers with a network of their own: they are forwarded, and "
			      "such rules belong inside them or in the forward path."},
		{is_windows, "Hyper-V guests, WSL 2 and containers: their packets do not pass "
			     "the host's firewall profiles."},
		{r->has_out && !is_windows,
		 "Connections that are open already, and orphaned sockets (closed, with octets "
		 "left to send: they have no user any more): rules hold when a connection opens. "
		 "To end the open ones: ss -K dport = :25"},
		{r->user_count > 0, "Whoever becomes the mail server's user, and mail handed to "
				    "the mail server itself: watch its queue."},
		{r->has_out && r->host_count > 0,
		 "Mail through an allowed host: every user of this server may reach it."},
		{r->platform == RECIPE_UBUNTU && r->has_v6,
		 "IPv6, if /etc/default/ufw says IPV6=no: ufw filters none of it then."},
		{(r->platform == RECIPE_UBUNTU || r->platform == RECIPE_DEBIAN) && r->has_in &&
			 r->host_count > 0,
		 "Other rules: an allowed host passes these, and your own decide then."},
		{r->platform == RECIPE_ALMALINUX && r->has_in && r->host_count > 0,
		 "Zones: an allowed host passes the policy whatever its zone says."},
		{true, "Root or an administrator of this server can take the rules away."},
		{r->port_count < RECIPE_PORTS_MAX, "Mail ports that are not named here, and mail "
						   "by HTTP or through a tunnel."},
		{!r->has_v4, "IPv4: only IPv6 was asked for."},
		{!r->has_v6, "IPv6: only IPv4 was asked for."},
	};

	for (size_t at = 0; at < COUNT_OF(gaps); at++) {
		if (gaps[at].is_true && i-- == 0) {
			return gaps[at].text;
		}
	}
	return NULL;
}

static void head_write(const struct recipe *r, struct buf *out)
{
	if (r->platform != RECIPE_WINDOWS) {
		buf_add_cstr(out, "#!/bin/sh\n");
	}
	buf_printf(out, "# postern recipe: %s, direction %s, family %s, ports ",
		   recipe_platform_name(r->platform), recipe_direction_name(r),
		   recipe_family_name(r));
	recipe_ports_add(r, ",", out);
	if (r->is_undo) {
		buf_add_cstr(out, "\n# Removes exactly what the recipe added.\n");
		return;
	}
	buf_add_cstr(out, "\n# Undo: the same command with --undo.\n");
	if (r->user_count == 0 && r->host_count == 0) {
		buf_add_cstr(out, "# No exception was asked for (--allow): nobody passes.\n");
	}
	buf_add_cstr(out, "# Not covered:\n");
	const char *gap = recipe_gap(r, 0);
	for (size_t i = 1; gap != NULL; i++) {
		buf_printf(out, "# - %s\n", gap);
		gap = recipe_gap(r, i);
	}
}

/* Rules that name an unknown user do not load, or worse: not at the next start. */
static void users_check(const struct recipe *r, struct buf *out)
{
	for (size_t i = 0; i < r->user_count; i++) {
		if (!char_is_digit(r->users[i][0])) {
			buf_printf(out,
				   "# Ends here, with nothing changed, if there is no such user.\n"
				   "id -u %s >/dev/null\n",
				   r->users[i]);
		}
	}
}

void recipe_write(const struct recipe *r, struct buf *out)
{
	static void (*const writers[])(const struct recipe *, struct buf *) = {
		[RECIPE_NFTABLES] = recipe_nftables_write,
		[RECIPE_DEBIAN] = recipe_debian_write,
		[RECIPE_UBUNTU] = recipe_ubuntu_write,
		[RECIPE_ALMALINUX] = recipe_almalinux_write,
		[RECIPE_WINDOWS] = recipe_windows_write,
	};
	static_assert(COUNT_OF(writers) == RECIPE_PLATFORM_COUNT, "a writer for every platform");
	bool is_shell = r->platform != RECIPE_WINDOWS;

	head_write(r, out);
	if (is_shell) {
		/* a failure ends these lines, not the terminal that they were pasted into; and
		 * a text that was cut off does nothing */
		buf_printf(out, "(\nset -%su\n", r->is_undo ? "" : "e");
		if (!r->is_undo) {
			users_check(r, out);
		}
	}
	ASSERT(r->platform < RECIPE_PLATFORM_COUNT);
	writers[r->platform](r, out);
	if (is_shell) {
		buf_add_cstr(out, ")\n");
	}
}
