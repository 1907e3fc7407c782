/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poke: bare SYNs by raw sockets. Layer: enforce.
 */
#include "enforce/poke.h"

#include "enforce/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/poison.h"

#define TTL 64
#define WINDOW 1024

struct poke {
	int fd4;
	int fd6;
};

/* RFC 1071, over big-endian words; `sum` carries on from another part. */
static uint32_t sum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i + 1 < len; i += 2) {
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	}
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16 != 0) {
		sum = (sum & 0xFFFF) + (sum >> 16);
	}
	return htons((uint16_t)~sum);
}

static void put_ip(uint8_t *at, const struct addr *from, const struct addr *to)
{
	if (from->family == 4) {
		struct iphdr h = {
			.version = 4,
			.ihl = sizeof(h) / 4,
			.tot_len = htons(sizeof(h) + sizeof(struct tcphdr)),
			.ttl = TTL,
			.protocol = IPPROTO_TCP,
		};
		memcpy(&h.saddr, from->octets, sizeof(h.saddr));
		memcpy(&h.daddr, to->octets, sizeof(h.daddr));
		h.check = sum_end(sum_add(0, &h, sizeof(h)));
		memcpy(at, &h, sizeof(h));
	} else {
		struct ip6_hdr h = {0};
		h.ip6_flow = htonl(UINT32_C(6) << 28);
		h.ip6_plen = htons(sizeof(struct tcphdr));
		h.ip6_nxt = IPPROTO_TCP;
		h.ip6_hlim = TTL;
		memcpy(&h.ip6_src, from->octets, sizeof(h.ip6_src));
		memcpy(&h.ip6_dst, to->octets, sizeof(h.ip6_dst));
		memcpy(at, &h, sizeof(h));
	}
}

size_t poke_packet(const struct poke_flow *f, bool to_client,
		   uint8_t ret_packet[static POKE_PACKET_MAX])
{
	const struct addr *from = to_client ? &f->server : &f->client;
	const struct addr *to = to_client ? &f->client : &f->server;
	size_t ip_len = from->family == 4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	struct tcphdr tcp = {
		.source = htons(to_client ? f->server_port : f->client_port),
		.dest = htons(to_client ? f->client_port : f->server_port),
		.doff = sizeof(tcp) / 4,
		.syn = 1,
		.window = htons(WINDOW),
	};

	if (from->family == 0 || from->family != to->family) {
		return 0;
	}
	put_ip(ret_packet, from, to);
	uint32_t sum = IPPROTO_TCP + (uint32_t)sizeof(tcp);
	sum = sum_add(sum, from->octets, addr_len(from));
	sum = sum_add(sum, to->octets, addr_len(to));
	tcp.check = sum_end(sum_add(sum, &tcp, sizeof(tcp)));
	memcpy(ret_packet + ip_len, &tcp, sizeof(tcp));
	return ip_len + sizeof(tcp);
}

static int raw_open(int family, int level, int option, struct errmsg *reterr)
{
	const uint32_t mark = NFT_MARK_POKE;
	const int on = 1;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (fd < 0) {
		return err_set(reterr, -errno, "cannot open a raw socket (needs CAP_NET_RAW): %s",
			       strerror(errno));
	}
	if (setsockopt(fd, level, option, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
		int r = err_set(reterr, -errno, "cannot prepare a raw socket: %s", strerror(errno));
		close(fd);
		return r;
	}
	return fd;
}

int poke_open(struct poke **ret, struct errmsg *reterr)
{
	struct poke *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for raw sockets");
	}
	p->fd6 = -1;
	p->fd4 = raw_open(AF_INET, IPPROTO_IP, IP_HDRINCL, reterr);
	if (p->fd4 < 0) {
		r = p->fd4;
		goto out;
	}
	p->fd6 = raw_open(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL, reterr);
	if (p->fd6 < 0 && p->fd6 != -EAFNOSUPPORT) {
		r = p->fd6;
		goto out;
	}
	*ret = p;
	p = NULL;
	r = 0;
out:
	poke_close(p);
	return r;
}

void poke_close(struct poke *p)
{
	if (p != NULL) {
		if (p->fd4 >= 0) {
			close(p->fd4);
		}
		if (p->fd6 >= 0) {
			close(p->fd6);
		}
		free(p);
	}
}

static int send_one(struct poke *p, const struct poke_flow *f, bool to_client)
{
	uint8_t packet[POKE_PACKET_MAX];
	const struct addr *to = to_client ? &f->client : &f->server;
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	size_t len = poke_packet(f, to_client, packet);
	ssize_t n;

	if (len == 0) {
		return -EINVAL;
	}
	if (to->family == 4) {
		memcpy(&to4.sin_addr, to->octets, sizeof(to4.sin_addr));
		n = sendto(p->fd4, packet, len, MSG_DONTWAIT, (struct sockaddr *)&to4, sizeof(to4));
	} else {
		memcpy(&to6.sin6_addr, to->octets, sizeof(to6.sin6_addr));
		n = sendto(p->fd6, packet, len, MSG_DONTWAIT, (struct sockaddr *)&to6, sizeof(to6));
	}
	return n < 0 ? -errno : 0;
}

int poke_send(struct poke *p, const struct poke_flow *f)
{
	int server = send_one(p, f, false);
	int client = send_one(p, f, true);

	return server < 0 ? server : client;
}
