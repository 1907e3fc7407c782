/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta: batches of corrections. Layer: core (pure).
 *
 *	8   "PTNDELTA", 2 form, 2 FEATURES_VERSION, 2 number of batches
 *	of each: 4 ham, 4 spam, 4 cells; 16 for each message, ham first; 4 bin, 2 weight a cell
 *	32  SHA-256 of all before
 */
#include "core/delta.h"

#include "base/assert.h"
#include "base/cur.h"
#include "core/fit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define DELTA_FORM 1
#define CELLS (1 << 18)
/* Parts of one in which a cell's weight counts. */
#define CELL_UNIT 256
/* Logits that are one nat of evidence (core/calibrate.c). */
#define LOGITS_PER_NAT 4
#define PASSES 20
#define RATE 0.5

static const char magic[8] = {'P', 'T', 'N', 'D', 'E', 'L', 'T', 'A'};

struct cell {
	uint32_t bin;
	int16_t weight;
};

struct batch {
	struct delta_batch_info info;
	uint8_t *hashes;
	struct cell *cells;
};

struct delta {
	struct batch batches[DELTA_BATCHES_MAX];
	size_t count;
	int32_t sum[CELLS]; /* of all batches */
};

struct delta *delta_new(void)
{
	return calloc(1, sizeof(struct delta));
}

static void batch_done(struct batch *b)
{
	free(b->hashes);
	free(b->cells);
	*b = (struct batch){.hashes = NULL};
}

void delta_free(struct delta *d)
{
	if (d != NULL) {
		for (size_t i = 0; i < d->count; i++) {
			batch_done(&d->batches[i]);
		}
		free(d);
	}
}

size_t delta_batches(const struct delta *d)
{
	return d->count;
}

struct delta_batch_info delta_batch(const struct delta *d, size_t i)
{
	ASSERT(i < d->count);
	return d->batches[i].info;
}

bool delta_has(const struct delta *d, const uint8_t hash[static DELTA_HASH])
{
	for (size_t i = 0; i < d->count; i++) {
		const struct batch *b = &d->batches[i];

		for (size_t k = 0; k < b->info.ham + b->info.spam; k++) {
			if (memcmp(b->hashes + k * DELTA_HASH, hash, DELTA_HASH) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void apply(struct delta *d, const struct batch *b, int sign)
{
	for (size_t i = 0; i < b->info.cells; i++) {
		d->sum[b->cells[i].bin] += sign * b->cells[i].weight;
	}
}

bool delta_undo(struct delta *d)
{
	if (d->count == 0) {
		return false;
	}
	struct batch *last = &d->batches[--d->count];

	apply(d, last, -1);
	batch_done(last);
	return true;
}

static size_t cells_of(const struct delta *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++) {
		n += d->batches[i].info.cells;
	}
	return n;
}

/* The whole root of n, rounded up to at least 1. */
static int64_t root(size_t n)
{
	int64_t r = 1;

	while (r * r < (int64_t)n) {
		r++;
	}
	return r;
}

int64_t delta_logit(const struct delta *d, const uint32_t *bins, size_t n, struct model_seen *seen)
{
	int64_t sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t bit = UINT64_C(1) << (bins[i] % 64);

		ASSERT(bins[i] < CELLS);
		if ((seen->bits[bins[i] / 64] & bit) == 0) {
			seen->bits[bins[i] / 64] |= bit;
			sum += d->sum[bins[i]];
			count++;
		}
	}
	for (size_t i = 0; i < n; i++) {
		seen->bits[bins[i] / 64] = 0;
	}
	int64_t logit = sum * LOGITS_PER_NAT * 1000000 / CELL_UNIT / root(count);

	return logit > DELTA_LOGIT_MAX    ? DELTA_LOGIT_MAX
	       : logit < -DELTA_LOGIT_MAX ? -DELTA_LOGIT_MAX
					  : logit;
}

/* Both classes of a batch weigh the same. */
static double weight_of(const struct delta_message *m, const struct delta_batch_info *info)
{
	double whole = info->ham + info->spam;

	if (info->ham == 0 || info->spam == 0) {
		return 1;
	}
	return whole / 2 / (m->is_spam ? info->spam : info->ham);
}

static void learn_weights(const struct delta *d, const struct delta_message *messages, size_t n,
			  const struct delta_batch_info *info, double *weights)
{
	for (unsigned pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < n; i++) {
			const struct delta_message *m = &messages[i];
			double length = (double)root(m->count);
			double sum = 0;

			for (size_t k = 0; k < m->count; k++) {
				sum += weights[m->bins[k]] + (double)d->sum[m->bins[k]] / CELL_UNIT;
			}
			double z = sum / length + (double)m->logit / 1e6 / LOGITS_PER_NAT;
			double g = (fit_logistic(z) - (m->is_spam ? 1 : 0)) * weight_of(m, info);

			for (size_t k = 0; k < m->count; k++) {
				weights[m->bins[k]] -= RATE * g / length;
			}
		}
	}
}

static int32_t quantise(double w)
{
	double scaled = w * CELL_UNIT + (w < 0 ? -0.5 : 0.5);

	return (int32_t)(scaled > INT16_MAX    ? INT16_MAX
			 : scaled < -INT16_MAX ? -INT16_MAX
					       : scaled);
}

static int keep_batch(const double *weights, const struct delta_message *messages, size_t n,
		      size_t room, struct batch *b)
{
	size_t cells = 0;

	for (size_t i = 0; i < CELLS; i++) {
		cells += quantise(weights[i]) != 0 ? 1 : 0;
	}
	if (cells > room) {
		return -ENOSPC;
	}
	b->hashes = malloc(n * DELTA_HASH + 1);
	b->cells = calloc(cells + 1, sizeof(b->cells[0]));
	if (b->hashes == NULL || b->cells == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < CELLS; i++) {
		if (quantise(weights[i]) != 0) {
			b->cells[b->info.cells++] = (struct cell){
				.bin = (uint32_t)i, .weight = (int16_t)quantise(weights[i])};
		}
	}
	size_t at = 0;

	for (unsigned class = 0; class < 2; class ++) {
		for (size_t i = 0; i < n; i++) {
			if (messages[i].is_spam == (class == 1)) {
				memcpy(b->hashes + at++ * DELTA_HASH, messages[i].hash, DELTA_HASH);
			}
		}
	}
	return 0;
}

int delta_learn(struct delta *d, const struct delta_message *messages, size_t n)
{
	struct batch b = {.hashes = NULL};

	if (n == 0) {
		return 0;
	}
	if (d->count == DELTA_BATCHES_MAX || n > DELTA_MESSAGES_MAX) {
		return -ENOSPC;
	}
	for (size_t i = 0; i < n; i++) {
		*(messages[i].is_spam ? &b.info.spam : &b.info.ham) += 1;
	}
	double *weights = calloc(CELLS, sizeof(*weights));

	if (weights == NULL) {
		return -ENOMEM;
	}
	learn_weights(d, messages, n, &b.info, weights);
	int r = keep_batch(weights, messages, n, DELTA_CELLS_MAX - cells_of(d), &b);

	free(weights);
	if (r < 0) {
		batch_done(&b);
		return r;
	}
	d->batches[d->count++] = b;
	apply(d, &b, 1);
	return 0;
}

int delta_encode(const struct delta *d, struct buf *ret)
{
	size_t size = sizeof(magic) + 6 + SHA256_OCTETS;
	uint8_t hash[SHA256_OCTETS];

	for (size_t i = 0; i < d->count; i++) {
		const struct delta_batch_info *info = &d->batches[i].info;

		size += 12 + (size_t)(info->ham + info->spam) * DELTA_HASH +
			6 * (size_t)info->cells;
	}
	char *at = buf_reserve(ret, size);

	if (at == NULL) {
		return buf_end(ret);
	}
	struct enc e = enc_of(at, size);

	enc_bytes(&e, magic, sizeof(magic));
	enc_uint(&e, 2, DELTA_FORM);
	enc_uint(&e, 2, FEATURES_VERSION);
	enc_uint(&e, 2, d->count);
	for (size_t i = 0; i < d->count; i++) {
		const struct batch *b = &d->batches[i];

		enc_uint(&e, 4, b->info.ham);
		enc_uint(&e, 4, b->info.spam);
		enc_uint(&e, 4, b->info.cells);
		enc_bytes(&e, b->hashes, (size_t)(b->info.ham + b->info.spam) * DELTA_HASH);
		for (size_t k = 0; k < b->info.cells; k++) {
			enc_uint(&e, 4, b->cells[k].bin);
			enc_int(&e, 2, b->cells[k].weight);
		}
	}
	sha256_of((struct str){at, e.used}, hash);
	enc_bytes(&e, hash, sizeof(hash));
	int r = enc_end(&e);

	ret->len += r < 0 ? 0 : (size_t)r;
	return r < 0 ? r : 0;
}

static int decode_batch(struct cur *c, size_t room, struct batch *b)
{
	b->info.ham = (uint32_t)cur_uint(c, 4, DELTA_MESSAGES_MAX);
	b->info.spam = (uint32_t)cur_uint(c, 4, DELTA_MESSAGES_MAX);
	b->info.cells = (uint32_t)cur_uint(c, 4, room);
	size_t hashes = (size_t)(b->info.ham + b->info.spam) * DELTA_HASH;
	struct str octets = cur_bytes(c, hashes);

	b->hashes = malloc(hashes + 1);
	b->cells = calloc((size_t)b->info.cells + 1, sizeof(b->cells[0]));
	if (b->hashes == NULL || b->cells == NULL) {
		return -ENOMEM;
	}
	if (octets.len > 0) {
		memcpy(b->hashes, octets.ptr, octets.len);
	}
	for (size_t i = 0; i < b->info.cells && c->err == 0; i++) {
		b->cells[i].bin = (uint32_t)cur_uint(c, 4, CELLS - 1);
		b->cells[i].weight = (int16_t)cur_int(c, 2);
	}
	return c->err;
}

static int decode(struct str file, struct delta *d)
{
	uint8_t hash[SHA256_OCTETS];

	if (file.len < sizeof(magic) + SHA256_OCTETS ||
	    memcmp(file.ptr, magic, sizeof(magic)) != 0) {
		return -EBADMSG;
	}
	struct str body = str_head(file, file.len - SHA256_OCTETS);
	struct cur c = cur_of(body.ptr + sizeof(magic), body.len - sizeof(magic));

	sha256_of(body, hash);
	if (memcmp(hash, body.ptr + body.len, sizeof(hash)) != 0 ||
	    cur_uint(&c, 2, UINT16_MAX) != DELTA_FORM ||
	    cur_uint(&c, 2, UINT16_MAX) != FEATURES_VERSION) {
		return -EBADMSG;
	}
	size_t count = (size_t)cur_uint(&c, 2, DELTA_BATCHES_MAX);

	for (size_t i = 0; i < count && c.err == 0; i++) {
		struct batch *b = &d->batches[i];
		int r = decode_batch(&c, DELTA_CELLS_MAX - cells_of(d), b);

		if (r < 0) {
			batch_done(b);
			return r;
		}
		d->count++;
		apply(d, b, 1);
	}
	return cur_end(&c);
}

int delta_decode(struct str file, struct delta **ret, struct errmsg *reterr)
{
	struct delta *d = delta_new();
	int r = d != NULL ? decode(file, d) : -ENOMEM;

	if (r < 0) {
		delta_free(d);
		return err_set(reterr, r,
			       r == -ENOMEM ? "no memory for the delta"
					    : "it is no delta of this version, or it is damaged");
	}
	*ret = d;
	return 0;
}
