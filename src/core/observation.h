/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observation: what the tap (or `scan`) tells the judge: one value a message, one a session.
 *
 * Plain values without pointers, so that they can be sent between processes, written to a file
 * and fed to the judge again with the same result. Text stays with the tap; here are only keyed
 * or plain 64-bit hashes of it. Layer: core (pure).
 */
#ifndef CORE_OBSERVATION_H
#define CORE_OBSERVATION_H

#include "base/attr.h"
#include "base/clock.h"
#include "core/source.h"
#include "core/words.h"

#define SHA256_SIZE 32

/* Octets of the encoded forms, at most. */
#define MESSAGE_OBS_ENCODED_MAX 256
#define SESSION_OBS_ENCODED_MAX 128
#define OPINION_OBS_ENCODED_MAX 64

/* What was seen of the far side; evidence needs it (DECISION §2). */
enum far_side {
	FAR_NONE,    /* nothing: one-sided */
	FAR_ACKED,   /* its acknowledgements cover the message's octets */
	FAR_REPLIED, /* its SMTP replies were read too */
	FAR_COUNT,
};

/* What kind of refusal a reply text is (kind `opinion`). */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_UNKNOWN_USER,
	REFUSAL_SPAM,
	REFUSAL_POLICY,
	REFUSAL_BLOCKLIST,
	REFUSAL_RATE,
	REFUSAL_OTHER,
	REFUSAL_COUNT,
};

struct message_obs {
	struct wall time; /* when the message ended */
	struct source_key source;
	struct addr client; /* the very address, also within an IPv6 prefix */
	struct addr destination;
	uint16_t dport;
	uint64_t session; /* the tap's number of the session; unique while it runs */
	uint32_t index;   /* of the message in its session, from 0 */

	enum message_state state;
	enum far_side far;
	bool verified;        /* came in through the source's own interface */
	enum refusal refusal; /* of the final dot, DATA or MAIL */
	uint16_t reply_code;  /* 0: none seen */
	uint32_t rcpts;
	uint32_t rcpts_accepted;
	uint32_t rcpts_unknown; /* refused for good as unknown */
	uint32_t rcpts_refused; /* all refusals, the unknown ones included */

	uint32_t size_bytes;
	uint32_t lost_bytes;
	bool scored;          /* content was seen and scored; false for encrypted mail */
	bool flagged;         /* score at or over the weights' threshold */
	uint32_t score_micro; /* 0 to 1,000,000 */
	uint8_t bin;          /* calibrated bin of the weights, 0 the most like ham */
	uint64_t simhash;     /* of the decoded text; 0: too little text */
	uint64_t urls_hash;   /* of the sorted set of URL hosts; 0: no URLs */
	uint64_t campaign;    /* exact identity when simhash is 0 */
	uint16_t listed;      /* a bit for each list of URLs that knows one of it */
	bool has_list_id;
	uint64_t sender_domain; /* hash of the domain of MAIL FROM, lower case; 0: empty or none */
	uint64_t helo;          /* hash of the HELO name, lower case; 0: none */
	bool helo_is_literal;
	bool is_asked; /* another filter was asked about it: its answer may come (opinion_obs) */
	uint8_t sample[SHA256_SIZE]; /* of the sample sent to the desk; zero: none was kept */
};

/* Another filter's answer about a message that was counted a moment ago. */
struct opinion_obs {
	struct wall time; /* when it came */
	struct source_key source;
	uint64_t session;
	uint32_t index;
	uint32_t score_micro; /* ours and theirs together */
	bool flagged;
	int32_t nats_micro; /* core/opinion.h */
};

enum session_event {
	SESSION_OPENED, /* the three-way handshake was completed, both sides seen */
	SESSION_TRIED,  /* a SYN that got no SYN-ACK, or was refused */
	SESSION_ENDED,
	SESSION_EVENT_COUNT,
};

struct session_obs {
	struct wall time;
	struct source_key source;
	struct addr client;
	struct addr destination;
	uint16_t sport;
	uint16_t dport;
	uint64_t session;
	enum session_event event;
	enum far_side far;
	bool verified;
	enum session_tls tls;
	uint32_t messages;     /* at SESSION_ENDED */
	uint64_t bytes_client; /* payload octets that the far side acknowledged */
	uint64_t bytes_server;
};

/** @return Octets written, or -EMSGSIZE. */
MUSTUSE int message_obs_encode(const struct message_obs *o, void *data, size_t size);
/** All fields are checked; `ret` is set on success only. @return 0, or -EBADMSG. */
MUSTUSE int message_obs_decode(const void *data, size_t len, struct message_obs *ret);
MUSTUSE int opinion_obs_encode(const struct opinion_obs *o, void *data, size_t size);
MUSTUSE int opinion_obs_decode(const void *data, size_t len, struct opinion_obs *ret);
MUSTUSE int session_obs_encode(const struct session_obs *o, void *data, size_t size);
MUSTUSE int session_obs_decode(const void *data, size_t len, struct session_obs *ret);

#endif
