/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many messages the filter scores in a second of CPU time, from parsed mail, and where the
 * time goes. Arguments: files or folders of messages (bench-filter-speed gives the shared mail);
 * without them a text is made. SHA-256 over the same octets, in the same run, is the peer.
 */
#include "base/buf.h"
#include "base/prng.h"
#include "base/sha256.h"
#include "cli/mailbox.h"
#include "core/campaign.h"
#include "core/features.h"
#include "core/model.h"
#include "core/score.h"
#include "core/score_mail.h"
#include "core/tokens.h"
#include "sys/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/poison.h"

#define MESSAGES_MAX 4000
#define ROUNDS 5
/* The size the goal speaks of. */
#define SIZE_LOW 8000
#define SIZE_HIGH 12000

struct kept {
	struct score_input in;
	size_t size;
};

static struct kept kept[MESSAGES_MAX];
static size_t kept_count;
static struct mail *mail;
static struct score_room room;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str copy(struct str s)
{
	char *p = malloc(s.len + 1);

	if (p == NULL) {
		exit(1);
	}
	if (s.len > 0) {
		memcpy(p, s.ptr, s.len);
	}
	return (struct str){p, s.len};
}

static int keep(void *ctx, const char *file, uint64_t index, struct str octets)
{
	bool only_sized = *(const bool *)ctx;

	(void)file;
	(void)index;
	if (kept_count == MESSAGES_MAX ||
	    (only_sized && (octets.len < SIZE_LOW || octets.len > SIZE_HIGH))) {
		return 0;
	}
	mail_reset(mail);
	mail_step(mail, octets);
	struct score_input in = score_input_of(mail_end(mail), &room);

	in.subject = copy(in.subject);
	in.from_name = copy(in.from_name);
	in.from_address = copy(in.from_address);
	in.reply_to_address = copy(in.reply_to_address);
	in.to_address = copy(in.to_address);
	in.text = copy(in.text);
	struct str *hosts = calloc(in.host_count + 1, sizeof(*hosts));

	for (size_t i = 0; hosts != NULL && i < in.host_count; i++) {
		hosts[i] = copy(in.hosts[i]);
	}
	in.hosts = hosts;
	kept[kept_count++] = (struct kept){.in = in, .size = octets.len};
	return 0;
}

static void make_text(void)
{
	static char text[10000];
	struct prng prng = {3};
	size_t len = (size_t)snprintf(text, sizeof(text),
				      "From: a@b.example\nSubject: made up\n\n");

	while (len < sizeof(text)) {
		uint64_t c = prng_below(&prng, 32);

		text[len++] = c < 26 ? (char)('a' + c) : c < 31 ? ' ' : '\n';
	}
	bool all = false;

	(void)keep(&all, "", 0, (struct str){text, sizeof(text)});
}

static void say(const char *what, double spent, double whole)
{
	printf("  %-34s %7.1f us a message  %4.0f %%\n", what,
	       spent / (double)(ROUNDS * kept_count) * 1e6, 100 * spent / whole);
}

static void parts(const struct model *m, double whole)
{
	static struct tokens tokens;
	static uint32_t bins[FEATURES_MAX];
	static struct model_seen seen;
	static const char *const names[MEMBER_COUNT] = {
		"words", "characters", "head", "frames", "endings", "style", "sender", "themes"};
	double spent[MEMBER_COUNT + 2] = {0};
	int64_t sum = 0;

	for (size_t i = 0; i < ROUNDS * kept_count; i++) {
		const struct score_input *in = &kept[i % kept_count].in;
		double at = seconds();

		tokens_read(in, &tokens);
		double now = seconds();

		spent[MEMBER_COUNT] += now - at;
		for (enum member k = 0; k < MEMBER_COUNT; k++) {
			at = now;
			size_t n = features_read(k, in, &tokens, bins);

			sum += model_member_logit(&m->members[k], bins, n, &seen);
			now = seconds();
			spent[k] += now - at;
		}
		at = now;
		sum += (int64_t)campaign_simhash(str_head(in->text, SCORE_TEXT_MAX), NULL);
		spent[MEMBER_COUNT + 1] += seconds() - at;
	}
	say("words of the text", spent[MEMBER_COUNT], whole);
	for (enum member k = 0; k < MEMBER_COUNT; k++) {
		char what[64];

		snprintf(what, sizeof(what), "member: %s", names[k]);
		say(what, spent[k], whole);
	}
	say("simhash", spent[MEMBER_COUNT + 1], whole);
	if (sum == 1) {
		puts("");
	}
}

static double hash_all(void)
{
	uint8_t hash[SHA256_OCTETS];
	double start = seconds();

	for (size_t i = 0; i < ROUNDS * kept_count; i++) {
		sha256_of(kept[i % kept_count].in.text, hash);
	}
	return seconds() - start;
}

int main(int argc, char **argv)
{
	struct buf file;
	struct scorer *scorer;
	struct model *model;
	struct errmsg err = {.text = ""};
	struct score s;
	bool only_sized = true;
	size_t octets = 0;

	buf_init(&file, MODEL_BYTES_MAX);
	mail = mail_new(NULL, NULL);
	if (mail == NULL || file_read("share/weights/postern.weights", &file, &err) < 0 ||
	    scorer_new(buf_str(&file), &scorer, &err) < 0 ||
	    model_decode(buf_str(&file), &model, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		if (mailbox_walk(argv[i], keep, &only_sized, &err) < 0) {
			fprintf(stderr, "bench: %s\n", err.text);
			return 1;
		}
	}
	if (kept_count == 0) {
		make_text();
	}
	for (size_t i = 0; i < kept_count; i++) {
		octets += kept[i].size;
	}
	double start = seconds();

	for (size_t i = 0; i < ROUNDS * kept_count; i++) {
		scorer_score(scorer, &kept[i % kept_count].in, false, &s);
	}
	double whole = seconds() - start;

	printf("%zu messages of %zu octets on average: %.0f messages a CPU-second, %.1f MB/s\n",
	       kept_count, octets / kept_count, (double)(ROUNDS * kept_count) / whole,
	       (double)octets * ROUNDS / whole / 1e6);
	parts(model, whole);
	printf("  peer: SHA-256 of the same texts takes %.3f of that time\n", hash_all() / whole);
	return 0;
}
