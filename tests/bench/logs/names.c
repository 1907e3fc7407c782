/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: who and what there is in the world that was made up. All of it is synthetic.
 */
#include "world.h"

const char *world_account(uint32_t who, char *to, size_t size)
{
	snprintf(to, size, "info@shop%u.example", who);
	return to;
}

uint32_t world_uid(uint32_t who)
{
	return 10000 + who;
}

const char *world_rcpt(uint32_t number, char *to, size_t size)
{
	if (number >= LOCAL_RCPT) {
		return world_account(number - LOCAL_RCPT, to, size);
	}
	snprintf(to, size, "u%u@d%u.example", number, number % 997);
	return to;
}

const char *world_address(uint32_t ip, char *to, size_t size)
{
	snprintf(to, size, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	return to;
}

const char *world_message_id(const struct message *m, char *to, size_t size)
{
	uint64_t mixed = m->serial * UINT64_C(0x9e3779b97f4a7c15);

	switch (m->serial % 4) {
	case 0:
		snprintf(to, size, "<%016llx$%llu@shop.example>", (unsigned long long)mixed,
			 (unsigned long long)m->serial);
		break;
	case 1:
		snprintf(to, size, "<CA+%016llx%08llx@mail.d%u.example>", (unsigned long long)mixed,
			 (unsigned long long)m->serial, m->who);
		break;
	case 2:
		snprintf(to, size, "<20260601%06llu.%llX@srv1.example>",
			 (unsigned long long)m->serial, (unsigned long long)(mixed >> 20));
		break;
	default:
		snprintf(to, size, "<%llx-%016llx@www.shop%u.example>",
			 (unsigned long long)m->serial, (unsigned long long)mixed, m->who);
		break;
	}
	return to;
}

const char *world_sender(const struct message *m, char *to, size_t size)
{
	switch (m->run) {
	case RUN_BOUNCE:
		to[0] = '\0';
		break;
	case RUN_INBOUND:
		snprintf(to, size, "n%u@d%u.example", m->pid, m->who);
		break;
	case RUN_ACCOUNT:
		return world_account(m->who, to, size);
	case RUN_STOLEN:
	case RUN_SCRIPT:
		snprintf(to, size, "%c%u@d%u.example", 'a' + (char)(m->serial % 26), m->pid,
			 m->pid % 97);
		break;
	case RUN_SITE:
	case RUN_FORM:
	case RUN_COUNT:
		snprintf(to, size, "www@site%u.example", m->who);
		break;
	}
	return to;
}
