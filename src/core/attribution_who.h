/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_who: who sent a message. Within core/attribution. Layer: core (pure).
 *
 * A stranger is no more than his address until mail of his leaves this machine: most strangers'
 * mail stays here, and a source of each would be made only to be forgotten again.
 */
#ifndef CORE_ATTRIBUTION_WHO_H
#define CORE_ATTRIBUTION_WHO_H

#include "core/attribution_sender.h"

struct attribution;
struct entry;

/* Nobody known (all zero), a source, or the text of a stranger's IPv4 address, four bits an octet:
 * the last bit tells them apart, for a source is aligned. Eight octets, because some ten thousand
 * are remembered. */
struct who {
	uintptr_t bits;
};

#define WHO_NAME_MAX ATTRIBUTION_TEXT_MAX
#define WHO_BITS_LOG2 12
#define WHO_BITS (1U << WHO_BITS_LOG2)

static inline struct who who_of(struct sender *s)
{
	return (struct who){(uintptr_t)s};
}

static inline bool who_is_known(struct who w)
{
	return w.bits != 0;
}

/** Is he an address that no source was made of? */
static inline bool who_is_stranger(struct who w)
{
	return (w.bits & 1) != 0;
}

/** @return NULL when nobody is known, and of a stranger. */
static inline struct sender *who_sender(struct who w)
{
	return who_is_stranger(w) ? NULL : (struct sender *)w.bits;
}

/** Is he a client without a login, a source already or not? */
static inline bool who_is_address(struct who w)
{
	return who_is_stranger(w) || (who_is_known(w) && who_sender(w)->out.kind == SOURCE_ADDRESS);
}

/** The source with this name, made if need be. NULL without memory, or when there is no room. */
struct sender *sender_get(struct attribution *a, enum source_kind kind, struct str name,
			  struct wall now);
/** The message's source; a stranger becomes one. NULL when nobody is known, or as above. */
struct sender *who_make_sender(struct attribution *a, struct entry *e);
/** What a stranger is called: his address. @return ret_name */
char *who_stranger_name(struct who w, char ret_name[static WHO_NAME_MAX]);
/** Is it a notice that the server made itself? */
bool who_is_notice(const struct log_event *ev);
/** The message's source, from its arrival. */
void who_from_arrival(struct attribution *a, struct entry *e, const struct log_event *ev);

#endif
