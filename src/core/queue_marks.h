/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_marks: what two queued messages can have in common: the shape of the subject, where the
 * first link goes, the wording, who is named as sender, which script, how the message is built.
 *
 * Marks are hashes; 0 is "has none". Numbers and addresses inside of text count as one, because
 * spam is the same text with other numbers. Layer: core (pure).
 */
#ifndef CORE_QUEUE_MARKS_H
#define CORE_QUEUE_MARKS_H

#include "base/siphash.h"
#include "base/str.h"
#include "proto/mail.h"

#include <stdint.h>

enum queue_mark {
	QUEUE_MARK_LINK,      /* host of the first link that is not the sender's own domain */
	QUEUE_MARK_TEXT,      /* all of the text */
	QUEUE_MARK_SUBJECT,   /* all of the subject */
	QUEUE_MARK_SUBJECT_2, /* two neighbours in it */
	QUEUE_MARK_WORDS,     /* four neighbours near the start of the text; four such marks */
	QUEUE_MARK_WORDS_2,
	QUEUE_MARK_WORDS_3,
	QUEUE_MARK_WORDS_4,
	QUEUE_MARK_SENDER,     /* domain of the envelope sender, where it is not the account's */
	QUEUE_MARK_SCRIPT,     /* the file that sent it, where no common mailer library */
	QUEUE_MARK_FORM,       /* names and order of the header's fields, form of the Message-ID */
	QUEUE_MARK_NETWORK,    /* of the client, not of this machine */
	QUEUE_MARK_ENVELOPE,   /* the sender's address; of a bounce: who gets it */
	QUEUE_MARK_MESSAGE_ID, /* of a bounce: that of the message it is about */
	QUEUE_MARK_COUNT,
};

/* Words of a text from which the sampled ones come: what a server adds stands at the end. */
#define QUEUE_MARKS_WORDS_MAX 60
/* A text of at least so many words that is the same is no chance. */
#define QUEUE_MARKS_LONG 8

struct queue_marks {
	uint64_t of[QUEUE_MARK_COUNT];
	uint32_t words; /* of the text */
};

/** Marks of the message itself: link, text, subject. @param own  Domain of the account, or empty.
 */
void queue_marks_view(struct queue_marks *m, const struct mail_view *v, struct str own,
		      const struct siphash_key *key);
/** One mark from text; an empty text is none. */
void queue_marks_set(struct queue_marks *m, enum queue_mark mark, struct str text,
		     const struct siphash_key *key);
/** The network of a client's address: /24 or /48; none for this machine's own. */
void queue_marks_network(struct queue_marks *m, struct str addr, const struct siphash_key *key);

/**
 * The message that a bounce is about, as far as the bounce has it: its header first.
 *
 * @return A view into `content`, empty when there is none.
 */
struct str queue_marks_returned(struct str content);

#endif
