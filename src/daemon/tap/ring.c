/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: TPACKET_V3. Layer: daemon.
 *
 * Source: Documentation/networking/packet_mmap.rst of Linux. Measured there and not written:
 * LOSING stands in block_status, never on a frame; tp_packets contains the drops; the counters
 * clear on reading.
 */
#include "daemon/tap/ring.h"

#include "base/assert.h"
#include "daemon/tap/port_filter.h"
#include "proto/packet.h"
#include "sys/fd.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/poison.h"

/* A formality of TPACKET_V3: frames are packed at any length. */
#define FRAME_BYTES 2048
/* Where the sender's address stands behind a frame's header. (The kernel's macro is signed.) */
#define ADDRESS_AT                                                                                 \
	((sizeof(struct tpacket3_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT *               \
	 TPACKET_ALIGNMENT)

struct ring {
	int fd;
	int link;
	unsigned blocks;
	unsigned next; /* block to be read */
	char *map;
	struct ring_counts counts;
};

static int link_of(unsigned short hardware)
{
	switch (hardware) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
	case ARPHRD_EETHER:
		return LINK_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
		return LINK_RAW;
	default:
		return -1;
	}
}

static int set(int fd, int option, const void *value, size_t len, const char *what,
	       struct errmsg *reterr)
{
	if (setsockopt(fd, SOL_PACKET, option, value, (socklen_t)len) < 0) {
		return err_set(reterr, -errno, "%s: %s", what, strerror(errno));
	}
	return 0;
}

static int attach(struct ring *r, const uint16_t *ports, size_t n, struct errmsg *reterr)
{
	static struct port_filter f; /* 8 KiB, too much for a stack frame */
	int on = 1;

	port_filter_make(&f, ports, n, r->link == LINK_RAW);
	struct sock_fprog program = {.len = (unsigned short)f.len, .filter = f.code};
	if (setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    setsockopt(r->fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0) {
		return err_set(reterr, -errno, "port filter: %s", strerror(errno));
	}
	return 0;
}

static int map_ring(struct ring *r, struct errmsg *reterr)
{
	int version = TPACKET_V3;
	struct tpacket_req3 req = {
		.tp_block_size = RING_BLOCK_BYTES,
		.tp_block_nr = r->blocks,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = (unsigned)(RING_BLOCK_BYTES / FRAME_BYTES) * r->blocks,
		.tp_retire_blk_tov = RING_RETIRE_MS,
	};

	int e = set(r->fd, PACKET_VERSION, &version, sizeof(version), "TPACKET_V3", reterr);
	if (e == 0) {
		e = set(r->fd, PACKET_RX_RING, &req, sizeof(req), "ring", reterr);
	}
	if (e < 0) {
		return e;
	}
	void *map = mmap(NULL, RING_BLOCK_BYTES * r->blocks, PROT_READ | PROT_WRITE, MAP_SHARED,
			 r->fd, 0);
	if (map == MAP_FAILED) {
		return err_set(reterr, -errno, "ring: %s", strerror(errno));
	}
	r->map = map;
	return 0;
}

/* What the interface's frames begin with is known once the socket is bound to it. */
static int bind_to(struct ring *r, unsigned ifindex, unsigned short protocol, struct errmsg *reterr)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(protocol),
				 .sll_ifindex = (int)ifindex};
	socklen_t len = sizeof(at);

	if (bind(r->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(r->fd, (struct sockaddr *)&at, &len) < 0) {
		return err_set(reterr, -errno, "cannot bind: %s", strerror(errno));
	}
	r->link = link_of(at.sll_hatype);
	return 0;
}

int ring_new(int fd, unsigned ifindex, unsigned blocks, const uint16_t *ports, size_t n,
	     struct ring **ret, struct errmsg *reterr)
{
	ASSERT(blocks >= RING_BLOCKS_MIN && blocks <= RING_BLOCKS_MAX);
	struct ring *r = calloc(1, sizeof(*r));
	struct packet_mreq all = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};

	if (r == NULL) {
		fd_close(&fd);
		return err_set(reterr, -ENOMEM, "no memory");
	}
	*r = (struct ring){.fd = fd, .blocks = blocks, .link = -1};
	/* Bound without a protocol first: nothing arrives before filter and ring are there. */
	int e = bind_to(r, ifindex, 0, reterr);
	if (e == 0 && r->link < 0) {
		e = err_set(reterr, -EPROTONOSUPPORT, "frames of this kind cannot be read");
	}
	if (e == 0) {
		e = attach(r, ports, n, reterr);
	}
	if (e == 0) {
		e = map_ring(r, reterr);
	}
	if (e == 0 && r->link == LINK_ETHERNET) {
		/* Mirror ports and bridges see nothing otherwise; where it is refused, go on. */
		(void)!set(r->fd, PACKET_ADD_MEMBERSHIP, &all, sizeof(all), "", NULL);
	}
	if (e == 0) {
		e = bind_to(r, ifindex, ETH_P_ALL, reterr);
	}
	if (e < 0) {
		ring_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void ring_free(struct ring *r)
{
	if (r != NULL) {
		if (r->map != NULL) {
			munmap(r->map, RING_BLOCK_BYTES * r->blocks);
		}
		fd_close(&r->fd);
		free(r);
	}
}

int ring_fd(const struct ring *r)
{
	return r->fd;
}

int ring_link(const struct ring *r)
{
	return r->link;
}

static void read_frame(struct ring *r, const struct tpacket3_hdr *h, ring_frame_fn *fn, void *ctx)
{
	const char *at = (const char *)h;
	const struct sockaddr_ll *from = (const void *)(at + ADDRESS_AT);
	struct ring_frame f = {
		.time = {(int64_t)h->tp_sec * NS_PER_S + h->tp_nsec},
		.octets = {at + h->tp_mac, h->tp_snaplen},
		.wire_len = h->tp_len,
		.is_outgoing = from->sll_pkttype == PACKET_OUTGOING,
	};

	if ((h->tp_status & TP_STATUS_VLAN_VALID) != 0) {
		f.vlan = h->hv1.tp_vlan_tci & 0x0FFF;
	}
	r->counts.received++;
	r->counts.cut += h->tp_snaplen < h->tp_len;
	fn(ctx, &f);
}

static void read_block(struct ring *r, const struct tpacket_hdr_v1 *b, const char *block,
		       ring_frame_fn *fn, void *ctx)
{
	const char *at = block + b->offset_to_first_pkt;

	for (uint32_t i = 0; i < b->num_pkts; i++) {
		const struct tpacket3_hdr *h = (const void *)at;
		read_frame(r, h, fn, ctx);
		at += h->tp_next_offset;
	}
}

/* Reading it is what stops poll from returning at once for ever while the link is down. */
static int socket_error(struct ring *r)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
		return -errno;
	}
	return -error;
}

int ring_read(struct ring *r, unsigned blocks_max, ring_frame_fn *fn, void *ctx)
{
	unsigned n = 0;

	while (n < blocks_max) {
		char *block = r->map + RING_BLOCK_BYTES * r->next;
		struct tpacket_block_desc *d = (void *)block;
		uint32_t status = __atomic_load_n(&d->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
		if ((status & TP_STATUS_USER) == 0) {
			break;
		}
		read_block(r, &d->hdr.bh1, block, fn, ctx);
		if ((status & TP_STATUS_LOSING) != 0) {
			struct ring_counts now;
			ring_counts(r, &now);
		}
		__atomic_store_n(&d->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		r->next = (r->next + 1) % r->blocks;
		n++;
	}
	int e = n == 0 ? socket_error(r) : 0;
	return e < 0 ? e : (int)n;
}

void ring_counts(struct ring *r, struct ring_counts *ret)
{
	struct tpacket_stats_v3 st = {0};
	socklen_t len = sizeof(st);

	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0) {
		r->counts.dropped += st.tp_drops;
		r->counts.freezes += st.tp_freeze_q_cnt;
	}
	*ret = r->counts;
}
