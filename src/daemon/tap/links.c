/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links: a routing netlink socket and the list it keeps up to date. Layer: daemon.
 */
#include "daemon/tap/links.h"

#include "base/str.h"
#include "sys/fd.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/poison.h"

#define READ_BYTES 32768

struct links {
	int fd;
	struct addr *addrs;
	size_t count;
};

static void add_addr(struct links *l, const struct addr *a)
{
	for (size_t i = 0; i < l->count; i++) {
		if (addr_is_equal(&l->addrs[i], a)) {
			return;
		}
	}
	if (l->count < LINKS_ADDRS_MAX) {
		l->addrs[l->count++] = *a;
	}
}

static void remove_addr(struct links *l, const struct addr *a)
{
	for (size_t i = 0; i < l->count; i++) {
		if (addr_is_equal(&l->addrs[i], a)) {
			l->addrs[i] = l->addrs[--l->count];
			return;
		}
	}
}

static void add_sockaddr(struct links *l, const struct sockaddr *sa)
{
	struct addr a = {0};

	if (sa->sa_family == AF_INET) {
		a = addr_v4(
			(const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		a = addr_v6(((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr);
	}
	if (a.family != 0) {
		add_addr(l, &a);
	}
}

static int list_addrs(struct links *l, struct errmsg *reterr)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0) {
		return err_set(reterr, -errno, "cannot list this machine's addresses: %s",
			       strerror(errno));
	}
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr != NULL) {
			add_sockaddr(l, i->ifa_addr);
		}
	}
	freeifaddrs(all);
	return 0;
}

int links_new(struct links **ret, struct errmsg *reterr)
{
	struct links *l = calloc(1, sizeof(*l));
	struct sockaddr_nl at = {.nl_family = AF_NETLINK,
				 .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
					      RTMGRP_IPV6_IFADDR};
	int r = 0;

	if (l == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	l->addrs = calloc(LINKS_ADDRS_MAX, sizeof(*l->addrs));
	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (l->addrs == NULL || l->fd < 0 || bind(l->fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		r = err_set(reterr, l->addrs == NULL ? -ENOMEM : -errno,
			    "cannot watch the interfaces");
	}
	if (r == 0) {
		r = list_addrs(l, reterr);
	}
	if (r < 0) {
		links_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void links_free(struct links *l)
{
	if (l != NULL) {
		fd_close(&l->fd);
		free(l->addrs);
		free(l);
	}
}

int links_fd(const struct links *l)
{
	return l->fd;
}

/* The next attribute of a message. (The kernel's macros mix signed and unsigned lengths.) */
static bool next_attr(struct str *in, unsigned *ret_type, struct str *ret)
{
	struct rtattr a;

	if (in->len < sizeof(a)) {
		return false;
	}
	memcpy(&a, in->ptr, sizeof(a));
	if (a.rta_len < sizeof(a) || a.rta_len > in->len) {
		return false;
	}
	*ret_type = a.rta_type;
	*ret = (struct str){in->ptr + sizeof(a), a.rta_len - sizeof(a)};
	*in = str_skip(*in, NLMSG_ALIGN(a.rta_len));
	return true;
}

static void link_came(struct str body, links_up_fn *up, void *ctx)
{
	struct ifinfomsg info;
	struct str text;
	unsigned type;

	if (body.len < sizeof(info)) {
		return;
	}
	memcpy(&info, str_take(&body, sizeof(info)).ptr, sizeof(info));
	while ((info.ifi_flags & IFF_UP) != 0 && next_attr(&body, &type, &text)) {
		char name[IF_NAMESIZE];
		if (type == IFLA_IFNAME &&
		    str_copy(name, sizeof(name), str_head(text, str_find_char(text, '\0')))) {
			up(ctx, name, (unsigned)info.ifi_index);
		}
	}
}

static void addr_came(struct links *l, struct str body, bool is_new)
{
	struct ifaddrmsg info;
	struct str value;
	unsigned type;

	if (body.len < sizeof(info)) {
		return;
	}
	memcpy(&info, str_take(&body, sizeof(info)).ptr, sizeof(info));
	while (next_attr(&body, &type, &value)) {
		struct addr addr = {0};
		/* Of IPv4 IFA_ADDRESS is the other end of a point-to-point link. */
		if (info.ifa_family == AF_INET && type == IFA_LOCAL && value.len == 4) {
			addr = addr_v4((const uint8_t *)value.ptr);
		} else if (info.ifa_family == AF_INET6 && type == IFA_ADDRESS && value.len == 16) {
			addr = addr_v6((const uint8_t *)value.ptr);
		}
		if (addr.family != 0 && is_new) {
			add_addr(l, &addr);
		} else if (addr.family != 0) {
			remove_addr(l, &addr);
		}
	}
}

static void message_came(struct links *l, const struct nlmsghdr *h, struct str body,
			 links_up_fn *up, void *ctx)
{
	if (h->nlmsg_type == RTM_NEWLINK) {
		link_came(body, up, ctx);
	} else if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR) {
		addr_came(l, body, h->nlmsg_type == RTM_NEWADDR);
	}
}

void links_read(struct links *l, links_up_fn *up, void *ctx)
{
	static char octets[READ_BYTES];
	ssize_t got;

	while ((got = recv(l->fd, octets, sizeof(octets), 0)) > 0 ||
	       (got < 0 && errno == ENOBUFS)) {
		struct str in = {octets, got > 0 ? (size_t)got : 0};
		struct nlmsghdr h;
		while (in.len >= sizeof(h)) {
			memcpy(&h, in.ptr, sizeof(h));
			if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > in.len) {
				break;
			}
			message_came(l, &h, str_skip(str_head(in, h.nlmsg_len), sizeof(h)), up,
				     ctx);
			in = str_skip(in, NLMSG_ALIGN(h.nlmsg_len));
		}
	}
}

const struct addr *links_addrs(const struct links *l, size_t *ret_count)
{
	*ret_count = l->count;
	return l->addrs;
}
