/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exim: what happens, in the words of Exim's main log.
 */
#include "world.h"

#include <inttypes.h>
#include <string.h>

static void put62(char *to, size_t len, uint64_t v)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (size_t i = len; i > 0; i--) {
		to[i - 1] = digits[v % 62];
		v /= 62;
	}
}

void exim_queue_id(const struct world *w, uint64_t serial, int64_t us, char *to, size_t size)
{
	size_t middle = w->long_ids ? 11 : 6;
	size_t last = w->long_ids ? 4 : 2;

	memset(to, 0, size);
	put62(to, 6, (uint64_t)(us / US));
	to[6] = '-';
	put62(to + 7, middle, serial);
	to[7 + middle] = '-';
	put62(to + 8 + middle, last, (uint64_t)(us % US) / 1000);
}

static void arrive(struct world *w, struct message *m, const char *id)
{
	/* What a stranger may write, to be taken for fields. */
	static const char like_fields[] = "s \\\"q\\\" A=dovecot_login:innocent@shop1.example "
					  "[192.0.2.99] <= x for y@d1.example";
	static const char *const subjects[] = {"Invoice", "Re: your order", like_fields,
					       "Meeting on Monday"};
	char ip[16];
	char who[64];
	char from[64];
	char msgid[96];
	char list[RCPTS_MAX * 32];
	size_t at = 0;

	for (unsigned i = 0; i < m->rcpt_count; i++) {
		char to[64];
		at += (size_t)snprintf(list + at, sizeof(list) - at, " %s",
				       world_rcpt(m->rcpts[i], to, sizeof(to)));
	}
	world_address(m->client, ip, sizeof(ip));
	world_sender(m, from, sizeof(from));
	world_message_id(m, msgid, sizeof(msgid));
	size_t len = strlen(msgid);
	msgid[len - 1] = '\0'; /* id= stands without brackets */
	const char *subject = subjects[m->serial % 4];
	switch (m->run) {
	case RUN_INBOUND:
		world_line(w, "exim", m->pid,
			   "%s <= %s H=mail.d%u.example (helo%u) [%s]:%u P=esmtps "
			   "X=TLS1.3:X25519:256 S=%u id=%s T=\"%s\" for%s",
			   id, from, m->who, m->pid, ip, 1024 + m->pid, 900 + m->pid * 7, msgid + 1,
			   subject, list);
		break;
	case RUN_ACCOUNT:
	case RUN_STOLEN:
		world_line(w, "exim", m->pid,
			   "%s <= %s H=([10.0.0.%u]) [%s]:%u P=esmtpsa X=TLS1.3:X25519:256 "
			   "A=dovecot_login:%s S=%u id=%s T=\"%s\" for%s",
			   id, from, m->pid % 250, ip, 1024 + m->pid,
			   world_account(m->who, who, sizeof(who)), 900 + m->pid * 7, msgid + 1,
			   subject, list);
		break;
	case RUN_SITE:
	case RUN_SCRIPT:
	case RUN_FORM:
		world_line(w, "exim", m->pid,
			   "cwd=/home/web%u/public_html%s 4 args: /usr/sbin/sendmail -t -i -f%s",
			   m->who, m->run == RUN_SCRIPT ? "/wp-content/uploads/2026" : "", from);
		world_line(w, "exim", m->pid, "%s <= %s U=web%u P=local S=%u id=%s T=\"%s\" for%s",
			   id, from, m->who, 700 + m->pid * 7, msgid + 1, subject, list);
		break;
	case RUN_BOUNCE: {
		char of[32];
		exim_queue_id(w, m->parent, m->parent_born_us, of, sizeof(of));
		world_line(
			w, "exim", m->pid,
			"%s <= <> R=%s U=Debian-exim P=local S=%u T=\"Mail delivery failed\" for%s",
			id, of, 2000 + m->pid, list);
		break;
	}
	case RUN_COUNT:
		break;
	}
}

static void deliver(struct world *w, struct message *m, const char *id)
{
	char to[64];
	char mx[16];
	uint32_t r = m->rcpts[m->at];
	enum fate fate = m->fates[m->at];

	world_rcpt(r, to, sizeof(to));
	world_address(0xC6336400U + r % 251, mx, sizeof(mx));
	if (m->local) {
		world_line(
			w, "exim", 3000,
			"%s => box%u <%s> R=local_user T=dovecot_lmtp C=\"250 2.0.0 <%s> Saved\"",
			id, r % 90, to, to);
	} else if (fate == FATE_BOUNCED) {
		world_line(w, "exim", 3000,
			   "%s ** %s R=dnslookup T=remote_smtp H=mx%u.d%u.example [%s] "
			   "X=TLS1.3:X25519:256 CV=yes: SMTP error from remote "
			   "mail server after RCPT TO:<%s>: 550 5.1.1 User unknown",
			   id, to, r % 3, r % 997, mx, to);
	} else if ((fate == FATE_LATE || fate == FATE_EXPIRED) && m->retries > 0) {
		world_line(w, "exim", 3000,
			   "%s == %s R=dnslookup T=remote_smtp defer (-44) H=mx%u.d%u.example "
			   "[%s]: SMTP error from remote mail server after "
			   "RCPT TO:<%s>: 450 4.7.1 greylisted",
			   id, to, r % 3, r % 997, mx, to);
	} else if (fate == FATE_EXPIRED) {
		world_line(w, "exim", 3000, "%s ** %s: retry timeout exceeded", id, to);
	} else {
		world_line(w, "exim", 3000,
			   "%s %s %s R=dnslookup T=remote_smtp H=mx%u.d%u.example [%s]:25 "
			   "X=TLS1.3:X25519:256 CV=yes C=\"250 2.0.0 Ok: queued "
			   "as %08" PRIX32 "\"",
			   id, m->at == 0 ? "=>" : "->", to, r % 3, r % 997, mx, r * 2654435761U);
	}
}

void exim_step(struct world *w, struct message *m, enum step s)
{
	char id[32];

	exim_queue_id(w, m->serial, m->born_us, id, sizeof(id));
	if (s == STEP_ARRIVE) {
		arrive(w, m, id);
	} else if (s == STEP_DELIVER) {
		deliver(w, m, id);
	} else if (s == STEP_REMOVE) {
		world_line(w, "exim", 3000, "%s Completed", id);
	}
}

void exim_noise(struct world *w)
{
	char ip[16];
	char to[64];
	uint32_t addr = 0x2D000000U + (uint32_t)prng_below(&w->rnd, 1U << 20);
	uint32_t pid = 2000 + (uint32_t)prng_below(&w->rnd, 400);

	world_address(addr, ip, sizeof(ip));
	world_account(pid % ACCOUNTS, to, sizeof(to));
	switch (prng_below(&w->rnd, 4)) {
	case 0:
		world_line(w, "exim", pid,
			   "H=(mail%u) [%s]:%u F=<x%u@d%u.example> rejected RCPT <%s>: blocked "
			   "using bl.example",
			   pid, ip, 1024 + pid, pid, pid % 997, to);
		break;
	case 1:
		world_line(w, "exim", pid,
			   "dovecot_login authenticator failed for (User) [%s]:%u: 535 Incorrect "
			   "authentication data (set_id=%s)",
			   ip, 1024 + pid, to);
		break;
	case 2:
		world_line(w, "exim", pid, "no host name found for IP address %s", ip);
		break;
	default:
		world_line(w, "exim", pid, "SMTP connection from [%s]:%u lost D=%us", ip,
			   1024 + pid, pid % 60);
		break;
	}
}
