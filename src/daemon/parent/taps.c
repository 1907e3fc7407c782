/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps: capture sockets for the tap. Layer: daemon.
 */
#include "daemon/parent/taps.h"

#include "base/cur.h"
#include "daemon/msg.h"
#include "sys/fd.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/poison.h"

int taps_check(const struct policy *p, const struct log *lg, struct errmsg *reterr)
{
	for (size_t n = 0; n < p->network_count; n++) {
		const struct network *net = &p->networks[n];
		size_t there = 0;
		for (size_t i = 0; i < net->interface_count; i++) {
			if (if_nametoindex(net->interfaces[i]) != 0) {
				there++;
			} else {
				LOG_EVENT(lg, LOG_LEVEL_WARNING, "interface.missing",
					  F_CSTR("network", net->name),
					  F_CSTR("interface", net->interfaces[i]));
			}
		}
		if (there == 0 && net->interface_count > 0) {
			return err_set(reterr, -ENODEV,
				       "network '%s': none of its interfaces is there ('%s' …): "
				       "see 'ip link'",
				       net->name, net->interfaces[0]);
		}
	}
	return 0;
}

static void send_socket(struct chan *tap, const struct log *lg, const char *name)
{
	char body[64];
	struct enc e = enc_of(body, sizeof(body));
	unsigned ifindex = if_nametoindex(name);

	if (ifindex == 0) {
		return;
	}
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		LOG_EVENT(lg, LOG_LEVEL_ERROR, "tap.no_socket", F_CSTR("interface", name),
			  F_CSTR("why", strerror(errno)));
		return;
	}
	enc_uint(&e, 4, ifindex);
	enc_str(&e, str_of(name));
	int len = enc_end(&e);
	int r = len < 0 ? len : chan_send(tap, MSG_TAP_SOCKET, (struct str){body, (size_t)len}, fd);
	if (r < 0) {
		LOG_EVENT(lg, LOG_LEVEL_ERROR, "tap.socket_not_sent", F_CSTR("interface", name),
			  F_CSTR("why", strerror(-r)));
	}
	fd_close(&fd);
}

/* The same interface may stand in several networks: its first place counts. */
static bool is_first(const struct policy *p, size_t network, size_t interface)
{
	const char *name = p->networks[network].interfaces[interface];

	for (size_t n = 0; n <= network; n++) {
		size_t end = n == network ? interface : p->networks[n].interface_count;
		for (size_t i = 0; i < end; i++) {
			if (strcmp(p->networks[n].interfaces[i], name) == 0) {
				return false;
			}
		}
	}
	return true;
}

void taps_send_all(const struct policy *p, struct chan *tap, const struct log *lg)
{
	for (size_t n = 0; n < p->network_count; n++) {
		for (size_t i = 0; i < p->networks[n].interface_count; i++) {
			if (is_first(p, n, i)) {
				send_socket(tap, lg, p->networks[n].interfaces[i]);
			}
		}
	}
}

void taps_send(const struct policy *p, struct chan *tap, const struct log *lg, struct str name)
{
	for (size_t n = 0; n < p->network_count; n++) {
		for (size_t i = 0; i < p->networks[n].interface_count; i++) {
			if (str_is_equal(str_of(p->networks[n].interfaces[i]), name)) {
				send_socket(tap, lg, p->networks[n].interfaces[i]);
				return;
			}
		}
	}
}
