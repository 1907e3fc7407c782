/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of URLs as they are published, and what of a message is found on them. */
#include "base/prng.h"
#include "core/url_list.h"
#include "core/url_match.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static const struct siphash_key key = {3, 4};

struct made {
	struct url_list list;
	struct url_set set;
	void *block;
};

static void make(struct made *m, const struct list_format *f, struct str text, size_t piece)
{
	url_list_init(&m->list, f, &key, 100000);
	while (text.len > 0) {
		url_list_step(&m->list, str_take(&text, piece < text.len ? piece : text.len));
	}
	assert_int_equal(url_list_end(&m->list), 0);
	size_t size = url_set_size(m->list.count);
	m->block = malloc(size);
	assert_non_null(m->block);
	url_set_build(&key, m->list.hashes, m->list.count, m->list.kinds, m->block);
	assert_int_equal(url_set_open(m->block, size, &m->set), 0);
}

static void drop(struct made *m)
{
	url_list_done(&m->list);
	free(m->block);
}

static bool has(const struct made *m, const char *url)
{
	return url_set_has(&m->set, str_of(url));
}

static void a_plain_list(void **state)
{
	static const char text[] = "\xEF\xBB\xBF# from somewhere\r\n"
				   "http://bad.example/login?x=1\r\n"
				   "HTTPS://User@Upper.Example:8443/Path\r\n"
				   "\r\n"
				   "hosts.example\r\n"
				   "0.0.0.0 sink.example\r\n"
				   "b\xc3\xbc"
				   "cher.example extra words\r\n"
				   "localhost\n"
				   "not a host name !!/\n"
				   "! end\n"
				   "last.example";

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct made m;
		make(&m, &(struct list_format){.column = 1}, STR(text), piece);
		assert_int_equal(m.list.count, 6);
		assert_int_equal(m.list.lines, 11);
		assert_int_equal(m.list.malformed.count, 2);
		assert_int_equal(m.list.malformed.first, 8);
		assert_string_equal(m.list.malformed.text, "localhost");
		assert_true(has(&m, "https://bad.example/login?x=1#top"));
		assert_false(has(&m, "https://bad.example/login?x=2"));
		assert_false(has(&m, "https://bad.example/"));
		assert_true(has(&m, "http://upper.example/Path"));
		assert_false(has(&m, "http://upper.example/path"));
		assert_true(has(&m, "http://hosts.example/anything"));
		assert_true(has(&m, "www.hosts.example"));
		assert_true(has(&m, "https://www.hosts.example:444/a?b"));
		assert_false(has(&m, "http://sub.hosts.example/"));
		assert_true(has(&m, "http://sink.example"));
		assert_true(has(&m, "http://xn--bcher-kva.example/x"));
		assert_true(has(&m, "http://B\xc3\xbc"
				    "CHER.example/x"));
		assert_true(has(&m, "//last.example/x"));
		assert_false(has(&m, "mailto:a@hosts.example"));
		assert_false(has(&m, "relative/path"));
		assert_false(has(&m, ""));
		drop(&m);
	}
}

static void domains_stand_for_their_hosts(void **state)
{
	struct made m;

	(void)state;
	make(&m, &(struct list_format){.column = 1, .entries = LIST_DOMAINS},
	     STR("evil.example\nhttp://page.other.example/x\ncom\n"), 7);
	assert_int_equal(m.list.count, 2);
	assert_int_equal(m.list.malformed.count, 1); /* a whole top-level domain */
	assert_true(has(&m, "http://evil.example/"));
	assert_true(has(&m, "http://a.b.c.evil.example/"));
	assert_false(has(&m, "http://notevil.example/"));
	assert_true(has(&m, "http://x.page.other.example/"));
	assert_false(has(&m, "http://other.example/"));
	assert_false(has(&m, "http://anything.com/"));
	drop(&m);
}

static bool is_suffix(const void *suffixes, const char *name)
{
	return strcmp(name, suffixes) == 0;
}

/* Strangers have names below it: the entry stands for that host, and people are told where. */
static void a_public_suffix_is_a_host(void **state)
{
	static const char text[] =
		"# a list\nevil.co.example\nWWW.Co.Example.\nhttp://co.example/\n";

	(void)state;
	for (int entries = LIST_AUTO; entries < LIST_ENTRIES_COUNT; entries++) {
		const struct list_format f = {.column = 1, .entries = (enum list_entries)entries};
		struct url_list l;
		url_list_init(&l, &f, &key, 10);
		url_list_know_suffixes(&l, is_suffix, "co.example");
		url_list_step(&l, STR(text));
		assert_int_equal(url_list_end(&l), 0);
		assert_int_equal(l.count, 3);
		assert_int_equal(l.malformed.count, 0);
		assert_int_equal(l.public.count, entries == LIST_DOMAINS ? 2 : 0);
		if (entries == LIST_DOMAINS) {
			assert_int_equal(l.public.first, 3);
			assert_string_equal(l.public.text, "WWW.Co.Example.");
			assert_true(l.hashes[1] ==
				    url_entry_hash(&key, URL_ENTRY_HOST, STR("co.example")));
			assert_true(l.hashes[0] ==
				    url_entry_hash(&key, URL_ENTRY_DOMAIN, STR("evil.co.example")));
		}
		url_list_done(&l);
	}
}

static void a_csv_list(void **state)
{
	const struct list_format f = {.is_csv = true, .has_header = true, .column = 3};
	struct made m;

	(void)state;
	make(&m, &f,
	     STR("# comment\nid,dateadded,url\n"
		 "1,\"2026, May\",\"http://a.example/x,y\"\n"
		 "2,now,http://b.example/\r\n"
		 "3,\"say \"\"hi\"\"\", c.example ,more\n"
		 "4,too short\n"
		 "5,\"open,quote,http://d.example/\n"
		 "6,,http://e.example/ok\n"),
	     5);
	assert_int_equal(m.list.count, 4);
	assert_int_equal(m.list.malformed.count, 2);
	assert_int_equal(m.list.malformed.first, 6);
	assert_true(has(&m, "http://a.example/x,y"));
	assert_true(has(&m, "http://b.example"));
	assert_true(has(&m, "http://c.example/z"));
	assert_false(has(&m, "http://d.example/"));
	assert_true(has(&m, "http://e.example/ok"));
	drop(&m);
}

/* A line without an end, and octets of any kind: counted, bounded, and the rest is still read. */
static void hostile_files(void **state)
{
	static char junk[1 << 20];
	struct prng prng = {.state = 3};
	struct url_list l;

	(void)state;
	url_list_init(&l, &(struct list_format){.column = 1}, &key, 1000);
	memset(junk, 'a', sizeof(junk));
	for (int i = 0; i < 100; i++) { /* a line of 100 MB */
		url_list_step(&l, (struct str){junk, sizeof(junk)});
	}
	assert_true(l.line.size <= 2 * URL_LIST_LINE_MAX);
	url_list_step(&l, STR("\ngood.example\n"));
	assert_int_equal(l.lines, 2);
	assert_int_equal(l.malformed.count, 1);
	assert_int_equal(l.count, 1);
	for (int i = 0; i < 8; i++) {
		for (size_t k = 0; k < sizeof(junk); k++) {
			junk[k] = (char)prng_next(&prng);
		}
		url_list_step(&l, (struct str){junk, sizeof(junk)});
	}
	url_list_step(&l, STR("\nhttp://after.example/\n"));
	assert_int_equal(url_list_end(&l), 0);
	assert_true(l.malformed.count > 1000 && l.count <= 1000);
	url_list_done(&l);
}

static void no_more_than_its_maximum(void **state)
{
	struct url_list l;
	char line[64];

	(void)state;
	url_list_init(&l, &(struct list_format){.column = 1}, &key, 500);
	for (int i = 0; i < 800; i++) {
		snprintf(line, sizeof(line), "http://h%d.example/\n", i);
		url_list_step(&l, str_of(line));
	}
	assert_int_equal(url_list_end(&l), 0);
	assert_int_equal(l.count, 500);
	assert_int_equal(l.left_out, 300);
	url_list_done(&l);
}

/* What went in is found, what did not is not; a changed block is refused or harmless. */
static void any_set(void **state)
{
	struct prng prng = {.state = 8};

	(void)state;
	for (size_t n = 0; n < 3000; n = n * 2 + 1) {
		uint64_t *hashes = calloc(n + 1, sizeof(*hashes));
		char url[64];
		struct url_set s;
		size_t size = url_set_size(n);
		char *block = malloc(size);

		assert_true(hashes != NULL && block != NULL);
		for (size_t i = 0; i < n; i++) {
			snprintf(url, sizeof(url), "http://h%zu.example/%zu", i % 70, i);
			hashes[i] = url_entry_hash(&key, URL_ENTRY_URL, str_of(url));
			assert_true(hashes[i] != 0);
		}
		url_set_build(&key, hashes, n, 1U << URL_ENTRY_URL, block);
		assert_int_equal(url_set_open(block, size, &s), 0);
		assert_int_equal(s.count, n);
		for (size_t i = 0; i < 2 * n; i++) {
			snprintf(url, sizeof(url), "https://H%zu.example/%zu", i % 70, i);
			assert_int_equal(url_set_has(&s, str_of(url)), i < n);
		}
		assert_int_equal(url_set_open(block, size - 8, &s), -EBADMSG);
		assert_int_equal(url_set_open(block, 12, &s), -EBADMSG);
		for (int i = 0; i < 200; i++) {
			block[prng_below(&prng, (uint32_t)size)] ^= (char)(1
									   << prng_below(&prng, 8));
			if (url_set_open(block, size, &s) == 0) {
				(void)!url_set_has(&s, STR("http://h1.example/1"));
			}
		}
		memset(block + 48, 0xFF, size - 48); /* no free slot: a look-up still ends */
		if (url_set_open(block, size, &s) == 0) {
			(void)!url_set_has(&s, STR("http://h1.example/1"));
		}
		free(hashes);
		free(block);
	}
}

static unsigned match(const struct made *m, const char *mail_text, struct score *ret)
{
	struct mail *mail = mail_new(NULL, NULL);
	const struct url_match_list lists[2] = {{.name = "empty"}, {"phish", m->set}};

	assert_non_null(mail);
	*ret = (struct score){.reason_count = 1};
	memcpy(ret->reasons[0], "before", 7);
	mail_step(mail, str_of(mail_text));
	url_match(mail_end(mail), lists, 2, ret);
	mail_free(mail);
	return ret->listed;
}

static void what_a_sender_says_itself(void **state)
{
	struct made m;
	struct score s;

	(void)state;
	make(&m, &(struct list_format){.column = 1}, STR("http://bad.example/x\nevil.example\n"),
	     99);
	assert_int_equal(match(&m, "Subject: a\n\nGo to http://bad.example/x now\n", &s), 2);
	assert_string_equal(s.reasons[0], "links to http://bad.example/x: on the list phish");
	assert_string_equal(s.reasons[1], "before");
	assert_int_equal(s.reason_count, 2);
	assert_int_equal(match(&m, "Subject: a\n\nnothing here\n", &s), 0);
	assert_int_equal(s.reason_count, 1);
	/* An abuse desk quotes. */
	assert_int_equal(match(&m,
			       "Subject: Re: abuse\n\nTaken down.\n> Go to http://bad.example/x\n"
			       "  >> www.evil.example\n",
			       &s),
			 0);
	assert_int_equal(match(&m,
			       "Content-Type: text/html\n\n<p>See <a href='http://evil.example/'>"
			       "here</a></p>\n",
			       &s),
			 2);
	/* What it complains about hangs on it. */
	assert_int_equal(match(&m,
			       "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease see.\n"
			       "--b\nContent-Type: message/rfc822\n\nContent-Type: text/html\n\n"
			       "<a href='http://evil.example/'>x</a>\n--b--\n",
			       &s),
			 0);
	drop(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_list),
		cmocka_unit_test(domains_stand_for_their_hosts),
		cmocka_unit_test(a_public_suffix_is_a_host),
		cmocka_unit_test(a_csv_list),
		cmocka_unit_test(hostile_files),
		cmocka_unit_test(no_more_than_its_maximum),
		cmocka_unit_test(any_set),
		cmocka_unit_test(what_a_sender_says_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
