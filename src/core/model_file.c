/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_file: the weights file, written and read. Layer: core (pure).
 *
 *	8   "PTNWGHTS"
 *	2   MODEL_FORM, 2 FEATURES_VERSION
 *	32  hash of the training list; 4 ham, 4 spam: messages in it
 *	8   threshold; 7 × 8 edges; 65 × 4 curve; 4 TPR, 4 FPR; 8 × 4 f0, 8 × 4 f1
 *	1   number of members; of each: 1 bits, 4 unit, 4 floor, 4 bias, 4 share, 2 × 2^bits cells
 *	32  SHA-256 of all before
 */
#include "core/model.h"

#include "base/cur.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

static const char magic[8] = {'P', 'T', 'N', 'W', 'G', 'H', 'T', 'S'};

/* Everything in front of the members. */
#define HEAD_BYTES                                                                                 \
	(8 + 2 + 2 + SHA256_OCTETS + 4 + 4 + 8 + 8 * (SCORE_BINS - 1) + 4 * MODEL_CURVE_POINTS +   \
	 4 + 4 + 8 * SCORE_BINS + 1)
#define MEMBER_BYTES (1 + 4 + 4 + 4 + 4)

static void encode_head(const struct model *m, struct enc *e)
{
	enc_bytes(e, magic, sizeof(magic));
	enc_uint(e, 2, MODEL_FORM);
	enc_uint(e, 2, FEATURES_VERSION);
	enc_bytes(e, m->list_hash, SHA256_OCTETS);
	enc_uint(e, 4, m->ham_count);
	enc_uint(e, 4, m->spam_count);
	enc_int(e, 8, m->threshold_micro);
	for (size_t i = 0; i < SCORE_BINS - 1; i++) {
		enc_int(e, 8, m->edges_micro[i]);
	}
	for (size_t i = 0; i < MODEL_CURVE_POINTS; i++) {
		enc_uint(e, 4, m->curve[i]);
	}
	enc_uint(e, 4, m->tpr_ppm);
	enc_uint(e, 4, m->fpr_ppm);
	for (size_t i = 0; i < SCORE_BINS; i++) {
		enc_uint(e, 4, m->f0_ppm[i]);
	}
	for (size_t i = 0; i < SCORE_BINS; i++) {
		enc_uint(e, 4, m->f1_ppm[i]);
	}
	enc_uint(e, 1, MEMBER_COUNT);
}

int model_encode(struct model *m, struct buf *ret)
{
	size_t size = HEAD_BYTES + SHA256_OCTETS;

	for (enum member i = 0; i < MEMBER_COUNT; i++) {
		size += MEMBER_BYTES + 2 * ((size_t)1 << m->members[i].bits);
	}
	char *at = buf_reserve(ret, size);

	if (at == NULL) {
		return buf_end(ret);
	}
	struct enc e = enc_of(at, size);

	encode_head(m, &e);
	for (enum member i = 0; i < MEMBER_COUNT; i++) {
		const struct model_member *b = &m->members[i];

		enc_uint(&e, 1, b->bits);
		enc_uint(&e, 4, b->unit_nano);
		enc_uint(&e, 4, b->floor);
		enc_int(&e, 4, b->bias_micro);
		enc_int(&e, 4, b->share_micro);
		enc_bytes(&e, b->cells, sizeof(b->cells[0]) << b->bits);
	}
	sha256_of((struct str){at, e.used}, m->hash);
	enc_bytes(&e, m->hash, SHA256_OCTETS);
	int r = enc_end(&e);

	if (r < 0) {
		return r;
	}
	ret->len += size;
	return 0;
}

static void decode_shares(struct cur *c, uint32_t ret[static SCORE_BINS])
{
	for (size_t i = 0; i < SCORE_BINS; i++) {
		ret[i] = (uint32_t)cur_uint(c, 4, 1000000);
	}
}

/* The head after form and version; NULL, or what is wrong with it. */
static const char *decode_head(struct cur *c, struct model *m)
{
	cur_copy(c, m->list_hash, SHA256_OCTETS);
	m->ham_count = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	m->spam_count = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	m->threshold_micro = cur_int(c, 8);
	if (m->threshold_micro > MODEL_LOGIT_MAX || m->threshold_micro < -MODEL_LOGIT_MAX) {
		return "a threshold out of range";
	}
	for (size_t i = 0; i < SCORE_BINS - 1; i++) {
		m->edges_micro[i] = cur_int(c, 8);
		if (i > 0 && m->edges_micro[i] < m->edges_micro[i - 1]) {
			return "bins that are not in order";
		}
	}
	for (size_t i = 0; i < MODEL_CURVE_POINTS; i++) {
		m->curve[i] = (uint32_t)cur_uint(c, 4, 1000000);
		if (i > 0 && m->curve[i] < m->curve[i - 1]) {
			return "a curve that falls";
		}
	}
	m->tpr_ppm = (uint32_t)cur_uint(c, 4, 1000000);
	m->fpr_ppm = (uint32_t)cur_uint(c, 4, 1000000);
	decode_shares(c, m->f0_ppm);
	decode_shares(c, m->f1_ppm);
	if (cur_uint(c, 1, UINT8_MAX) != MEMBER_COUNT) {
		return "another number of members";
	}
	return NULL;
}

static const char *decode_member(struct cur *c, struct model_member *b)
{
	if (cur_uint(c, 1, UINT8_MAX) != b->bits) {
		return "a table of another size";
	}
	b->unit_nano = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	b->floor = (uint32_t)cur_uint(c, 4, 1000000);
	b->bias_micro = (int32_t)cur_int(c, 4);
	b->share_micro = (int32_t)cur_int(c, 4);
	/* A cell is two single octets, in memory as in the file. */
	cur_copy(c, b->cells, sizeof(b->cells[0]) << b->bits);
	return c->err != 0 ? "it is cut short" : NULL;
}

static const char *decode(struct str file, struct model *m)
{
	if (file.len < HEAD_BYTES + SHA256_OCTETS || memcmp(file.ptr, magic, sizeof(magic)) != 0) {
		return "it is no weights file";
	}
	struct str body = str_head(file, file.len - SHA256_OCTETS);
	struct cur c = cur_of(str_skip(body, sizeof(magic)).ptr, body.len - sizeof(magic));

	if (cur_uint(&c, 2, UINT16_MAX) != MODEL_FORM) {
		return "its form is of another version";
	}
	if (cur_uint(&c, 2, UINT16_MAX) != FEATURES_VERSION) {
		return "it was trained for another version of the features";
	}
	sha256_of(body, m->hash);
	if (memcmp(m->hash, body.ptr + body.len, SHA256_OCTETS) != 0) {
		return "its checksum does not fit";
	}
	const char *wrong = decode_head(&c, m);

	for (enum member i = 0; wrong == NULL && i < MEMBER_COUNT; i++) {
		wrong = decode_member(&c, &m->members[i]);
	}
	if (wrong == NULL && cur_end(&c) != 0) {
		wrong = "its numbers are out of range, or something follows them";
	}
	return wrong;
}

int model_decode(struct str file, struct model **ret, struct errmsg *reterr)
{
	struct model *m = model_new();

	if (m == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the weights");
	}
	const char *wrong = decode(file, m);

	if (wrong != NULL) {
		model_free(m);
		return err_set(reterr, -EBADMSG, "weights refused: %s", wrong);
	}
	*ret = m;
	return 0;
}
