/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_firewalld: policies, which unlike a zone's rich rules see what the server itself sends.
 * A policy knows no users: where one is excepted, outgoing mail goes by the direct interface as
 * a whole, because an acceptance there does not pass a policy's refusal. Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include "base/poison.h"

#define CMD "firewall-cmd --permanent "

static void ports_rule_write(const struct recipe *r, const char *policy, unsigned family,
			     struct buf *out)
{
	for (size_t i = 0; i < r->port_count; i++) {
		buf_printf(out,
			   "# everybody else is refused (IPv%u)\n" CMD
			   "--policy=%s --add-rich-rule='rule family=\"ipv%u\" port port=\"%u\" "
			   "protocol=\"tcp\" reject'\n",
			   family, policy, family, (unsigned)r->ports[i]);
	}
}

static void host_rule_write(const struct recipe *r, const struct prefix *host, bool is_out,
			    struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	prefix_format(host, text);
	for (size_t i = 0; i < r->port_count; i++) {
		buf_printf(out,
			   "# this host is allowed; its priority puts it before the refusal\n" CMD
			   "--policy=%s --add-rich-rule='rule priority=\"-1\" family=\"ipv%u\" %s "
			   "address=\"%s\" port port=\"%u\" protocol=\"tcp\" accept'\n",
			   is_out ? "postern-out" : "postern-in", (unsigned)host->addr.family,
			   is_out ? "destination" : "source", text, (unsigned)r->ports[i]);
	}
}

static void policy_write(const struct recipe *r, bool is_out, struct buf *out)
{
	const char *name = is_out ? "postern-out" : "postern-in";

	if (r->is_undo) {
		buf_printf(out, "# the policy with all that is in it\n" CMD "--delete-policy=%s\n",
			   name);
		return;
	}
	buf_printf(out,
		   "# a policy of our own\n" CMD "--new-policy=%s\n"
		   "# from where: HOST is this server, ANY every other\n" CMD
		   "--policy=%s --add-ingress-zone=%s\n"
		   "# to where\n" CMD "--policy=%s --add-egress-zone=%s\n"
		   "# before the zones\n" CMD "--policy=%s --set-priority=-100\n"
		   "# what no rule names goes on to the zones\n" CMD
		   "--policy=%s --set-target=CONTINUE\n",
		   name, name, is_out ? "HOST" : "ANY", name, is_out ? "ANY" : "HOST", name, name);
	for (size_t i = 0; i < r->host_count; i++) {
		host_rule_write(r, &r->hosts[i], is_out, out);
	}
	for (unsigned family = 4; family <= 6; family += 2) {
		if (recipe_has_family(r, family)) {
			ports_rule_write(r, name, family, out);
		}
	}
}

/* Start of a direct rule up to its match; `order` sorts the rules. */
static void direct_add(const struct recipe *r, unsigned family, unsigned order, struct buf *out)
{
	buf_printf(out, CMD "--direct --%s-rule ipv%u filter OUTPUT %u ",
		   r->is_undo ? "remove" : "add", family, order);
	buf_add_cstr(out, "-p tcp -m multiport --dports ");
	recipe_ports_add(r, ",", out);
}

static void direct_write(const struct recipe *r, unsigned family, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	buf_printf(out, "# programs may talk to the mail server on this machine (IPv%u)\n", family);
	direct_add(r, family, 0, out);
	buf_add_cstr(out, " -o lo -j ACCEPT\n");
	for (size_t i = 0; i < r->user_count; i++) {
		buf_add_cstr(out, "# the mail server's user is allowed\n");
		direct_add(r, family, 1, out);
		buf_printf(out, " -m owner --uid-owner %s -j ACCEPT\n", r->users[i]);
	}
	for (size_t i = 0; i < r->host_count; i++) {
		if (r->hosts[i].addr.family == family) {
			buf_add_cstr(out, "# this host is allowed\n");
			direct_add(r, family, 1, out);
			buf_printf(out, " -d %s -j ACCEPT\n", prefix_format(&r->hosts[i], text));
		}
	}
	buf_add_cstr(out, "# everybody else is refused at once\n");
	direct_add(r, family, 2, out);
	buf_add_cstr(out, " -j REJECT --reject-with tcp-reset\n");
}

void recipe_almalinux_write(const struct recipe *r, struct buf *out)
{
	buf_add_cstr(out, r->is_undo ? "set -u\n" : "set -eu\n");
	if (r->has_out && r->user_count > 0) {
		buf_add_cstr(out,
			     "# A policy cannot match a user, so outgoing mail goes by firewalld's "
			     "direct interface (iptables-nft).\n");
		for (unsigned family = 4; family <= 6; family += 2) {
			if (recipe_has_family(r, family)) {
				direct_write(r, family, out);
			}
		}
	} else if (r->has_out) {
		policy_write(r, true, out);
	}
	if (r->has_in) {
		policy_write(r, false, out);
	}
	buf_add_cstr(out, "# In force now; --permanent keeps it across a restart.\n"
			  "firewall-cmd --reload\n");
}
