/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_firewalld: policies, which unlike a zone's rich rules see what the server itself sends.
 * A policy knows no users: where one is excepted, outgoing mail goes by a chain of the direct
 * interface as a whole, because an acceptance there does not pass a policy's refusal. Either
 * form takes the other away first, so that the last recipe is the one that holds.
 * Layer: core (pure).
 */
#include "core/recipe_inside.h"

#include "base/poison.h"

#define CMD "firewall-cmd --permanent "
#define CHAIN "postern_out"

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

static void policy_remove(const char *name, struct buf *out)
{
	buf_printf(
		out,
		"# the policy of an earlier recipe goes, with all that is in it, and its backup\n"
		"if " CMD "--info-policy=%s >/dev/null 2>&1; then\n" CMD "--delete-policy=%s\n"
		"rm -f /etc/firewalld/policies/%s.xml.old\n"
		"fi\n",
		name, name, name);
}

static void policy_write(const struct recipe *r, bool is_out, struct buf *out)
{
	const char *name = is_out ? "postern-out" : "postern-in";

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

/* What leads every opened connection into our chain. */
static void direct_jump_write(const char *verb, unsigned family, struct buf *out)
{
	buf_printf(out, CMD "--direct --%s-rule ipv%u filter OUTPUT 0 -p tcp --syn -j " CHAIN "\n",
		   verb, family);
}

static void direct_remove(unsigned family, struct buf *out)
{
	buf_printf(out,
		   "# the chain of an earlier recipe goes, with all that is in it (IPv%u)\n"
		   "if " CMD "--direct --query-chain ipv%u filter " CHAIN
		   " >/dev/null 2>&1; then\n",
		   family, family);
	direct_jump_write("remove", family, out);
	buf_printf(out,
		   CMD "--direct --remove-rules ipv%u filter " CHAIN "\n" CMD
		       "--direct --remove-chain ipv%u filter " CHAIN "\n"
		       "fi\n",
		   family, family);
}

/* Start of a rule of our chain up to its match; `order` sorts the rules. */
static void direct_add(unsigned family, unsigned order, struct buf *out)
{
	buf_printf(out, CMD "--direct --add-rule ipv%u filter " CHAIN " %u ", family, order);
}

static void direct_write(const struct recipe *r, unsigned family, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	buf_printf(out, "# a chain of our own (IPv%u)\n", family);
	buf_printf(out, CMD "--direct --add-chain ipv%u filter " CHAIN "\n", family);
	buf_add_cstr(out, "# programs may talk to the mail server on this machine\n");
	direct_add(family, 0, out);
	buf_add_cstr(out, "-o lo -j RETURN\n# other ports are not our concern\n");
	direct_add(family, 0, out);
	buf_add_cstr(out, "-p tcp -m multiport ! --dports ");
	recipe_ports_add(r, ",", out);
	buf_add_cstr(out, " -j RETURN\n");
	for (size_t i = 0; i < r->user_count; i++) {
		buf_add_cstr(out, "# the mail server's user is allowed\n");
		direct_add(family, 1, out);
		buf_printf(out, "-m owner --uid-owner %s -j RETURN\n", r->users[i]);
	}
	for (size_t i = 0; i < r->host_count; i++) {
		if (r->hosts[i].addr.family == family) {
			buf_add_cstr(out, "# this host is allowed\n");
			direct_add(family, 1, out);
			buf_printf(out, "-d %s -j RETURN\n", prefix_format(&r->hosts[i], text));
		}
	}
	buf_add_cstr(out, "# everybody else is refused at once\n");
	direct_add(family, 2, out);
	buf_add_cstr(out, "-p tcp -j REJECT --reject-with tcp-reset\n"
			  "# what opens a connection goes through it\n");
	direct_jump_write("add", family, out);
}

static void out_write(const struct recipe *r, struct buf *out)
{
	bool is_direct = r->user_count > 0;

	if (is_direct && !r->is_undo) {
		buf_add_cstr(out, "# A policy cannot match a user, so outgoing mail goes by "
				  "firewalld's direct interface (iptables).\n");
	}
	policy_remove("postern-out", out);
	for (unsigned family = 4; family <= 6; family += 2) {
		if (recipe_has_family(r, family)) {
			direct_remove(family, out);
		}
		if (is_direct && !r->is_undo && recipe_has_family(r, family)) {
			direct_write(r, family, out);
		}
	}
	if (!is_direct && !r->is_undo) {
		policy_write(r, true, out);
	}
}

void recipe_almalinux_write(const struct recipe *r, struct buf *out)
{
	if (r->has_out) {
		out_write(r, out);
	}
	if (r->has_in) {
		policy_remove("postern-in", out);
		if (!r->is_undo) {
			policy_write(r, false, out);
		}
	}
	buf_add_cstr(out, "# In force now; --permanent keeps it across a restart.\n"
			  "firewall-cmd --reload\n");
}
