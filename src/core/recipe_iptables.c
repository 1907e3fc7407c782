/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_iptables: chains of their own for Debian's iptables and ip6tables, and the same rules
 * in ufw's before files for Ubuntu (ufw's own commands know no users).
 *
 * Only the packet that opens a connection is looked at: a closed socket has no user any more, so
 * what the mail server left unsent would be refused; and an answer to a client whose port happens
 * to be a mail port is no mail. Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include "base/poison.h"

/* One chain in the form of iptables-restore, which empties the chain that it declares. */
static void chain_write(const struct recipe *r, const char *chain, bool is_out, unsigned family,
			struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	buf_printf(out,
		   "# a chain of our own\n"
		   ":%s - [0:0]\n"
		   "# programs may talk to the mail server on this machine\n"
		   "-A %s %s lo -j RETURN\n"
		   "# other ports are not our concern\n"
		   "-A %s -p tcp -m multiport ! --dports ",
		   chain, chain, is_out ? "-o" : "-i", chain);
	recipe_ports_add(r, ",", out);
	buf_add_cstr(out, " -j RETURN\n");
	for (size_t i = 0; is_out && i < r->user_count; i++) {
		buf_printf(out,
			   "# the mail server's user is allowed\n"
			   "-A %s -m owner --uid-owner %s -j RETURN\n",
			   chain, r->users[i]);
	}
	for (size_t i = 0; i < r->host_count; i++) {
		if (r->hosts[i].addr.family == family) {
			buf_printf(out, "# this host is allowed\n-A %s %s %s -j RETURN\n", chain,
				   is_out ? "-d" : "-s", prefix_format(&r->hosts[i], text));
		}
	}
	buf_printf(out,
		   "# everybody else is refused at once\n"
		   "-A %s -p tcp -j REJECT --reject-with tcp-reset\n",
		   chain);
}

static const char *debian_chain(bool is_out)
{
	return is_out ? "POSTERN-OUT" : "POSTERN-IN";
}

static bool has_way(const struct recipe *r, bool is_out)
{
	return is_out ? r->has_out : r->has_in;
}

/* What leads every opened connection into the chain; `verb` is -I, -C or -D with its hook. */
static void debian_jump_add(unsigned family, const char *verb, bool is_out, struct buf *out)
{
	bool is_first = verb[1] == 'I';

	buf_printf(out, "%s -w %s %s%s -p tcp --syn -j %s", family == 4 ? "iptables" : "ip6tables",
		   verb, is_out ? "OUTPUT" : "INPUT", is_first ? " 1" : "", debian_chain(is_out));
}

static void debian_family_write(const struct recipe *r, unsigned family, struct buf *out)
{
	buf_printf(out,
		   "# The rules (IPv%u), all or nothing; what an earlier recipe put there goes.\n"
		   "%s-restore -w -n <<'END'\n"
		   "*filter\n",
		   family, family == 4 ? "iptables" : "ip6tables");
	for (int way = 0; way < 2; way++) {
		if (has_way(r, way == 0)) {
			chain_write(r, debian_chain(way == 0), way == 0, family, out);
		}
	}
	buf_add_cstr(out, "COMMIT\nEND\n");
	for (int way = 0; way < 2; way++) {
		if (has_way(r, way == 0)) {
			buf_add_cstr(out,
				     "# What opens a connection goes through it first, unless it "
				     "does already.\n");
			debian_jump_add(family, "-C", way == 0, out);
			buf_add_cstr(out, " 2>/dev/null || ");
			debian_jump_add(family, "-I", way == 0, out);
			buf_add_char(out, '\n');
		}
	}
}

static void debian_family_undo(const struct recipe *r, unsigned family, struct buf *out)
{
	const char *tool = family == 4 ? "iptables -w" : "ip6tables -w";

	for (int way = 0; way < 2; way++) {
		const char *chain = debian_chain(way == 0);
		if (!has_way(r, way == 0)) {
			continue;
		}
		buf_printf(out,
			   "# If it is there (IPv%u): no packet goes into our chain any more\n",
			   family);
		buf_printf(out, "if %s -S %s >/dev/null 2>&1; then\n", tool, chain);
		debian_jump_add(family, "-D", way == 0, out);
		buf_printf(out,
			   "\n# the chain's rules, then the chain\n"
			   "%s -F %s\n"
			   "%s -X %s\n"
			   "fi\n",
			   tool, chain, tool, chain);
	}
}

void recipe_debian_write(const struct recipe *r, struct buf *out)
{
	if (!r->is_undo) {
		buf_add_cstr(
			out,
			"# Loads the saved rules at every start, both families. It does not go "
			"together with ufw:\n"
			"# with ufw here, this ends, and the recipe for ubuntu is yours.\n"
			"DEBIAN_FRONTEND=noninteractive apt-get install -y --no-remove "
			"iptables iptables-persistent netfilter-persistent </dev/null\n");
	}
	for (unsigned family = 4; family <= 6; family += 2) {
		if (!recipe_has_family(r, family)) {
			continue;
		}
		if (r->is_undo) {
			debian_family_undo(r, family, out);
		} else {
			debian_family_write(r, family, out);
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

static const char *ufw_chain(bool is_out)
{
	return is_out ? "postern-out" : "postern-in";
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
	for (int way = 0; way < 2; way++) {
		bool is_out = way == 0;
		if (has_way(r, is_out)) {
			chain_write(r, ufw_chain(is_out), is_out, family, out);
			buf_printf(out,
				   "# what opens a connection goes through it first\n"
				   "-A %s-before-%s -p tcp --syn -j %s\n",
				   family == 4 ? "ufw" : "ufw6", is_out ? "output" : "input",
				   ufw_chain(is_out));
		}
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
		for (int way = 0; way < 2; way++) {
			const char *chain = ufw_chain(way == 0);
			if (has_way(r, way == 0) && recipe_has_family(r, family)) {
				buf_printf(out,
					   "# the chain's rules, then the chain, if ufw was on\n"
					   "if %s -F %s 2>/dev/null; then\n"
					   "%s -X %s\n"
					   "fi\n",
					   tool, chain, tool, chain);
			}
		}
	}
}

void recipe_ubuntu_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, "# ufw reads these files at every start, once it is enabled. If not: "
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
