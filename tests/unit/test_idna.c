/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in one form: lower case, Punycode. */
#include "proto/idna.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void is(const char *name, const char *want)
{
	char out[IDNA_NAME_MAX + 1];
	size_t n = idna_to_ascii(str_of(name), out);

	assert_string_equal(out, want);
	assert_int_equal(n, strlen(want));
}

static void names(void **state)
{
	(void)state;
	is("WWW.Example.ORG.", "www.example.org");
	is("b\xc3\xbc"
	   "cher.example",
	   "xn--bcher-kva.example");
	is("m\xc3\xbcnchen.de", "xn--mnchen-3ya.de");
	/* RFC 3492, 7.1: (B) Chinese, (L) "3年B組金八先生" without its capitals */
	is("\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4"
	   "\xe4\xb8\xad\xe6\x96\x87",
	   "xn--ihqwcrb4cv8a8dqg056pqjye");
	is("3\xe5\xb9\xb4"
	   "b\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88\xe7\x94\x9f",
	   "xn--3b-ww4c5e180e575a65lsy2b");
	is("192.0.2.1", "192.0.2.1");
	is("_dmarc.a-b.example", "_dmarc.a-b.example");
}

static void what_is_no_name(void **state)
{
	char label[80];
	char many[300];

	(void)state;
	is("", "");
	is(".", "");
	is("a..b", "");
	is(".a", "");
	is("a b", "");
	is("a/b", "");
	is("a\xff.b", "");
	is("\xc3", "");
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	is(label, label);
	label[63] = 'a';
	label[64] = '\0';
	is(label, "");
	memset(many, 'a', sizeof(many));
	for (size_t i = 1; i < sizeof(many); i += 2) {
		many[i] = '.';
	}
	many[253] = '\0';
	is(many, many);
	many[253] = '.';
	many[254] = 'a';
	many[255] = '\0';
	is(many, "");
	/* 40 letters of three octets make more than 63. */
	char cjk[121 + UTF8_MAX];
	for (uint32_t i = 0; i < 40; i++) {
		(void)utf8_write(0x4E00 + i * 7919 % 20000, cjk + 3 * i);
	}
	cjk[120] = '\0';
	is(cjk, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(what_is_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
