/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_list: the messages of a queue in memory: who sent each, its marks, and a hash by which it
 * is known again. Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_LIST_H
#define DOCTOR_QUEUE_LIST_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/map.h"
#include "base/sha256.h"
#include "core/attribution.h"
#include "core/queue_select.h"
#include "doctor/queue_dir.h"
#include "proto/queue_mail.h"

#include <sys/types.h>

/* Messages that are looked at; those over it are counted and stay. About 300 octets each. */
#define QUEUE_LIST_MAX 250000
#define QUEUE_SOURCES_MAX 20000
/* Octets of a message's file, of its content, and of its body that are read. A thousand recipients
 * stand before the content. */
#define QUEUE_FILE_BYTES ((size_t)256 * 1024)
#define QUEUE_CONTENT_BYTES ((size_t)64 * 1024)
#define QUEUE_BODY_BYTES ((size_t)16 * 1024)
#define QUEUE_CHECK_OCTETS 16

struct queue_source {
	char key[ATTRIBUTION_TEXT_MAX + 1]; /* kind and name */
	enum source_kind kind;
	uint32_t number;
	uint64_t messages;
	struct wall newest;
	const char *name; /* into key */
};

/* What is said of a message, beside what decides its fate. */
struct queue_info {
	struct str id; /* all texts are the list's */
	struct str sender;
	struct str subject;
	struct str message_id;
	struct str rcpt;   /* the first one */
	struct str client; /* its address */
	const char *place;
	uint64_t size_bytes;
	bool is_frozen;
	uint8_t check[QUEUE_CHECK_OCTETS]; /* of id, arrival, sender, source, Message-ID, subject */
};

/* Where a message stands in the list. */
struct queue_known {
	struct str id;
	uint32_t at;
};

struct queue_list {
	struct queue_item *items; /* beside infos */
	struct queue_info *infos;
	size_t count;
	size_t size;
	uint64_t left_out; /* over QUEUE_LIST_MAX */
	uint64_t unread;   /* files that are no queue files, or broken */
	struct queue_source *sources[QUEUE_SOURCES_MAX]; /* owned, by number */
	size_t source_count;
	struct map *by_source;
	struct map *by_id; /* struct queue_known */
	struct arena *texts;
	struct siphash_key key;
};

/** One message with its file's text, while it is read; all borrowed for the call. */
struct queue_seen {
	const struct queue_file *file;
	const struct queue_mail *mail;
	struct str header; /* with its empty line */
	struct str rcpts;  /* one a line */
	const struct queue_info *info;
	const struct queue_item *item;
};
typedef int queue_seen_fn(void *ctx, const struct queue_seen *s);

struct queue_load_opts {
	const char *only;       /* one part of the queue ("hold"); NULL: all */
	const struct map *ids;  /* only these ids; NULL: all */
	bool is_brief;          /* the headers alone, no marks: several times as fast */
	queue_seen_fn *on_seen; /* may be NULL */
	void *ctx;
	void (*progress)(void *ctx, size_t done); /* every thousand; may be NULL */
};

/** @return NULL without memory. */
MUSTUSE struct queue_list *queue_list_new(void);
/** NULL is allowed. */
void queue_list_free(struct queue_list *l);

/** Read the queue into the list: sources by their names, messages by their ids. @return 0, or a
 * negative errno with a text. */
MUSTUSE int queue_list_load(struct queue_list *l, const struct queue_dir *q,
			    const struct queue_load_opts *opts, struct errmsg *reterr);

/** The source with this name ("info@shop.example", "uid 33"), or NULL. */
const struct queue_source *queue_list_find_source(const struct queue_list *l, enum source_kind kind,
						  struct str name);

/** The message with this queue id. @return Its place in the list, or -1. */
ssize_t queue_list_find(const struct queue_list *l, struct str id);

/**
 * Mark what was complained about: a queue id, or a Message-ID with or without <>.
 *
 * @return How many messages have it.
 */
size_t queue_list_name(struct queue_list *l, struct str id);
/** The marks that a subject has in this list. */
struct queue_subject queue_list_subject(const struct queue_list *l, struct str subject);

#endif
