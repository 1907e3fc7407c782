/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit: logistic regression. Layer: core (pure).
 */
#include "core/fit.h"

#include "base/prng.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/poison.h"

/* A weight of this many times the usual one is cut: an octet has to hold all of them. */
#define WEIGHT_SPAN 8.0
#define START_SQUARE 1e-8

/* Together, since all of it is asked for at once, anywhere in a table larger than a cache. */
struct bin {
	double scale;  /* 0: left out */
	double weight; /* of this run */
	double square; /* sum of squared gradients */
	double sum;    /* of the weights of all runs */
};

struct fit {
	const struct fit_opts *o;
	const struct fit_doc *docs;
	size_t n;
	size_t cells; /* number of bins */
	struct bin *bins;
	size_t *order;
	double bias;
	double bias_sum;
};

double fit_log(double x)
{
	double twos = 0;

	while (x > 1.5) {
		x /= 2;
		twos += 1;
	}
	while (x < 0.75) {
		x *= 2;
		twos -= 1;
	}
	double y = (x - 1) / (x + 1);
	double power = y;
	double sum = 0;

	for (unsigned k = 1; k < 40; k += 2) {
		sum += power / k;
		power *= y * y;
	}
	return 2 * sum + twos * 0.69314718055994530942;
}

static double fit_exp(double x)
{
	unsigned squarings = 0;

	while (x > 0.5 || x < -0.5) {
		x /= 2;
		squarings++;
	}
	double term = 1;
	double sum = 1;

	for (unsigned k = 1; k < 16; k++) {
		term *= x / k;
		sum += term;
	}
	for (; squarings > 0; squarings--) {
		sum *= sum;
	}
	return sum;
}

double fit_logistic(double x)
{
	if (x > 40) {
		return 1;
	}
	if (x < -40) {
		return 0;
	}
	return 1 / (1 + fit_exp(-x));
}

/* The root of ln((N + 1) / (n + 1)), and 0 for bins of too few groups. */
static int make_scale(struct fit *f)
{
	uint32_t *groups = calloc(f->cells, sizeof(*groups));

	if (groups == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < f->n; i++) {
		for (uint32_t k = 0; k < f->docs[i].count; k++) {
			f->bins[f->docs[i].bins[k]].scale += 1;
			groups[f->docs[i].bins[k]] |= UINT32_C(1) << f->docs[i].group;
		}
	}
	double whole = (double)f->n + 1;

	for (size_t b = 0; b < f->cells; b++) {
		bool is_used = (unsigned)__builtin_popcount(groups[b]) >= f->o->groups_min &&
			       groups[b];

		f->bins[b].scale = is_used ? sqrt(fit_log(whole / (f->bins[b].scale + 1)) + 0.05)
					   : 0;
	}
	free(groups);
	return 0;
}

static void shuffle(struct fit *f, struct prng *prng)
{
	for (size_t i = f->n; i > 1; i--) {
		size_t j = (size_t)prng_below(prng, (uint32_t)i);
		size_t keep = f->order[i - 1];

		f->order[i - 1] = f->order[j];
		f->order[j] = keep;
	}
}

static double length_of(const struct fit *f, const struct fit_doc *d, double *ret_sum)
{
	double squares = 0;
	double sum = 0;

	for (uint32_t k = 0; k < d->count; k++) {
		double x = f->bins[d->bins[k]].scale;

		squares += x * x;
		sum += f->bins[d->bins[k]].weight * x;
	}
	*ret_sum = sum;
	return squares > 0 ? sqrt(squares + (double)f->o->floor / MODEL_SQUARE_UNIT) : 0;
}

static void learn(struct fit *f, const struct fit_doc *d, double *bias_square)
{
	double sum;
	double length = length_of(f, d, &sum);

	if (length <= 0) {
		return;
	}
	double p = fit_logistic(sum / length + f->bias);
	double gradient = (p - (d->is_spam ? 1 : 0)) * d->weight;

	if (gradient < 1e-7 && gradient > -1e-7) {
		return;
	}
	for (uint32_t k = 0; k < d->count; k++) {
		struct bin *b = &f->bins[d->bins[k]];
		double g = gradient / length * b->scale + f->o->decay * b->weight;

		b->square += g * g;
		b->weight -= f->o->rate * g / sqrt(b->square);
	}
	*bias_square += gradient * gradient;
	f->bias -= 0.1 * f->o->rate * gradient / sqrt(*bias_square);
}

static void run(struct fit *f, unsigned number)
{
	struct prng prng = {number * 1000 + 7};
	double bias_square = START_SQUARE;

	f->bias = 0;
	for (size_t b = 0; b < f->cells; b++) {
		f->bins[b].weight = 0;
		f->bins[b].square = START_SQUARE;
	}
	for (size_t i = 0; i < f->n; i++) {
		f->order[i] = i;
	}
	for (unsigned pass = 0; pass < f->o->passes; pass++) {
		shuffle(f, &prng);
		for (size_t i = 0; i < f->n; i++) {
			learn(f, &f->docs[f->order[i]], &bias_square);
		}
	}
	for (size_t b = 0; b < f->cells; b++) {
		f->bins[b].sum += f->bins[b].weight;
	}
	f->bias_sum += f->bias;
}

static double round_half_up(double x)
{
	return floor(x + 0.5);
}

/* Weights times scale, squares of the scale, in whole numbers. */
static void quantise(const struct fit *f, struct model_member *ret)
{
	double squares = 0;
	size_t used = 0;

	for (size_t b = 0; b < f->cells; b++) {
		double w = f->bins[b].sum * f->bins[b].scale;

		squares += w * w;
		used += f->bins[b].scale > 0 ? 1 : 0;
	}
	double largest = used > 0 ? WEIGHT_SPAN * sqrt(squares / (double)used) : 1;
	double unit = largest > 0 ? largest / 127 : 1;

	for (size_t b = 0; b < f->cells; b++) {
		double w = round_half_up(f->bins[b].sum * f->bins[b].scale / unit);
		double s = round_half_up(f->bins[b].scale * f->bins[b].scale * MODEL_SQUARE_UNIT);

		ret->cells[b].weight = (int8_t)(w > 127 ? 127 : w < -127 ? -127 : w);
		ret->cells[b].square = (uint8_t)(s > 255 ? 255 : s);
	}
	/* The squares are in MODEL_SQUARE_UNIT, so their root is its root too long. */
	double nano = round_half_up(unit / f->o->runs * sqrt(MODEL_SQUARE_UNIT) * 1e9);

	ret->unit_nano = nano < UINT32_MAX ? (uint32_t)nano : UINT32_MAX;
	ret->bias_micro = (int32_t)round_half_up(f->bias_sum / f->o->runs * 1e6);
	ret->floor = f->o->floor;
}

int fit_member(const struct fit_opts *o, const struct fit_doc *docs, size_t n,
	       struct model_member *ret)
{
	struct fit f = {.o = o, .docs = docs, .n = n, .cells = (size_t)1 << ret->bits};
	int r = -ENOMEM;

	f.bins = calloc(f.cells, sizeof(struct bin));
	f.order = calloc(n + 1, sizeof(size_t));
	if (f.bins == NULL || f.order == NULL) {
		goto out;
	}
	r = make_scale(&f);
	if (r < 0) {
		goto out;
	}
	for (unsigned i = 0; i < o->runs; i++) {
		run(&f, i);
	}
	quantise(&f, ret);
out:
	free(f.bins);
	free(f.order);
	return r;
}
