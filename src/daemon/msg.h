/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msg: which messages go between which processes, and what their bodies are.
 *
 * The receiver of each checks everything. Bodies whose type is named here are the encoded form
 * of that struct. Layer: daemon.
 */
#ifndef DAEMON_MSG_H
#define DAEMON_MSG_H

enum process {
	PROCESS_TAP,
	PROCESS_JUDGE,
	PROCESS_GATE,
	PROCESS_DESK,
	PROCESS_COUNT,
};

enum msg_type {
	/* parent → child */
	MSG_PEER = 1,   /* u8 process + fd: a new channel to that process; replaces the old one */
	MSG_STOP,       /* empty: finish, flush, exit 0 */
	MSG_TAP_SOCKET, /* u32 ifindex, str name + fd: an unbound AF_PACKET socket */

	/* child → parent */
	MSG_READY,       /* u8 sandbox layers that hold (enum sandbox_layer bits) */
	MSG_FAILED,      /* str text: could not start; the parent says it and gives up */
	MSG_WANT_SOCKET, /* str name: the tap asks for a new socket on an interface */

	MSG_FIRST_TOKEN, /* str: the desk's bootstrap token, for STATE/first-token; empty: over */

	/* tap → judge */
	MSG_MESSAGE_OBS, /* struct message_obs */
	MSG_SESSION_OBS, /* struct session_obs */

	/* tap → desk */
	/* u64 session, u32 index, source, u32 score_micro, u16 services (a bit each), octets: a
	 * message that other filters are to be asked about; may be lost */
	MSG_ASK,
	MSG_SAMPLE, /* struct sample (core/sample.h): a flagged message with its head */

	/* gate ↔ tap: which sessions run, so that both ends can be reset */
	MSG_FLOWS_WANTED, /* u64 token, source */
	MSG_FLOWS, /* u64 token, u16 n, n × (addr client, u16 sport, addr destination, u16 dport) */

	/* desk → tap */
	MSG_LIST, /* u8 number of the list + fd: sealed memory with its URLs (core/url_set.h) */

	/* judge → gate, desk → gate */
	MSG_ORDER, /* struct order */
	/* judge → gate */
	MSG_PASSED, /* source, i64 time_ns: a blocked source completed a handshake then */
	/* gate → judge, gate → desk, at once when the channel opens */
	MSG_GATE_HELLO, /* ORIGIN_COUNT × u64: last seq the journal holds of each origin */
	/* gate → its giver and always → desk */
	MSG_ORDER_REPORT, /* struct order_report */
	/* gate → desk: an order of the journal that the desk has not confirmed */
	MSG_ORDER_JOURNALED, /* struct order */
	/* desk → gate */
	MSG_ORDERS_AFTER,    /* ORIGIN_COUNT × u64: the last seq of each that is in the store */
	MSG_ORDER_COMMITTED, /* u8 origin, u64 seq: in the store, may leave the journal when over */

	/* judge → desk */
	MSG_SOURCE, /* struct proof (core/proof.h): a source whose verdict, rung or legs changed */
	MSG_SPIKE,  /* struct proof: a shape kind alarmed by itself */
	MSG_BRAKE,  /* u8 on, u32 blocks, u32 window_s: the mass-block brake */
	/* desk → judge */
	MSG_STANDING, /* source, u8 rung, u8 giver, i64 until_ns: staff or a grant set this rung */
	MSG_PARDON,   /* source, i64 probation_until_ns: unblocked; evidence starts anew, tighter
			 until */
	MSG_BRAKE_LIFT, /* empty */
	MSG_OPINION,    /* struct opinion_obs: another filter's answer */

	/* any → desk, every few seconds */
	MSG_STATS, /* u8 process, JSON object of counters and gauges for status and metrics */
};

#define PASSED_ENCODED_MAX 48

#endif
