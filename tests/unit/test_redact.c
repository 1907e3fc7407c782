/* SPDX-License-Identifier: Apache-2.0 */
/* redact: recipients become domains, everything else stays. */
#include "core/redact.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static const char *redacted(struct str head, size_t max)
{
	static char text[4096];
	struct buf out;

	buf_init(&out, max);
	redact_head(head, &out);
	assert_true(str_copy(text, sizeof(text), buf_str(&out)));
	buf_done(&out);
	return text;
}

static void recipients_become_domains(void **state)
{
	(void)state;
	assert_string_equal(
		redacted(STR("Received: from x (Authenticated sender: alice@b.example)\r\n"
			     "\tby b1.example for <john@c.example>; Tue\r\n"
			     "From: Alice <alice@b.example>\r\n"
			     "To: \"John Doe\" <john@c.example>,\r\n ann+x@d.example\r\n"
			     "CC: =?utf-8?q?Bob?= <bob@e.example>\r\n"
			     "Bcc: undisclosed-recipients:;\r\n"
			     "X-Note: to JOHN@C.example, not jim@c.example\r\n"
			     "\r\n"
			     "Dear john@c.example, write to sales@b.example or bob@e.example.\r\n"),
			 4096),
		"Received: from x (Authenticated sender: alice@b.example)\r\n"
		"\tby b1.example for <hidden@c.example>; Tue\r\n"
		"From: Alice <alice@b.example>\r\n"
		"To: hidden@c.example,\r\n hidden@d.example\r\n"
		"CC: hidden@e.example\r\n"
		"Bcc: hidden\r\n"
		"X-Note: to hidden@C.example, not jim@c.example\r\n"
		"\r\n"
		"Dear hidden@c.example, write to sales@b.example or hidden@e.example.\r\n");
}

static void odd_heads_are_copied(void **state)
{
	(void)state;
	assert_string_equal(redacted(STR(""), 64), "");
	assert_string_equal(redacted(STR("no header at all"), 64), "no header at all");
	assert_string_equal(redacted(STR("\n@@@ a@ @b"), 64), "\n@@@ a@ @b");
	assert_string_equal(redacted(STR("To"), 64), "To hidden\r\n");
	assert_string_equal(redacted(STR("A: b\nTo:\n\nx"), 64), "A: b\nTo: hidden\r\n\nx");
	/* A buffer that is full ends the copy. */
	assert_true(strlen(redacted(STR("A: bbbbbbbbbbbbbbbb\nTo: a@b\n\nx"), 24)) <= 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_become_domains),
		cmocka_unit_test(odd_heads_are_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
