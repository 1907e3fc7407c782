/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix: what happens, in the words of Postfix's log.
 */
#include "world.h"

#include <inttypes.h>
#include <string.h>

static const char digits52[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

static void put_base(char *to, size_t len, uint64_t v, unsigned base)
{
	for (size_t i = len; i > 0; i--) {
		to[i - 1] = digits52[v % base];
		v /= base;
	}
}

void postfix_queue_id(const struct world *w, uint64_t serial, int64_t us, char *to, size_t size)
{
	uint64_t inode = 0x2DE00 + serial % (1U << 22);

	if (!w->long_ids) {
		snprintf(to, size, "%05X%06X", (unsigned)(us % US), (unsigned)inode);
		return;
	}
	memset(to, 0, size);
	put_base(to, 6, (uint64_t)(us / US), 52);
	put_base(to + 6, 4, (uint64_t)(us % US), 52);
	to[10] = 'z';
	put_base(to + 11, 5, inode, 51);
}

static const char *id_of(const struct world *w, const struct message *m, char *to, size_t size)
{
	postfix_queue_id(w, m->filtered_as != 0 ? m->filtered_as : m->serial, m->born_us, to, size);
	return to;
}

static void arrive(struct world *w, struct message *m, const char *id)
{
	char ip[16];
	char who[64];
	char from[64];

	world_address(m->client, ip, sizeof(ip));
	switch (m->run) {
	case RUN_INBOUND:
		world_line(w, "postfix/smtpd", m->pid, "%s: client=mail.d%u.example[%s]", id,
			   m->who, ip);
		break;
	case RUN_ACCOUNT:
	case RUN_STOLEN:
		world_line(w, "postfix/submission/smtpd", m->pid,
			   "%s: client=unknown[%s], sasl_method=LOGIN, sasl_username=%s", id, ip,
			   world_account(m->who, who, sizeof(who)));
		break;
	case RUN_SITE:
	case RUN_SCRIPT:
	case RUN_FORM:
		world_line(w, "postfix/pickup", 881, "%s: uid=%u from=<%s>", id, world_uid(m->who),
			   world_sender(m, from, sizeof(from)));
		break;
	case RUN_BOUNCE:
	case RUN_COUNT:
		break;
	}
}

static bool by_smtp(const struct message *m)
{
	return m->run == RUN_INBOUND || m->run == RUN_ACCOUNT || m->run == RUN_STOLEN;
}

static const char *tag_of(const struct message *m)
{
	return m->run == RUN_INBOUND ? "postfix/smtpd" : "postfix/submission/smtpd";
}

static void deliver(struct world *w, struct message *m, const char *id)
{
	char to[64];
	char mx[16];
	uint32_t r = m->rcpts[m->at];
	unsigned delay = (unsigned)prng_below(&w->rnd, 90) + 1;
	uint64_t other = prng_next(&w->rnd);

	world_rcpt(r, to, sizeof(to));
	if (m->local) {
		world_line(w, "postfix/lmtp", 2200 + m->pid % 7,
			   "%s: to=<%s>, relay=dovecot, delay=0.%02u, delays=0.0%u/0/0.01/0.01, "
			   "dsn=2.0.0, "
			   "status=sent (250 2.0.0 <%s> %08x Saved)",
			   id, to, delay, delay % 9 + 1, to, (unsigned)other);
		return;
	}
	world_address(0xC6336400U + r % 251, mx, sizeof(mx));
	const char *const head = "%s: to=<%s>, relay=mx%u.d%u.example[%s]:25, delay=%u.%u, "
				 "delays=0.%u/0.01/0.4/%u.%u, dsn=%s, status=%s (%s";
	char tail[256];
	const char *dsn = "2.0.0";
	const char *status = "sent";
	enum fate fate = m->fates[m->at];
	snprintf(tail, sizeof(tail), "250 2.0.0 Ok: queued as %010" PRIX64 ")",
		 other & 0xFFFFFFFFFFU);
	if (fate == FATE_BOUNCED) {
		dsn = "5.1.1";
		status = "bounced";
		snprintf(tail, sizeof(tail),
			 "host mx%u.d%u.example[%s] said: 550 5.1.1 <%s>: Recipient address "
			 "rejected: User "
			 "unknown in virtual mailbox table (in reply to RCPT TO command))",
			 r % 3, r % 997, mx, to);
	} else if ((fate == FATE_LATE || fate == FATE_EXPIRED) && m->retries > 0) {
		dsn = "4.7.1";
		status = "deferred";
		snprintf(tail, sizeof(tail),
			 "host mx%u.d%u.example[%s] said: 450 4.7.1 <%s>: greylisted, try again in "
			 "%u seconds "
			 "(in reply to RCPT TO command))",
			 r % 3, r % 997, mx, to, delay);
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	world_line(w, "postfix/smtp", 3100 + r % 40, head, id, to, r % 3, r % 997, mx, delay / 10,
		   delay % 10, delay % 9, delay / 11, delay % 7, dsn, status, tail);
#pragma GCC diagnostic pop
}

static void filtered(struct world *w, struct message *m, const char *id)
{
	char next[32];
	char to[64];
	char msgid[96];

	m->filtered_as = ++w->serial;
	id_of(w, m, next, sizeof(next));
	world_line(w, "postfix/smtpd", 1990, "%s: client=localhost[127.0.0.1]", next);
	world_line(w, "postfix/cleanup", 1402, "%s: message-id=%s", next,
		   world_message_id(m, msgid, sizeof(msgid)));
	for (unsigned i = 0; i < m->rcpt_count; i++) {
		world_line(w, "postfix/smtp", 3099,
			   "%s: to=<%s>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.8, "
			   "delays=0.1/0/0/0.7, "
			   "dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): "
			   "250 2.0.0 "
			   "Ok: queued as %s)",
			   id, world_rcpt(m->rcpts[i], to, sizeof(to)), next);
	}
	world_line(w, "postfix/qmgr", 871, "%s: removed", id);
}

void postfix_step(struct world *w, struct message *m, enum step s)
{
	char id[32];
	char text[96];
	char ip[16];

	id_of(w, m, id, sizeof(id));
	world_address(m->client, ip, sizeof(ip));
	switch (s) {
	case STEP_CONNECT:
		if (by_smtp(m)) {
			world_line(w, tag_of(m), m->pid, "connect from unknown[%s]", ip);
		}
		break;
	case STEP_ARRIVE:
		arrive(w, m, id);
		break;
	case STEP_NAME:
		world_line(w, "postfix/cleanup", 1400 + m->pid % 20, "%s: message-id=%s", id,
			   world_message_id(m, text, sizeof(text)));
		break;
	case STEP_ACTIVE:
	case STEP_REQUEUE:
		world_line(w, "postfix/qmgr", 871,
			   "%s: from=<%s>, size=%u, nrcpt=%u (queue active)", id,
			   world_sender(m, text, sizeof(text)), 900 + m->pid * 7, m->rcpt_count);
		break;
	case STEP_LEAVE:
		if (by_smtp(m)) {
			world_line(w, tag_of(m), m->pid,
				   "disconnect from unknown[%s] ehlo=1 mail=1 rcpt=%u data=1 "
				   "quit=1 commands=%u",
				   ip, m->rcpt_count, m->rcpt_count + 4U);
		}
		break;
	case STEP_FILTERED:
		filtered(w, m, id);
		break;
	case STEP_DELIVER:
		deliver(w, m, id);
		break;
	case STEP_EXPIRE:
		world_line(w, "postfix/qmgr", 871,
			   "%s: from=<%s>, status=expired, returned to sender", id,
			   world_sender(m, text, sizeof(text)));
		break;
	case STEP_NOTIFY:
		postfix_queue_id(w, m->parent, w->now_us, text, sizeof(text));
		world_line(w, "postfix/bounce", 3400, "%s: sender non-delivery notification: %s",
			   id, text);
		break;
	case STEP_REMOVE:
		world_line(w, "postfix/qmgr", 871, "%s: removed", id);
		break;
	}
}

void postfix_noise(struct world *w)
{
	char ip[16];
	char to[64];
	uint32_t addr = 0x2D000000U + (uint32_t)prng_below(&w->rnd, 1U << 20);
	uint32_t pid = 2000 + (uint32_t)prng_below(&w->rnd, 400);
	uint32_t who = (uint32_t)prng_below(&w->rnd, ACCOUNTS);

	world_address(addr, ip, sizeof(ip));
	switch (prng_below(&w->rnd, 5)) {
	case 0:
		world_line(w, "postfix/smtpd", pid, "connect from unknown[%s]", ip);
		world_line(
			w, "postfix/smtpd", pid,
			"NOQUEUE: reject: RCPT from unknown[%s]: 554 5.7.1 Service unavailable; "
			"Client host "
			"[%s] blocked using bl.example; from=<x%u@d%u.example> to=<%s> proto=ESMTP "
			"helo=<sasl_username=innocent@shop1.example>",
			ip, ip, pid, pid % 997, world_account(who, to, sizeof(to)));
		world_line(w, "postfix/smtpd", pid,
			   "disconnect from unknown[%s] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4",
			   ip);
		break;
	case 1:
		world_line(w, "postfix/smtpd", pid, "connect from unknown[%s]", ip);
		world_line(w, "postfix/smtpd", pid,
			   "warning: unknown[%s]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
			   ip);
		world_line(w, "postfix/smtpd", pid, "lost connection after AUTH from unknown[%s]",
			   ip);
		world_line(w, "postfix/smtpd", pid,
			   "disconnect from unknown[%s] ehlo=1 auth=0/1 commands=1/2", ip);
		break;
	case 2:
	case 3:
		world_line(w, "dovecot", 0,
			   "imap-login: Login: user=<%s>, method=PLAIN, rip=%s, lip=192.0.2.10, "
			   "mpid=%u, TLS, "
			   "session=<%08x>",
			   world_account(who, to, sizeof(to)), ip, pid, addr);
		world_line(w, "dovecot", 0, "imap(%s)<%u><%08x>: Logged out in=%u out=%u", to, pid,
			   addr, pid * 3, pid * 11);
		break;
	default:
		world_line(
			w, "postfix/anvil", 901,
			"statistics: max connection rate %u/60s for (smtp:%s) at Jun 12 04:05:06",
			pid % 9, ip);
		break;
	}
}
