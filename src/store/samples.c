/* SPDX-License-Identifier: Apache-2.0 */
/*
 * samples: rows of the table samples. Layer: store.
 *
 * The sealed part is bound to the sample's hash, so that one row's content can't be put into
 * another's.
 */
#include "store/samples.h"

#include "store/store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Of what is in the sealed part: sample_encode of this program. */
#define FORMAT 1

#define SAMPLE_COLUMNS "id, coalesce(case_id, 0), network, source, holder, at, score_micro, sha256"

static struct sample_row sample_row_of(const struct query *q)
{
	struct sample_row row = {0};
	struct str hash = query_col_str(q, 7);

	row.id = query_col_u64(q, 0);
	row.case_id = query_col_u64(q, 1);
	row.network = null_if_empty(query_col_str(q, 2));
	row.source = query_col_str(q, 3);
	row.holder = query_col_str(q, 4);
	row.at = col_wall(q, 5);
	row.score_micro = (uint32_t)query_col_i64(q, 6);
	if (hash.len == sizeof(row.sha256)) {
		memcpy(row.sha256, hash.ptr, hash.len);
	}
	return row;
}

/* Seal the encoded sample. @return A buffer of *ret_len octets, or NULL with *ret_err. */
static char *seal(struct store *st, const struct sample_row *row, const struct sample *s,
		  size_t *ret_len, int *ret_err)
{
	char *plain = malloc(SAMPLE_ENCODED_MAX);
	char *sealed = malloc(box_size(SAMPLE_ENCODED_MAX));
	int r = plain != NULL && sealed != NULL ? 0 : -ENOMEM;

	if (r == 0) {
		r = sample_encode(s, plain, SAMPLE_ENCODED_MAX);
	}
	if (r >= 0) {
		r = box_seal(&st->box, (struct str){(const char *)row->sha256, SHA256_SIZE},
			     (struct str){plain, (size_t)r}, sealed);
	}
	free(plain);
	if (r < 0) {
		free(sealed);
		*ret_err = r;
		return NULL;
	}
	*ret_len = (size_t)r;
	return sealed;
}

/* Past the limit the oldest go, but the first few stay: they show how it began. */
static int make_room(struct store *st, const struct sample_row *row, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"DELETE FROM samples WHERE id IN (SELECT id FROM samples WHERE network = ?1 AND"
		" holder = ?2 AND id NOT IN (SELECT id FROM samples WHERE network = ?1 AND holder ="
		" ?2 ORDER BY id LIMIT ?3) ORDER BY id DESC LIMIT -1 OFFSET ?4)");
	query_str(q, not_null(row->network));
	query_str(q, row->holder);
	query_i64(q, SAMPLES_FIRST);
	query_i64(q, SAMPLES_OF_HOLDER_MAX - SAMPLES_FIRST);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

/* People write a Message-ID with or without its brackets, so neither counts. */
static struct str hash_message_id(const struct store *st, struct str id,
				  char ret[static BOX_HASH_TEXT])
{
	id = str_trim(id);
	if (id.len > 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>') {
		id = (struct str){id.ptr + 1, id.len - 2};
	}
	if (id.len == 0) {
		return STR_EMPTY;
	}
	box_hash(&st->box, "message-id", id, ret);
	return str_of(ret);
}

int samples_add(struct store *st, const struct sample_row *row, const struct sample *s,
		struct errmsg *reterr)
{
	char message[BOX_HASH_TEXT];
	size_t len = 0;
	int r = 0;
	char *sealed = seal(st, row, s, &len, &r);

	if (sealed == NULL) {
		return err_set(reterr, r, "a sample cannot be sealed");
	}
	struct query *q = db_query(
		store_db(st), "INSERT INTO samples (case_id, network, source, holder, at,"
			      " score_micro, sha256, format, message, sealed) VALUES (nullif(?, 0),"
			      " ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	query_bits(q, row->case_id);
	query_str(q, not_null(row->network));
	query_str(q, row->source);
	query_str(q, row->holder);
	query_i64(q, row->at.ns);
	query_i64(q, row->score_micro);
	query_blob(q, (struct str){(const char *)row->sha256, SHA256_SIZE});
	query_i64(q, FORMAT);
	query_str(q, hash_message_id(st, s->message_id, message));
	query_blob(q, (struct str){sealed, len});
	r = query_run(q, reterr);
	free(sealed);
	if (r > 0) {
		int made = make_room(st, row, reterr);
		return made < 0 ? made : 1;
	}
	return r;
}

int samples_set_case(struct store *st, struct str network, struct str holder, uint64_t case_id,
		     struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "UPDATE samples SET case_id = ?1 WHERE network = ?2 AND"
				   " holder = ?3 AND case_id IS NULL");
	query_bits(q, case_id);
	query_str(q, not_null(network));
	query_str(q, holder);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int samples_list(struct store *st, uint64_t case_id, sample_visit_fn *visit, void *ctx,
		 struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT " SAMPLE_COLUMNS
						 " FROM samples WHERE case_id = ?1 ORDER BY id");
	int r;

	query_bits(q, case_id);
	while ((r = query_step(q, reterr)) > 0) {
		struct sample_row row = sample_row_of(q);
		visit(&row, ctx);
	}
	return r;
}

int samples_list_message(struct store *st, struct str message_id, sample_visit_fn *visit, void *ctx,
			 struct errmsg *reterr)
{
	char message[BOX_HASH_TEXT];
	struct query *q = db_query(store_db(st),
				   "SELECT " SAMPLE_COLUMNS " FROM samples WHERE message = ?1"
				   " ORDER BY id DESC LIMIT 100");
	int r;

	query_str(q, hash_message_id(st, message_id, message));
	while ((r = query_step(q, reterr)) > 0) {
		struct sample_row row = sample_row_of(q);
		visit(&row, ctx);
	}
	return r;
}

/* Unseal and decode; the texts of `ret` borrow from what is put into the arena. */
static int unseal(struct store *st, const struct sample_row *row, struct str sealed,
		  struct arena *a, struct sample *ret)
{
	char *plain = arena_alloc(a, SAMPLE_ENCODED_MAX);

	if (plain == NULL) {
		return -ENOMEM;
	}
	int r = box_unseal(&st->box, (struct str){(const char *)row->sha256, SHA256_SIZE}, sealed,
			   plain, SAMPLE_ENCODED_MAX);
	return r < 0 ? r : sample_decode(plain, (size_t)r, ret);
}

int samples_get(struct store *st, uint64_t id, struct arena *a, struct sample_row *ret_row,
		struct sample *ret, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " SAMPLE_COLUMNS ", format, sealed FROM samples"
				   " WHERE id = ?1");
	query_bits(q, id);
	int r = query_step(q, reterr);

	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such sample");
	}
	struct sample_row row = sample_row_of(q);
	r = 0;
	row.network = keep(a, row.network, &r);
	row.source = keep(a, row.source, &r);
	row.holder = keep(a, row.holder, &r);
	if (r == 0) {
		r = query_col_i64(q, 8) == FORMAT ? unseal(st, &row, query_col_str(q, 9), a, ret)
						  : -EBADMSG;
	}
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "sample %llu can't be opened: another key, or damage",
			       (unsigned long long)id);
	}
	*ret_row = row;
	return 0;
}
