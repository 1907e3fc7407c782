/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_mail: how fast messages are walked, beside GMime on the same messages in the same run.
 *
 * Usage: bench_mail [ROUNDS] < LIST      one file name a line
 * All files are read first. Rounds of both are interleaved and the fastest of each counts, in
 * CPU time. What GMime does is its least for a filter: parse, and decode each text part to UTF-8;
 * it does not reduce HTML to text, we do.
 */
#include "proto/mail.h"

#include <gmime/gmime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILES_MAX 100000

struct file {
	char *octets;
	size_t len;
};

static struct file files[FILES_MAX];
static size_t file_count;
static size_t total;
static volatile size_t sink;

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double ours(void)
{
	double start = cpu_now();
	struct mail *m = mail_new(NULL, NULL);

	for (size_t i = 0; i < file_count && m != NULL; i++) {
		mail_reset(m);
		mail_step(m, (struct str){files[i].octets, files[i].len});
		sink += mail_end(m)->text.len;
	}
	mail_free(m);
	return cpu_now() - start;
}

static void part_read(GMimeObject *parent, GMimeObject *part, gpointer data)
{
	(void)parent;
	(void)data;
	if (GMIME_IS_TEXT_PART(part)) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
		sink += text == NULL ? 0 : strlen(text);
		g_free(text);
	} else if (GMIME_IS_PART(part) && g_mime_part_get_content(GMIME_PART(part)) != NULL) {
		GMimeStream *null = g_mime_stream_null_new();
		GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
		sink += (size_t)g_mime_data_wrapper_write_to_stream(content, null);
		g_object_unref(null);
	}
}

static double theirs(void)
{
	double start = cpu_now();

	for (size_t i = 0; i < file_count; i++) {
		GMimeStream *stream = g_mime_stream_mem_new_with_buffer(files[i].octets,
									files[i].len);
		GMimeParser *parser = g_mime_parser_new_with_stream(stream);
		GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
		if (message != NULL) {
			const char *subject = g_mime_message_get_subject(message);
			sink += subject == NULL ? 0 : strlen(subject);
			g_mime_message_foreach(message, part_read, NULL);
			g_object_unref(message);
		}
		g_object_unref(parser);
		g_object_unref(stream);
	}
	return cpu_now() - start;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? argv[1][0] - '0' : 3;
	double best_ours = 1e9;
	double best_theirs = 1e9;
	char line[4096];

	while (fgets(line, sizeof(line), stdin) != NULL && file_count < FILES_MAX) {
		gsize len = 0;
		line[strcspn(line, "\n")] = '\0';
		if (g_file_get_contents(line, &files[file_count].octets, &len, NULL)) {
			files[file_count++].len = len;
			total += len;
		}
	}
	g_mime_init();
	for (int i = 0; i < rounds; i++) {
		double t = ours();
		best_ours = t < best_ours ? t : best_ours;
		t = theirs();
		best_theirs = t < best_theirs ? t : best_theirs;
	}
	g_mime_shutdown();
	double mb = (double)total / 1e6;
	printf("mail: %zu messages, %.1f MB: %.0f MB/s, %.0f messages/s; GMime %.0f MB/s; ratio "
	       "%.1f\n",
	       file_count, mb, mb / best_ours, (double)file_count / best_ours, mb / best_theirs,
	       best_theirs / best_ours);
	return file_count == 0;
}
