/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_select and queue_marks: what is spam of an account and what is its owner's mail.
 */
#include "core/queue_select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define SPAM 200
#define OWN 30
#define ALL (SPAM + OWN)

static const struct siphash_key key = {1, 2};

struct made {
	const char *subject;
	const char *text;
	const char *host;
	const char *form;
	const char *addr;
};

static struct queue_marks marks_under(const struct made *m, const struct siphash_key *k)
{
	struct mail_link link = {.host = str_of(m->host)};
	struct mail_view v = {.subject = str_of(m->subject),
			      .text = str_of(m->text),
			      .links = &link,
			      .link_count = m->host == NULL ? 0 : 1};
	struct queue_marks ret = {{0}, 0};

	queue_marks_view(&ret, &v, STR("shop.example"), k);
	queue_marks_set(&ret, QUEUE_MARK_FORM, str_of(m->form), k);
	queue_marks_network(&ret, str_of(m->addr), k);
	return ret;
}

static struct queue_marks marks_of(const struct made *m)
{
	return marks_under(m, &key);
}

/* A run of spam, each mail with its own number and name, and own mail with its own words. */
static void fill(struct queue_item items[static ALL], const char *host, bool same_subject)
{
	char subject[128];
	char text[256];

	char addr[32];

	memset(items, 0, ALL * sizeof(*items));
	for (unsigned i = 0; i < ALL; i++) {
		bool is_spam = i < SPAM;
		(void)snprintf(addr, sizeof(addr), "203.0.%u.7", i % 6);
		struct made m = {.subject = subject,
				 .text = text,
				 .host = is_spam ? host : "www.shop.example",
				 .form = is_spam ? "from:to:" : "to:from:",
				 .addr = is_spam ? addr : "198.51.100.7"};
		(void)snprintf(subject, sizeof(subject),
			       is_spam ? same_subject ? "Bill %u is due now"
						      : "topic%c%c other%c words%c"
				       : "Invoice %u",
			       is_spam && !same_subject ? 'a' + i % 25 : i, 'a' + i / 9 % 25,
			       'a' + i / 3 % 25, 'a' + i % 7);
		(void)snprintf(text, sizeof(text),
			       is_spam ? "dear c%c%c we have for you the very best offer of all "
					 "times and you must look at it %u"
				       : "own %c%c%u words",
			       'a' + i % 26, 'a' + i / 26, i);
		items[i].marks = marks_of(&m);
		items[i].rcpts = is_spam ? 3 : 1;
		items[i].arrival.ns = 1000 + i;
	}
}

static void select_all(struct queue_item *items, size_t n, struct wall since)
{
	const bool accused[2] = {true, false};
	const struct queue_select_opts opts = {
		.accused = accused, .source_count = 2, .since = since};

	assert_int_equal(queue_select(items, n, &opts), 0);
}

static size_t count(const struct queue_item *items, size_t from, size_t to, enum queue_fate fate)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		n += items[i].fate == fate ? 1 : 0;
	}
	return n;
}

static void spam_goes_and_own_mail_stays(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	select_all(items, ALL, (struct wall){0});
	assert_int_equal(count(items, 0, SPAM, QUEUE_SPAM), SPAM);
	assert_int_equal(count(items, SPAM, ALL, QUEUE_OWN), OWN);
}

static void the_whole_of_a_source_goes_when_it_is_said(void **state)
{
	struct queue_item *items = *state;
	const bool accused[2] = {true, false};
	const struct queue_select_opts opts = {
		.accused = accused, .source_count = 2, .since = {1010}, .whole = true};

	fill(items, "evil.example", true);
	items[20].source = 1; /* somebody else's */
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, ALL, QUEUE_SPAM), ALL - 11);
	assert_int_equal(count(items, 0, 10, QUEUE_OUTSIDE), 10);
	assert_int_equal(items[20].fate, QUEUE_OTHERS);
}

/* Subjects all differ and there is no link: the wording alone is one kind; how it is built helps
 * because the owner's mail is built in another way. */
static void wording_and_form(void **state)
{
	struct queue_item *items = *state;

	fill(items, NULL, false);
	select_all(items, ALL, (struct wall){0});
	assert_true(count(items, 0, SPAM, QUEUE_SPAM) > SPAM * 9 / 10);
	assert_int_equal(count(items, SPAM, ALL, QUEUE_OWN), OWN);

	/* Without that difference it is one kind, and stays for review. */
	for (size_t i = 0; i < ALL; i++) {
		items[i].marks.of[QUEUE_MARK_FORM] = 7;
		items[i].marks.of[QUEUE_MARK_NETWORK] = 0;
	}
	select_all(items, ALL, (struct wall){0});
	assert_int_equal(count(items, SPAM, ALL, QUEUE_OWN), OWN);
	assert_int_equal(count(items, 0, SPAM, QUEUE_OWN), 0);
}

/* Three words and nothing else: proof in a big campaign, none in a small one. */
static void a_short_text_that_all_have(void **state)
{
	struct queue_item *items = *state;

	for (size_t n = 50; n <= SPAM; n += SPAM - 50) {
		fill(items, NULL, false);
		for (size_t i = 0; i < ALL; i++) {
			bool is_spam = i < n;
			items[i].source = is_spam || i >= SPAM ? 0 : 1;
			memset(&items[i].marks, 0, sizeof(items[i].marks));
			items[i].marks.of[QUEUE_MARK_TEXT] = is_spam ? 99 : 1000 + i;
			items[i].is_odd = is_spam;
			items[i].marks.words = 3;
		}
		select_all(items, ALL, (struct wall){0});
		assert_int_equal(count(items, 0, n, n < 100 ? QUEUE_REVIEW : QUEUE_SPAM), n);
		assert_int_equal(count(items, SPAM, ALL, QUEUE_OWN), OWN);
	}
}

/* The same shape of subject is not enough to lose a mail. */
static void one_kind_in_common_is_for_review(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	items[ALL - 1].marks.of[QUEUE_MARK_SUBJECT] = items[0].marks.of[QUEUE_MARK_SUBJECT];
	items[ALL - 2].marks.of[QUEUE_MARK_LINK] = items[0].marks.of[QUEUE_MARK_LINK];
	select_all(items, ALL, (struct wall){0});
	assert_int_equal(items[ALL - 1].fate, QUEUE_REVIEW);
	assert_int_equal(items[ALL - 2].fate, QUEUE_REVIEW);
	assert_int_equal(count(items, SPAM, ALL, QUEUE_OWN), OWN - 2);
}

/* A few mails in a row are no campaign: nobody's mail goes because it is in a queue. */
static void few_messages_are_no_campaign(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	select_all(items + SPAM - 5, 5, (struct wall){0});
	assert_int_equal(count(items, SPAM - 5, SPAM, QUEUE_OWN), 5);
}

/* The biggest run is the owner's newsletter; the complaint is about the smaller one. */
static void a_named_message_says_which(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	for (size_t i = 0; i < OWN; i++) {
		items[SPAM + i].marks.of[QUEUE_MARK_TEXT] = 99;
		items[SPAM + i].marks.words = 50;
	}
	items[SPAM].is_named = true;
	select_all(items, ALL, (struct wall){0});
	assert_int_equal(count(items, SPAM, ALL, QUEUE_SPAM), OWN);
	assert_int_equal(count(items, 0, SPAM, QUEUE_SPAM), 0);
}

#define NEWS 150

/* A newsletter of the owner, of one text and link, and a smaller run of spam; a few mails of its
 * own. */
static void fill_news(struct queue_item items[static ALL], bool has_networks)
{
	fill(items, "evil.example", true);
	for (size_t i = 0; i < ALL; i++) {
		struct made m = {.subject = "News of March",
				 .text = "our shop has these things for you this month and more",
				 .host = "list.example",
				 .form = "to:from:",
				 .addr = "198.51.100.7"};
		if (i < NEWS) {
			items[i].marks = marks_of(&m);
		} else if (!has_networks) {
			items[i].marks.of[QUEUE_MARK_NETWORK] = 0;
		}
	}
}

static void an_owners_newsletter_is_never_taken_for_the_spam(void **state)
{
	struct queue_item *items = *state;
	const bool accused[2] = {true, false};
	bool chosen[QUEUE_CHOICES_MAX + 1] = {false};
	struct queue_subject subject;
	struct queue_select_opts opts = {.accused = accused, .source_count = 2};
	const size_t spam = SPAM - NEWS;

	/* Something speaks for the smaller one. */
	fill_news(items, true);
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, NEWS, QUEUE_CHOICE), NEWS);
	assert_int_equal(count(items, NEWS, SPAM, QUEUE_SPAM), spam);
	assert_int_equal(count(items, SPAM, ALL, QUEUE_OWN), OWN);

	/* Nothing speaks for any of them: each has its number. */
	fill_news(items, false);
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, ALL, QUEUE_SPAM), 0);
	assert_int_equal(count(items, 0, SPAM, QUEUE_CHOICE), SPAM);
	assert_int_equal(items[0].campaign, 1);
	assert_int_equal(items[NEWS].campaign, 2);

	chosen[2] = true;
	opts.chosen = chosen;
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, NEWS, QUEUE_CHOICE), NEWS);
	assert_int_equal(count(items, NEWS, SPAM, QUEUE_SPAM), spam);

	/* A subject of it was complained about; the message is not in the queue any more. */
	opts.chosen = NULL;
	subject.marks[0] = items[NEWS].marks.of[QUEUE_MARK_SUBJECT];
	subject.marks[1] = items[NEWS].marks.of[QUEUE_MARK_SUBJECT_2];
	opts.subjects = &subject;
	opts.subject_count = 1;
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, NEWS, QUEUE_CHOICE), NEWS);
	assert_int_equal(count(items, NEWS, SPAM, QUEUE_SPAM), spam);
	opts.subject_count = 0;

	/* A script among uploads sent it. */
	for (size_t i = NEWS; i < SPAM; i++) {
		items[i].is_odd = true;
	}
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, NEWS, QUEUE_SPAM), 0);
	assert_int_equal(count(items, NEWS, SPAM, QUEUE_SPAM), spam);

	/* One of it was complained about. */
	fill_news(items, false);
	items[NEWS + 3].is_named = true;
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, NEWS, QUEUE_SPAM), 0);
	assert_int_equal(count(items, NEWS, SPAM, QUEUE_SPAM), spam);

	/* A stranger's mail that is relayed is nobody's own. */
	items[NEWS + 3].is_named = false;
	opts.ownerless = accused;
	assert_int_equal(queue_select(items, ALL, &opts), 0);
	assert_int_equal(count(items, 0, SPAM, QUEUE_SPAM), SPAM);
}

static void what_others_have_too_proves_nothing(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	/* A disclaimer of the server: the same words in all mail, also of another source. */
	for (size_t i = 0; i < ALL; i++) {
		items[i].source = i >= SPAM ? 1 : 0;
		items[i].marks.of[QUEUE_MARK_TEXT] = 99;
		items[i].marks.words = 50;
		items[i].marks.of[QUEUE_MARK_SUBJECT] = i + 1;
		items[i].marks.of[QUEUE_MARK_SUBJECT_2] = i + 1000;
		items[i].marks.of[QUEUE_MARK_LINK] = 0;
		memset(&items[i].marks.of[QUEUE_MARK_WORDS], 0, 4 * sizeof(uint64_t));
	}
	select_all(items, ALL, (struct wall){0});
	assert_int_equal(count(items, 0, SPAM, QUEUE_SPAM), 0);
	assert_int_equal(count(items, SPAM, ALL, QUEUE_OTHERS), OWN);
}

static void outside_of_the_window_stays(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	select_all(items, ALL, (struct wall){1000 + 50});
	assert_int_equal(count(items, 0, 50, QUEUE_OUTSIDE), 50);
	assert_int_equal(count(items, 50, SPAM, QUEUE_SPAM), SPAM - 50);
}

static void bounces_are_told_by_what_they_bring_back(void **state)
{
	struct queue_item *items = *state;

	fill(items, "evil.example", true);
	items[3].marks.of[QUEUE_MARK_MESSAGE_ID] = 4711;
	for (size_t i = ALL - 4; i < ALL; i++) {
		items[i] = (struct queue_item){.source = 1, .is_bounce = true};
	}
	items[ALL - 4].marks = items[0].marks;
	items[ALL - 3].marks.of[QUEUE_MARK_MESSAGE_ID] = 4711;
	items[ALL - 2].marks = items[SPAM].marks; /* of the owner's own */
	select_all(items, ALL, (struct wall){0});
	assert_int_equal(items[ALL - 4].fate, QUEUE_BOUNCE);
	assert_int_equal(items[ALL - 3].fate, QUEUE_BOUNCE);
	assert_int_equal(items[ALL - 2].fate, QUEUE_OTHERS);
	assert_int_equal(items[ALL - 1].fate, QUEUE_OTHERS);
}

static void numbers_and_names_of_hosts(void **state)
{
	(void)state;
	const struct made a = {.subject = "Bill 17 of c1@x.example", .text = "one 2 three four"};
	const struct made b = {.subject = "bill 99 of c2@y.example", .text = "One 7 three four"};
	const struct made own = {.host = "mail.shop.example"};
	const struct made like = {.host = "evilshop.example"};
	struct queue_marks x = marks_of(&a);
	struct queue_marks y = marks_of(&b);

	assert_true(x.of[QUEUE_MARK_SUBJECT] != 0);
	assert_true(x.of[QUEUE_MARK_SUBJECT] == y.of[QUEUE_MARK_SUBJECT]);
	assert_true(x.of[QUEUE_MARK_TEXT] == y.of[QUEUE_MARK_TEXT]);
	assert_true(x.of[QUEUE_MARK_TEXT] != x.of[QUEUE_MARK_WORDS]);
	assert_true(marks_of(&own).of[QUEUE_MARK_LINK] == 0);
	assert_true(marks_of(&like).of[QUEUE_MARK_LINK] != 0);
}

/* A choice is named by its number in one run and taken by it in the next, which has another key. */
static void what_two_have_in_common_does_not_hang_on_the_key(void **state)
{
	(void)state;
	static const char *const words[] = {"red",   "green", "blue", "lamp",
					    "river", "stone", "cat"};
	const struct siphash_key other = {3, 4};
	struct queue_marks under[2][20];

	for (unsigned i = 0; i < 20; i++) {
		char subject[64];
		char text[256];
		(void)snprintf(subject, sizeof(subject), "%s news of the %s %s", words[i % 7],
			       words[i % 3], words[i % 5]);
		(void)snprintf(text, sizeof(text),
			       "dear %s we have a new %s for the old %s and a %s", words[i % 2],
			       words[i % 5], words[i % 7], words[i % 3]);
		const struct made m = {.subject = subject, .text = text};
		under[0][i] = marks_under(&m, &key);
		under[1][i] = marks_under(&m, &other);
	}
	for (unsigned i = 0; i < 20 * 20; i++) {
		for (unsigned k = 0; k < QUEUE_MARK_COUNT; k++) {
			bool is_like[2];
			for (unsigned w = 0; w < 2; w++) {
				is_like[w] = under[w][i / 20].of[k] == under[w][i % 20].of[k];
			}
			assert_int_equal(is_like[0], is_like[1]);
		}
	}
	assert_true(under[0][0].of[QUEUE_MARK_TEXT] != under[1][0].of[QUEUE_MARK_TEXT]);
}

static void returned_message(void **state)
{
	(void)state;
	const struct str bounce = STR(
		"Subject: Undelivered\n\n--x\nContent-Type: text/plain\n\nsorry\n--x\n"
		"Content-Type: message/rfc822\nContent-Description: it\n\nSubject: spam\n\nhi\n");

	assert_true(str_is_equal(queue_marks_returned(bounce), STR("Subject: spam\n\nhi\n")));
	assert_int_equal(queue_marks_returned(STR("Subject: a\n\nb\n")).len, 0);
	assert_int_equal(queue_marks_returned(STR("x\nContent-Type: message/rfc822\n")).len, 0);
}

static int make(void **state)
{
	*state = calloc(ALL, sizeof(struct queue_item));
	return *state == NULL ? -1 : 0;
}

static int drop(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(spam_goes_and_own_mail_stays, make, drop),
		cmocka_unit_test_setup_teardown(the_whole_of_a_source_goes_when_it_is_said, make,
						drop),
		cmocka_unit_test_setup_teardown(wording_and_form, make, drop),
		cmocka_unit_test_setup_teardown(a_short_text_that_all_have, make, drop),
		cmocka_unit_test_setup_teardown(one_kind_in_common_is_for_review, make, drop),
		cmocka_unit_test_setup_teardown(few_messages_are_no_campaign, make, drop),
		cmocka_unit_test_setup_teardown(a_named_message_says_which, make, drop),
		cmocka_unit_test_setup_teardown(an_owners_newsletter_is_never_taken_for_the_spam,
						make, drop),
		cmocka_unit_test_setup_teardown(what_others_have_too_proves_nothing, make, drop),
		cmocka_unit_test_setup_teardown(outside_of_the_window_stays, make, drop),
		cmocka_unit_test_setup_teardown(bounces_are_told_by_what_they_bring_back, make,
						drop),
		cmocka_unit_test(numbers_and_names_of_hosts),
		cmocka_unit_test(what_two_have_in_common_does_not_hang_on_the_key),
		cmocka_unit_test(returned_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
