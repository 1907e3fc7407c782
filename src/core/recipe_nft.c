/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_nft: a table of its own and a unit that loads it, beside whatever firewall is there: a
 * refusal in any table is final. Only what opens a connection is looked at, for the reasons in
 * recipe_iptables.c. The text is indented by blanks, so that it can be pasted into a terminal.
 * Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include "base/poison.h"

#define NFT_FILE "/etc/postern-recipe.nft"
#define UNIT "postern-recipe.service"
#define UNIT_FILE "/etc/systemd/system/" UNIT

static void hosts_write(const struct recipe *r, const char *side, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < r->host_count; i++) {
		const struct prefix *host = &r->hosts[i];
		buf_printf(out,
			   "        # this host is allowed\n"
			   "        %s %s %s accept\n",
			   host->addr.family == 4 ? "ip" : "ip6", side, prefix_format(host, text));
	}
}

static void refuse_write(const struct recipe *r, struct buf *out)
{
	const char *family = "";

	if (!r->has_v6) {
		family = "meta nfproto ipv4 ";
	} else if (!r->has_v4) {
		family = "meta nfproto ipv6 ";
	}
	buf_printf(out,
		   "        # everybody else is refused when a connection opens, and counted\n"
		   "        %stcp dport { ",
		   family);
	recipe_ports_add(r, ", ", out);
	buf_add_cstr(out, " } tcp flags & (fin | syn | rst | ack) == syn "
			  "counter reject with tcp reset\n    }\n");
}

static void out_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, "    chain out {\n"
			  "        # what this server sends itself\n"
			  "        type filter hook output priority 0; policy accept;\n"
			  "        # programs may talk to the mail server on this machine\n"
			  "        oifname \"lo\" accept\n");
	for (size_t i = 0; i < r->user_count; i++) {
		const char *quote = char_is_digit(r->users[i][0]) ? "" : "\"";
		buf_printf(out,
			   "        # the mail server's user is allowed\n"
			   "        meta skuid %s%s%s accept\n",
			   quote, r->users[i], quote);
	}
	hosts_write(r, "daddr", out);
	refuse_write(r, out);
}

static void in_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, "    chain in {\n"
			  "        # what comes to this server\n"
			  "        type filter hook input priority 0; policy accept;\n"
			  "        # programs may talk to the mail server on this machine\n"
			  "        iifname \"lo\" accept\n");
	hosts_write(r, "saddr", out);
	refuse_write(r, out);
}

static void unit_write(struct buf *out)
{
	buf_add_cstr(
		out,
		"# Loads the table at every start, and again when nftables.service emptied all.\n"
		"cat >" UNIT_FILE " <<'END'\n"
		"[Unit]\n"
		"Description=Only the mail server may mail\n"
		"DefaultDependencies=no\n"
		"After=local-fs.target nftables.service\n"
		"PartOf=nftables.service\n"
		"ReloadPropagatedFrom=nftables.service\n"
		"Wants=network-pre.target\n"
		"Before=network-pre.target shutdown.target\n"
		"Conflicts=shutdown.target\n"
		"[Service]\n"
		"Type=oneshot\n"
		"RemainAfterExit=yes\n"
		"ExecStart=/usr/sbin/nft -f " NFT_FILE "\n"
		"ExecReload=/usr/sbin/nft -f " NFT_FILE "\n"
		"[Install]\n"
		"WantedBy=multi-user.target nftables.service\n"
		"END\n");
}

static void undo_write(struct buf *out)
{
	buf_add_cstr(out, "# Not loaded at the next start.\n"
			  "if [ -e " UNIT_FILE " ]; then\n"
			  "systemctl disable --now " UNIT " </dev/null\n"
			  "fi\n"
			  "# The unit and the rules' file.\n"
			  "rm -f " UNIT_FILE " " NFT_FILE "\n"
			  "# systemd forgets the unit.\n"
			  "systemctl daemon-reload </dev/null\n"
			  "# The table, with all that is in it and nothing else (named first, so "
			  "that it is there).\n"
			  "nft 'table inet postern_recipe; delete table inet postern_recipe'\n");
}

void recipe_nftables_write(const struct recipe *r, struct buf *out)
{
	if (r->is_undo) {
		undo_write(out);
		return;
	}
	buf_add_cstr(out, "# The rules.\n"
			  "cat >" NFT_FILE " <<'END'\n"
			  "# so that loading it twice is loading it once\n"
			  "table inet postern_recipe\n"
			  "delete table inet postern_recipe\n"
			  "table inet postern_recipe {\n");
	if (r->has_out) {
		out_write(r, out);
	}
	if (r->has_in) {
		in_write(r, out);
	}
	buf_add_cstr(out, "}\nEND\n");
	unit_write(out);
	buf_add_cstr(out, "# In force now, all or nothing.\n"
			  "nft -f " NFT_FILE "\n"
			  "# systemd reads the unit.\n"
			  "systemctl daemon-reload </dev/null\n"
			  "# In force after a restart of the server.\n"
			  "systemctl enable --now " UNIT " </dev/null\n");
}
