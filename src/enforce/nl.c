/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nl: netlink for nf_tables, on libmnl. Layer: enforce.
 */
#include "enforce/nl.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

/* Larger does not make dumps faster, smaller makes them quadratic (measured). */
#define RECV_SIZE (32 * 1024)
/* What the kernel gives a socket at least; beyond it we ask. */
#define SEND_ROOM_DEFAULT 131072
/* The kernel answers before sendmsg returns; only a dump is read in pieces. */
#define RECV_TIMEOUT_S 10

/* Netlink pads to four octets. */
static size_t aligned(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

struct nl_sock {
	struct mnl_socket *mnl;
	uint32_t seq;
	size_t send_room; /* what SO_SNDBUFFORCE was set to */
	uint64_t in[RECV_SIZE / 8];
};

struct nl_batch *nl_batch_new(void)
{
	struct nl_batch *b = calloc(1, sizeof(*b));

	if (b != NULL) {
		buf_init(&b->out, NL_BATCH_MAX);
	}
	return b;
}

void nl_batch_free(struct nl_batch *b)
{
	if (b != NULL) {
		buf_done(&b->out);
		free(b);
	}
}

static struct nlmsghdr *header(struct nl_batch *b)
{
	return (struct nlmsghdr *)(void *)b->msg;
}

void nl_nest_end(struct nl_batch *b, size_t mark)
{
	if (b->err == 0) {
		mnl_attr_nest_end(header(b), (struct nlattr *)(void *)((char *)b->msg + mark));
	}
}

static void msg_add(struct nl_batch *b)
{
	if (b->open) {
		if (b->lazy != 0) {
			nl_nest_end(b, b->lazy);
			b->lazy = 0;
		}
		buf_add(&b->out, (struct str){(char *)b->msg, aligned(header(b)->nlmsg_len)});
		b->open = false;
	}
}

static void msg_begin(struct nl_batch *b, uint16_t type, uint16_t flags, uint16_t res_id)
{
	msg_add(b);
	struct nlmsghdr *h = mnl_nlmsg_put_header(b->msg);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++b->seq;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = res_id == 0 ? NFPROTO_INET : AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	b->open = true;
}

void nl_batch_begin(struct nl_batch *b, struct nl_sock *s, bool transaction)
{
	buf_clear(&b->out);
	b->err = 0;
	b->open = false;
	b->lazy = 0;
	b->transaction = transaction;
	b->seq = s != NULL ? s->seq : 0;
	b->seq_first = b->seq + 1;
	if (transaction) {
		msg_begin(b, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
	}
}

int nl_batch_end(struct nl_batch *b)
{
	if (b->transaction) {
		if (b->open) {
			header(b)->nlmsg_flags |= NLM_F_ACK;
		}
		msg_begin(b, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
	}
	msg_add(b);
	return b->err != 0 ? b->err : buf_end(&b->out);
}

void nl_msg(struct nl_batch *b, uint16_t type, uint16_t flags)
{
	msg_begin(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, 0);
}

size_t nl_msg_len(const struct nl_batch *b)
{
	return ((const struct nlmsghdr *)(const void *)b->msg)->nlmsg_len;
}

void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t len)
{
	ASSERT(b->open);
	if (b->err == 0 && !mnl_attr_put_check(header(b), sizeof(b->msg), type, len, data)) {
		b->err = -EMSGSIZE;
	}
}

void nl_put_cstr(struct nl_batch *b, uint16_t type, const char *text)
{
	nl_put(b, type, text, strlen(text) + 1);
}

void nl_put_u8(struct nl_batch *b, uint16_t type, uint8_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_put_u32(struct nl_batch *b, uint16_t type, uint32_t v)
{
	uint32_t be = htonl(v);

	nl_put(b, type, &be, sizeof(be));
}

void nl_put_u64(struct nl_batch *b, uint16_t type, uint64_t v)
{
	uint32_t be[2] = {htonl((uint32_t)(v >> 32)), htonl((uint32_t)v)};

	nl_put(b, type, be, sizeof(be));
}

size_t nl_nest(struct nl_batch *b, uint16_t type)
{
	ASSERT(b->open);
	if (b->err == 0 && mnl_attr_nest_start_check(header(b), sizeof(b->msg), type) == NULL) {
		b->err = -EMSGSIZE;
	}
	return nl_msg_len(b) - aligned(sizeof(struct nlattr));
}

void nl_nest_lazy(struct nl_batch *b, uint16_t type)
{
	b->lazy = nl_nest(b, type);
}

static struct nl_reply reply_of(const struct nlmsghdr *h)
{
	struct nl_reply r = {.seq = h->nlmsg_seq, .type = h->nlmsg_type & 0xFF};
	size_t len = mnl_nlmsg_get_payload_len(h);
	const char *payload = mnl_nlmsg_get_payload(h);

	if (h->nlmsg_type == NLMSG_ERROR) {
		int32_t code = 0;
		r.is_error = true;
		if (len >= sizeof(code)) {
			memcpy(&code, payload, sizeof(code));
		}
		r.code = code > 0 || code < -4095 ? -EBADMSG : code;
	} else if (h->nlmsg_type == NLMSG_DONE) {
		r.is_done = true;
	} else if (len >= sizeof(struct nfgenmsg)) {
		size_t skip = aligned(sizeof(struct nfgenmsg));
		r.attrs = (struct str){payload + skip, len - skip};
	}
	return r;
}

int nl_parse(struct str datagram, nl_reply_fn *fn, void *ctx)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)datagram.ptr;
	int left = datagram.len > INT32_MAX ? INT32_MAX : (int)datagram.len;

	/* libmnl takes a length beyond 2^31 for a small one. */
	while (left > 0 && mnl_nlmsg_ok(h, left) && h->nlmsg_len <= (uint32_t)left) {
		struct nl_reply r = reply_of(h);
		fn(ctx, &r);
		/* The last message may lack its padding: what is left becomes negative. */
		h = mnl_nlmsg_next(h, &left);
	}
	return left > 0 ? -EBADMSG : 0;
}

bool nl_attr_next(struct str *attrs, struct nl_attr *ret)
{
	struct nlattr a;

	if (attrs->len < sizeof(a)) {
		return false;
	}
	memcpy(&a, attrs->ptr, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > attrs->len) {
		attrs->len = 0;
		return false;
	}
	ret->type = (uint16_t)(a.nla_type & 0x3FFFU);
	ret->data = (struct str){attrs->ptr + sizeof(a), a.nla_len - sizeof(a)};
	*attrs = str_skip(*attrs, aligned(a.nla_len));
	return true;
}

struct str nl_attr_find(struct str attrs, uint16_t type)
{
	struct nl_attr a;

	while (nl_attr_next(&attrs, &a)) {
		if (a.type == type) {
			return a.data;
		}
	}
	return STR_EMPTY;
}

uint64_t nl_attr_uint(struct str data)
{
	uint64_t v = 0;

	if (data.len != 4 && data.len != 8) {
		return 0;
	}
	for (size_t i = 0; i < data.len; i++) {
		v = v << 8 | (uint8_t)data.ptr[i];
	}
	return v;
}

int nl_open(struct nl_sock **ret, struct errmsg *reterr)
{
	struct nl_sock *s = calloc(1, sizeof(*s));
	struct timeval patience = {.tv_sec = RECV_TIMEOUT_S};
	int r;

	if (s == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for netlink");
	}
	s->send_room = SEND_ROOM_DEFAULT;
	s->mnl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (s->mnl == NULL || mnl_socket_bind(s->mnl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(s->mnl), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0) {
		r = err_set(reterr, -errno, "cannot open a netlink socket to nf_tables: %s",
			    strerror(errno));
		goto out;
	}
	*ret = s;
	s = NULL;
	r = 0;
out:
	nl_close(s);
	return r;
}

void nl_close(struct nl_sock *s)
{
	if (s != NULL) {
		if (s->mnl != NULL) {
			mnl_socket_close(s->mnl);
		}
		free(s);
	}
}

/* A batch is one datagram: what does not fit the send buffer is refused as a whole. */
static int make_room(struct nl_sock *s, size_t size)
{
	int want = (int)(size + size / 8 + 65536);

	if (s->send_room >= size) {
		return 0;
	}
	if (setsockopt(mnl_socket_get_fd(s->mnl), SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)) <
	    0) {
		return -errno;
	}
	s->send_room = (size_t)want;
	return 0;
}

struct exchange {
	nl_reply_fn *fn;
	void *ctx;
	uint32_t seq_first;
	uint32_t seq_last;
	int err;
	size_t seen;
	bool done;
};

static void exchange_reply(void *ctx, const struct nl_reply *r)
{
	struct exchange *x = ctx;

	if (r->seq - x->seq_first > x->seq_last - x->seq_first) {
		return; /* an answer to something older */
	}
	x->seen++;
	if (r->is_done) {
		x->done = true;
		return;
	}
	if (r->is_error && r->code != 0 && x->err == 0) {
		x->err = r->code;
	}
	if (x->fn != NULL) {
		x->fn(x->ctx, r);
	}
}

int nl_exchange(struct nl_sock *s, struct nl_batch *b, nl_reply_fn *fn, void *ctx)
{
	struct exchange x = {.fn = fn, .ctx = ctx, .seq_first = b->seq_first, .seq_last = b->seq};
	int fd = mnl_socket_get_fd(s->mnl);
	bool is_dump = (header(b)->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	s->seq = b->seq;
	int r = make_room(s, b->out.len);
	if (r == 0 && mnl_socket_sendto(s->mnl, b->out.ptr, b->out.len) < 0) {
		r = -errno;
	}
	if (r < 0) {
		return r;
	}
	for (;;) {
		/* All answers but those of a dump are there when sendmsg returns. */
		bool wait = x.seen == 0 || (is_dump && !x.done && x.err == 0);
		ssize_t n = recv(fd, s->in, sizeof(s->in), wait ? 0 : MSG_DONTWAIT);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return x.seen == 0 ? -ETIMEDOUT : x.err;
		}
		if (n < 0) {
			return -errno;
		}
		if (nl_parse((struct str){(char *)s->in, (size_t)n}, exchange_reply, &x) < 0) {
			return -EBADMSG;
		}
	}
}
