/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_windows: block rules for PowerShell, and for netsh where no user is excepted.
 *
 * In Windows a block goes before every allow, so an exception is a hole in the block: the
 * addresses are written as the ranges that are left, a user as a denied entry of the rule's
 * security descriptor. Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include <string.h>

#include "base/poison.h"

#define HOLES_MAX (RECIPE_HOSTS_MAX + 1)

struct range {
	struct addr first;
	struct addr last;
};

static struct range range_of(const struct prefix *p)
{
	struct range x = {.first = p->addr, .last = p->addr};

	for (unsigned bit = p->len; bit < addr_bits(&p->addr); bit++) {
		x.last.octets[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	}
	return x;
}

/* The next address, or the one before; false when there is none. */
static bool addr_move(struct addr *a, bool is_up)
{
	for (size_t i = addr_len(a); i > 0; i--) {
		uint8_t *octet = &a->octets[i - 1];
		bool is_carried = *octet == (is_up ? 0xff : 0);
		*octet = (uint8_t)(*octet + (is_up ? 1 : 0xff));
		if (!is_carried) {
			return true;
		}
	}
	return false;
}

/* The allowed hosts of a family and loopback, sorted by their first address. */
static size_t holes_of(const struct recipe *r, unsigned family, struct range ret[static HOLES_MAX])
{
	struct prefix loopback = {.addr = {.family = (uint8_t)family}, .len = 8};
	size_t n = 0;

	if (family == 4) {
		loopback.addr.octets[0] = 127;
	} else {
		loopback.addr.octets[15] = 1;
		loopback.len = 128;
	}
	for (size_t i = 0; i <= r->host_count; i++) {
		const struct prefix *p = i == r->host_count ? &loopback : &r->hosts[i];
		if (p->addr.family != family) {
			continue;
		}
		struct range x = range_of(p);
		size_t at = n++;
		while (at > 0 && memcmp(ret[at - 1].first.octets, x.first.octets, 16) > 0) {
			ret[at] = ret[at - 1];
			at--;
		}
		ret[at] = x;
	}
	return n;
}

static void range_add(const struct addr *first, const struct addr *last, const char **sep,
		      struct buf *out)
{
	char a[ADDR_TEXT_SIZE];
	char b[ADDR_TEXT_SIZE];

	buf_printf(out, "%s%s-%s", *sep, addr_format(first, a), addr_format(last, b));
	*sep = ",";
}

/* All addresses of the family but the holes, "a-b,c-d". */
static void rest_add(const struct recipe *r, unsigned family, struct buf *out)
{
	struct range holes[HOLES_MAX];
	size_t n = holes_of(r, family, holes);
	struct prefix none = {.addr = {.family = (uint8_t)family}, .len = 0};
	struct range all = range_of(&none);
	struct addr next = all.first;
	const char *sep = "";

	for (size_t i = 0; i < n; i++) {
		struct addr before = holes[i].first;
		if (memcmp(holes[i].first.octets, next.octets, 16) > 0) {
			(void)addr_move(&before, false);
			range_add(&next, &before, &sep, out);
		}
		if (memcmp(holes[i].last.octets, next.octets, 16) >= 0) {
			next = holes[i].last;
			if (!addr_move(&next, true)) {
				return; /* a hole up to the last address */
			}
		}
	}
	range_add(&next, &all.last, &sep, out);
}

static void powershell_write(const struct recipe *r, bool is_out, unsigned family, struct buf *out)
{
	struct buf rest;

	buf_init(&rest, RECIPE_TEXT_MAX);
	rest_add(r, family, &rest);
	buf_printf(out, "# refuse mail ports, all addresses but the allowed ones (IPv%u)\n",
		   family);
	buf_printf(out,
		   "New-NetFirewallRule -DisplayName 'postern recipe %s IPv%u' -Direction %s "
		   "-Action Block -Profile Any -Protocol TCP %s ",
		   is_out ? "out" : "in", family, is_out ? "Outbound" : "Inbound",
		   is_out ? "-RemotePort" : "-LocalPort");
	recipe_ports_add(r, ",", out);
	buf_add_cstr(out, " -RemoteAddress ");
	while (rest.len > 0) {
		struct str left = buf_str(&rest);
		struct str one = str_take_until(&left, ',');
		buf_printf(out, "'%.*s'%s", STR_ARG(one), left.len > 0 ? "," : "");
		buf_drop(&rest, rest.len - left.len);
	}
	buf_add_cstr(out, is_out && r->user_count > 0 ? " -LocalUser $users\n" : "\n");
	buf_done(&rest);
}

static void netsh_write(const struct recipe *r, bool is_out, unsigned family, struct buf *out)
{
	buf_printf(out, "rem refuse mail ports, all addresses but the allowed ones (IPv%u)\n",
		   family);
	buf_printf(out,
		   "netsh advfirewall firewall add rule name=\"postern recipe %s IPv%u\" dir=%s "
		   "action=block profile=any protocol=TCP %s=",
		   is_out ? "out" : "in", family, is_out ? "out" : "in",
		   is_out ? "remoteport" : "localport");
	recipe_ports_add(r, ",", out);
	buf_add_cstr(out, " remoteip=");
	rest_add(r, family, out);
	buf_add_char(out, '\n');
}

static void undo_powershell_write(const struct recipe *r, bool is_out, unsigned family,
				  struct buf *out)
{
	(void)r;
	buf_printf(out,
		   "# by its name, which nothing else has\n"
		   "Remove-NetFirewallRule -DisplayName 'postern recipe %s IPv%u'\n",
		   is_out ? "out" : "in", family);
}

static void undo_netsh_write(const struct recipe *r, bool is_out, unsigned family, struct buf *out)
{
	(void)r;
	buf_printf(out,
		   "rem by its name, which nothing else has\n"
		   "netsh advfirewall firewall delete rule name=\"postern recipe %s IPv%u\"\n",
		   is_out ? "out" : "in", family);
}

static void each_rule(const struct recipe *r,
		      void (*write)(const struct recipe *, bool, unsigned, struct buf *),
		      struct buf *out)
{
	for (unsigned family = 4; family <= 6; family += 2) {
		if (r->has_out && recipe_has_family(r, family)) {
			write(r, true, family, out);
		}
		if (r->has_in && recipe_has_family(r, family)) {
			write(r, false, family, out);
		}
	}
}

static void users_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, "# the block holds for everyone (WD) but these accounts\n"
			  "$users = 'O:LSD:'\n");
	for (size_t i = 0; i < r->user_count; i++) {
		buf_printf(out,
			   "# the mail server's account is passed over\n"
			   "$users += '(D;;CC;;;' + ([Security.Principal.NTAccount]'%s').Translate("
			   "[Security.Principal.SecurityIdentifier]).Value + ')'\n",
			   r->users[i]);
	}
	buf_add_cstr(out, "# all others are held\n$users += '(A;;CC;;;WD)'\n");
}

void recipe_windows_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, "# Rules last across a restart. Use one of the two parts, as "
			  "Administrator.\n"
			  "# --- PowerShell ---\n"
			  "$ErrorActionPreference = 'Stop'\n");
	if (r->is_undo) {
		each_rule(r, undo_powershell_write, out);
		buf_add_cstr(out, "\n# --- or netsh, in cmd.exe ---\n");
		each_rule(r, undo_netsh_write, out);
		return;
	}
	if (r->user_count > 0) {
		users_write(r, out);
	}
	buf_add_cstr(out, "# the firewall must be on to refuse anything\n"
			  "Get-NetFirewallProfile | Format-Table Name, Enabled\n");
	each_rule(r, powershell_write, out);
	if (r->user_count > 0) {
		buf_add_cstr(out, "\n# netsh cannot except a user: PowerShell only.\n");
		return;
	}
	buf_add_cstr(out, "\n# --- or netsh, in cmd.exe ---\n");
	each_rule(r, netsh_write, out);
}
