/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nl: netlink messages to and from the kernel's nf_tables, as octets.
 *
 * Writing goes into a batch that grows up to a named maximum and whose first failure sticks;
 * reading takes whole datagrams apart and believes no length in them. The only file that knows
 * libmnl is nl.c. Layer: enforce.
 */
#ifndef ENFORCE_NL_H
#define ENFORCE_NL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One message; the kernel's attributes end at 64 KiB. */
#define NL_MSG_MAX 65536
/* A nest of elements is closed before it comes nearer than this to NL_MSG_MAX. */
#define NL_MSG_FULL (NL_MSG_MAX - 2048)
/* What one transaction may weigh: a million elements with verdicts are about 80 MB. */
#define NL_BATCH_MAX ((size_t)512 << 20)

/* Messages in the making; every member is nl.c's own. */
struct nl_batch {
	struct buf out;
	uint64_t msg[NL_MSG_MAX / 8]; /* the message being written, aligned */
	uint32_t seq_first;
	uint32_t seq; /* of the last message begun */
	bool transaction;
	bool open;   /* a message has been begun and not added */
	size_t lazy; /* a nest that ends with the message; 0: none */
	int err;     /* 0, or the first failure */
};

struct nl_sock;

/** @return NULL without memory. */
MUSTUSE struct nl_batch *nl_batch_new(void);
void nl_batch_free(struct nl_batch *b);
/**
 * Start anew, memory kept.
 *
 * @param transaction  All or nothing, between the batch's begin and end messages.
 */
void nl_batch_begin(struct nl_batch *b, struct nl_sock *s, bool transaction);
/** Close the batch. @return 0, or the first failure while writing: -EMSGSIZE, -ENOMEM. */
MUSTUSE int nl_batch_end(struct nl_batch *b);

/**
 * Begin a message of nf_tables in family inet. Its attributes follow.
 *
 * @param type   NFT_MSG_…
 * @param flags  NLM_F_… besides NLM_F_REQUEST.
 */
void nl_msg(struct nl_batch *b, uint16_t type, uint16_t flags);
/** Octets of the message so far. */
size_t nl_msg_len(const struct nl_batch *b);
void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t len);
void nl_put_cstr(struct nl_batch *b, uint16_t type, const char *text);
void nl_put_u8(struct nl_batch *b, uint16_t type, uint8_t v);
/* Numbers go out big-endian, as nf_tables wants them. */
void nl_put_u32(struct nl_batch *b, uint16_t type, uint32_t v);
void nl_put_u64(struct nl_batch *b, uint16_t type, uint64_t v);
/** @return A mark for nl_nest_end. */
size_t nl_nest(struct nl_batch *b, uint16_t type);
void nl_nest_end(struct nl_batch *b, size_t mark);
/** A nest of the outermost level that ends when the message does. */
void nl_nest_lazy(struct nl_batch *b, uint16_t type);

/* One message from the kernel. */
struct nl_reply {
	uint32_t seq;
	uint16_t type; /* NFT_MSG_…, meaningless when is_error */
	bool is_error; /* an acknowledgement: code is 0 or a negative errno */
	bool is_done;  /* the end of a dump */
	int code;
	struct str attrs; /* borrowed */
};

struct nl_attr {
	uint16_t type;
	struct str data; /* borrowed */
};

typedef void nl_reply_fn(void *ctx, const struct nl_reply *r);

/**
 * Take one datagram apart. Pure.
 *
 * @return 0, or -EBADMSG when what is left makes no message.
 */
MUSTUSE int nl_parse(struct str datagram, nl_reply_fn *fn, void *ctx);
/** The next attribute of a list; false at its end, and at one that makes no sense. */
bool nl_attr_next(struct str *attrs, struct nl_attr *ret);
/** The attribute of this type in a list; a NULL pointer when it is not there. */
struct str nl_attr_find(struct str attrs, uint16_t type);
/** A big-endian number of 4 or 8 octets; 0 for any other length. */
uint64_t nl_attr_uint(struct str data);

/** @return 0; -EPERM without CAP_NET_ADMIN; another negative errno. */
MUSTUSE int nl_open(struct nl_sock **ret, struct errmsg *reterr);
/** NULL is allowed. Tables owned by the socket lose their owner. */
void nl_close(struct nl_sock *s);

/**
 * Send the batch in one piece and hand over every answer.
 *
 * The kernel works while we send; a dump is read to its end.
 *
 * @param fn  NULL when only failures matter.
 *
 * @return 0; the first error that the kernel answered; -ETIMEDOUT when it said nothing.
 */
MUSTUSE int nl_exchange(struct nl_sock *s, struct nl_batch *b, nl_reply_fn *fn, void *ctx);

#endif
