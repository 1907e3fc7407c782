/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail: walks over one message (RFC 5322 and MIME) in a stream and leaves a view of it.
 *
 * Octets come in any cut and are looked at once; memory is bounded by the limits below whatever
 * the message says. It never rejects: what is broken is read as mail readers read it, and what
 * is cut off early gives a view of what was there. It judges nothing. Layer: proto (pure).
 *
 * Texts of the view are valid UTF-8. Octets that no charset explains are written as `\xNN`, one
 * for each, so nothing is dropped and the result can be shown anywhere.
 *
 * Sources: RFC 5322, 2045–2047, 2183, 2231, 3676; for what is broken, the common readers.
 */
#ifndef PROTO_MAIL_H
#define PROTO_MAIL_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of one header field that are kept; the rest of a longer one is passed over. */
#define MAIL_FIELD_MAX (16 * 1024)
/* Octets of decoded text, of all text parts together. */
#define MAIL_TEXT_MAX (64 * 1024)
/* Octets of HTML text that is not visible which are kept. */
#define MAIL_HIDDEN_MAX (2 * 1024)
#define MAIL_LINKS_MAX 128
#define MAIL_PARTS_MAX 64
#define MAIL_DEPTH_MAX 16
#define MAIL_ADDRS_MAX 64 /* of each address field */
/* Octets of one text of the view: subject, names, addresses, URLs. */
#define MAIL_STRING_MAX 1024
/* Octets that one walker takes in all. */
#define MAIL_BYTES_MAX (512 * 1024)

struct mail_addr {
	struct str name; /* decoded display name; empty without one */
	struct str addr; /* "local@domain" without comments; what stands there if it is neither */
};

struct mail_addrs {
	struct mail_addr *items;
	size_t count; /* those kept */
	size_t total;
};

enum mail_kind {
	MAIL_KIND_TEXT, /* its text is in the view */
	MAIL_KIND_HTML, /* its visible text is in the view */
	MAIL_KIND_MULTIPART,
	MAIL_KIND_MESSAGE, /* message/rfc822: its parts follow */
	MAIL_KIND_OTHER,   /* attachments, images, … : only described */
	MAIL_KIND_COUNT,
};

enum mail_encoding {
	MAIL_ENCODING_IDENTITY, /* 7bit, 8bit, binary, and unknown ones */
	MAIL_ENCODING_QP,
	MAIL_ENCODING_BASE64,
	MAIL_ENCODING_UUENCODE,
	MAIL_ENCODING_COUNT,
};

struct mail_part {
	enum mail_kind kind;
	struct str type;    /* "text/html", lower case; what the header says */
	struct str charset; /* lower case; empty: not said */
	struct str name;    /* of the file, decoded; empty: none */
	enum mail_encoding encoding;
	bool is_attachment;  /* Content-Disposition says so */
	bool is_nested;      /* inside a message/rfc822 */
	bool is_alternative; /* a child of multipart/alternative */
	uint8_t depth;       /* 0: the message itself */
	uint32_t parent;     /* index in parts; its own for the first */
	uint64_t size_bytes; /* decoded; of text, before the charset */
	size_t text_at;      /* slice of the view's text */
	size_t text_len;
	uint8_t magic[16]; /* first decoded octets of MAIL_KIND_OTHER */
	uint8_t magic_len;
};

/* Where a link stands. */
enum mail_link_from {
	MAIL_LINK_TEXT,  /* a URL in plain or visible text */
	MAIL_LINK_HREF,  /* <a href>, <area>, <form action> */
	MAIL_LINK_IMAGE, /* <img src> and other things fetched */
	MAIL_LINK_FROM_COUNT,
};

struct mail_link {
	enum mail_link_from from;
	struct str url;    /* entities resolved; cut at MAIL_STRING_MAX */
	struct str scheme; /* views into url; empty for relative ones */
	struct str host;   /* without user, port and final dot; lower case */
	struct str path;   /* from the slash on, query and fragment included */
	struct str text;   /* HREF: start of the visible text inside, at most 128 octets */
	bool has_user;     /* https://user@host/ */
	bool has_port;
	bool is_address;   /* the host is an IP address, in any notation */
	bool is_disguised; /* its text shows a URL or host of another host */
	bool is_hidden;    /* it stands in text that is not visible */
};

/* Facts about the structure; never errors. */
enum mail_flag {
	MAIL_FLAG_HEADER_LONG = 1 << 0,   /* a field over MAIL_FIELD_MAX */
	MAIL_FLAG_HEADER_BROKEN = 1 << 1, /* a line that is no field */
	MAIL_FLAG_HEADER_TWICE = 1 << 2, /* From, Subject, Date, Message-ID or Content-Type again */
	MAIL_FLAG_HEADER_8BIT = 1 << 3,  /* octets over 127 outside of encoded words */
	MAIL_FLAG_WORD_BROKEN = 1 << 4,  /* an encoded word that cannot be decoded in full */
	MAIL_FLAG_TEXT_CUT = 1 << 5,     /* over MAIL_TEXT_MAX */
	MAIL_FLAG_LINKS_CUT = 1 << 6,    /* over MAIL_LINKS_MAX */
	MAIL_FLAG_PARTS_CUT = 1 << 7,    /* over MAIL_PARTS_MAX or MAIL_DEPTH_MAX */
	MAIL_FLAG_BOUNDARY_NONE = 1 << 8, /* a multipart without a boundary */
	MAIL_FLAG_BOUNDARY_OPEN = 1 << 9, /* a multipart that was never closed */
	MAIL_FLAG_QP_BROKEN = 1 << 10,
	MAIL_FLAG_BASE64_BROKEN = 1 << 11,
	MAIL_FLAG_CHARSET_BROKEN = 1 << 12, /* octets that the charset does not have */
	MAIL_FLAG_CHARSET_UNKNOWN = 1 << 13,
	MAIL_FLAG_NUL = 1 << 14,
	MAIL_FLAG_GAP = 1 << 15,       /* octets are missing */
	MAIL_FLAG_MEMORY = 1 << 16,    /* over MAIL_BYTES_MAX: later things are left out */
	MAIL_FLAG_BODY_NONE = 1 << 17, /* it ends in the header */
	/* Of HTML: */
	MAIL_FLAG_HTML = 1 << 18,
	MAIL_FLAG_FORM = 1 << 19,
	MAIL_FLAG_SCRIPT = 1 << 20,
	MAIL_FLAG_FRAME = 1 << 21, /* iframe, object, embed */
	MAIL_FLAG_META_REFRESH = 1 << 22,
	/* Of the header: */
	MAIL_FLAG_LIST_ID = 1 << 23,
	MAIL_FLAG_UNSUBSCRIBE = 1 << 24, /* List-Unsubscribe */
	MAIL_FLAG_REPLY = 1 << 25,       /* In-Reply-To or References */
	MAIL_FLAG_AUTO = 1 << 26,        /* Auto-Submitted, not "no"; or Precedence: bulk, junk */
	MAIL_FLAG_DKIM = 1 << 27,
};

/* All texts are borrowed from the walker until mail_reset or mail_free. A NULL pointer means
 * that the field is absent. */
struct mail_view {
	unsigned flags; /* enum mail_flag */
	struct str subject;
	struct mail_addrs from;
	struct mail_addrs reply_to;
	struct mail_addrs to;
	struct mail_addrs cc;
	struct str message_id; /* with its angle brackets */
	struct str date;       /* as it stands there, unfolded */
	struct str list_id;    /* what stands in its angle brackets, else all of it */
	struct str mailer;     /* X-Mailer or User-Agent */
	uint32_t received;     /* Received fields */

	struct mail_part *parts; /* in the order of the message; the first is the message itself */
	size_t part_count;
	struct mail_link *links; /* in order, doubles included */
	size_t link_count;
	struct str text;   /* of all text parts, one after the other, newlines as LF */
	struct str hidden; /* start of what HTML hides: display:none, font-size:0, … */

	uint64_t size_bytes;        /* all that was fed */
	uint64_t header_bytes;      /* of the outer header */
	uint64_t lost_bytes;        /* gaps */
	uint64_t html_bytes;        /* of HTML source, decoded */
	uint64_t html_text_chars;   /* visible characters of HTML, blanks not counted */
	uint64_t html_hidden_chars; /* those that are not visible */
	uint32_t html_tags;
	uint32_t html_comments;
	uint32_t images;
	uint32_t zero_images; /* of one pixel or none */
};

/**
 * A field of the outermost header, in order, for whoever needs more than the view has.
 *
 * @param name   As it stands there.
 * @param value  Unfolded (line ends dropped), trimmed, not decoded. Both are borrowed for the
 *               call.
 */
typedef void mail_field_fn(void *ctx, struct str name, struct str value);

struct mail;

/** @param on_field  May be NULL. @return NULL without memory. */
MUSTUSE struct mail *mail_new(mail_field_fn *on_field, void *ctx);
/** NULL is allowed. */
void mail_free(struct mail *m);
/** Begin another message; views of the one before are gone. */
void mail_reset(struct mail *m);

/** Read the next octets. Lines may end in CRLF or LF. */
void mail_step(struct mail *m, struct str octets);
/** `n` octets are missing here. */
void mail_gap(struct mail *m, uint64_t n);
/**
 * The message ends here, or will not be read further. Nothing may be fed afterwards.
 *
 * @return The view; never NULL.
 */
const struct mail_view *mail_end(struct mail *m);

/** Octets that the walker holds now, for accounting. */
size_t mail_size(const struct mail *m);

#endif
