/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_iptables: chains of their own for Debian's iptables and ip6tables, and the same rules
 * in ufw's before files for Ubuntu (ufw's own commands know no users). Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include "base/poison.h"

/* Rules of one chain: `lead` is all before the match, "iptables -w -A POSTERN-OUT". */
static void rules_write(const struct recipe *r, const char *lead, bool is_out, unsigned family,
			struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	buf_printf(out, "# programs may talk to the mail server on this machine\n%s %s lo -j %s\n",
		   lead, is_out ? "-o" : "-i", "RETURN");
	for (size_t i = 0; is_out && i < r->user_count; i++) {
		buf_printf(out,
			   "# the mail server's user is allowed\n"
			   "%s -m owner --uid-owner %s -j RETURN\n",
			   lead, r->users[i]);
	}
	for (size_t i = 0; i < r->host_count; i++) {
		if (r->hosts[i].addr.family == family) {
			buf_printf(out, "# this host is allowed\n%s %s %s -j RETURN\n", lead,
				   is_out ? "-d" : "-s", prefix_format(&r->hosts[i], text));
		}
	}
	buf_printf(out,
		   "# everybody else is refused at once\n"
		   "%s -p tcp -j REJECT --reject-with tcp-reset\n",
		   lead);
}

static void match_add(const struct recipe *r, const char *chain, struct buf *out)
{
	buf_add_cstr(out, " -p tcp -m multiport --dports ");
	recipe_ports_add(r, ",", out);
	buf_printf(out, " -j %s\n", chain);
}

static void debian_chain_write(const struct recipe *r, bool is_out, unsigned family,
			       struct buf *out)
{
	const char *tool = family == 4 ? "iptables -w" : "ip6tables -w";
	const char *chain = is_out ? "POSTERN-OUT" : "POSTERN-IN";
	const char *hook = is_out ? "OUTPUT" : "INPUT";
	struct buf lead;

	buf_init(&lead, 64);
	buf_printf(&lead, "%s -A %s", tool, chain);
	if (r->is_undo) {
		buf_printf(out, "# no packet goes into our chain any more\n%s -D %s", tool, hook);
		match_add(r, chain, out);
		buf_printf(out, "# the chain's rules, then the chain\n%s -F %s\n%s -X %s\n", tool,
			   chain, tool, chain);
	} else {
		buf_printf(out,
			   "# a chain of our own (IPv%u); if it exists: --undo first\n%s -N %s\n",
			   family, tool, chain);
		rules_write(r, buf_cstr(&lead), is_out, family, out);
		buf_printf(out, "# mail ports go through it first\n%s -I %s 1", tool, hook);
		match_add(r, chain, out);
	}
	buf_done(&lead);
}

void recipe_debian_write(const struct recipe *r, struct buf *out)
{
	if (r->is_undo) {
		buf_add_cstr(out, "set -u\n");
	} else {
		buf_add_cstr(out, "set -eu\n"
				  "# Loads the saved rules at every start, both families.\n"
				  "DEBIAN_FRONTEND=noninteractive apt-get install -y iptables "
				  "iptables-persistent netfilter-persistent\n");
	}
	for (unsigned family = 4; family <= 6; family += 2) {
		if (r->has_out && recipe_has_family(r, family)) {
			debian_chain_write(r, true, family, out);
		}
		if (r->has_in && recipe_has_family(r, family)) {
			debian_chain_write(r, false, family, out);
		}
	}
	buf_add_cstr(out, "# Write all rules that are in force now to /etc/iptables/rules.v4 and "
			  "rules.v6.\n"
			  "netfilter-persistent save\n");
	if (r->is_undo) {
		buf_add_cstr(out, "# The packages stay: other rules may need them. To remove them "
				  "too: apt-get remove iptables-persistent\n");
	}
}

static const char *ufw_file(unsigned family)
{
	return family == 4 ? "/etc/ufw/before.rules" : "/etc/ufw/before6.rules";
}

static void ufw_chain_write(const struct recipe *r, bool is_out, unsigned family, struct buf *out)
{
	const char *chain = is_out ? "postern-out" : "postern-in";
	const char *ufw = family == 4 ? "ufw" : "ufw6";

	buf_printf(out, "# a chain of our own\n:%s - [0:0]\n", chain);
	rules_write(r, is_out ? "-A postern-out" : "-A postern-in", is_out, family, out);
	buf_printf(out, "# mail ports go through it first\n-A %s-before-%s", ufw,
		   is_out ? "output" : "input");
	match_add(r, chain, out);
}

static void ufw_family_write(const struct recipe *r, unsigned family, struct buf *out)
{
	const char *file = ufw_file(family);

	buf_printf(out, "# Take an earlier recipe's lines out (IPv%u).\n", family);
	buf_printf(out, "sed -i '/^# BEGIN postern recipe$/,/^# END postern recipe$/d' %s\n", file);
	if (r->is_undo) {
		return;
	}
	buf_printf(out,
		   "# The rules, right after the lines that ufw requires.\n"
		   "sed -i '/^# End required lines/r /dev/stdin' %s <<'END'\n"
		   "# BEGIN postern recipe\n",
		   file);
	if (r->has_out) {
		ufw_chain_write(r, true, family, out);
	}
	if (r->has_in) {
		ufw_chain_write(r, false, family, out);
	}
	buf_printf(out,
		   "# END postern recipe\n"
		   "END\n"
		   "# The place was found?\n"
		   "grep -q '^# BEGIN postern recipe$' %s\n",
		   file);
}

/* ufw forgets the jump but not a chain that it does not know. */
static void ufw_chains_remove(const struct recipe *r, struct buf *out)
{
	for (unsigned family = 4; family <= 6; family += 2) {
		const char *tool = family == 4 ? "iptables -w" : "ip6tables -w";
		for (int i = 0; i < 2; i++) {
			const char *chain = i == 0 ? "postern-out" : "postern-in";
			bool has_it = i == 0 ? r->has_out : r->has_in;
			if (has_it && recipe_has_family(r, family)) {
				buf_printf(out,
					   "# the chain's rules, then the chain, if ufw was on\n"
					   "%s -F %s && %s -X %s || true\n",
					   tool, chain, tool, chain);
			}
		}
	}
}

void recipe_ubuntu_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, "set -eu\n"
			  "# ufw reads these files at every start, once it is enabled. If not: "
			  "ufw allow OpenSSH && ufw enable\n");
	for (unsigned family = 4; family <= 6; family += 2) {
		if (recipe_has_family(r, family)) {
			ufw_family_write(r, family, out);
		}
	}
	buf_add_cstr(out, "# In force now; ufw takes all or refuses with the line at fault.\n"
			  "ufw reload\n");
	if (r->is_undo) {
		ufw_chains_remove(r, out);
		return;
	}
	buf_add_cstr(out, "# Says \"Status: active\", or the rules wait for ufw enable.\n"
			  "ufw status\n");
}
