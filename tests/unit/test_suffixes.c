/* SPDX-License-Identifier: Apache-2.0 */
/* The public suffix list of this machine, and what it makes of the domains on a list. */
#include "conf/lists.h"
#include "conf/suffixes.h"
#include "sys/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/poison.h"

static void names_that_everybody_knows(void **state)
{
	static const struct {
		const char *name;
		bool is_suffix;
	} names[] = {
		{"co.uk", true},          {"github.io", true},
		{"example.co.uk", false}, {"user.github.io", false},
		{"example.org", false},   {"com", true},
		{"anything.ck", true},    {"www.ck", false},
		{"xn--55qx5d.cn", true},  {"x.xn--55qx5d.cn", false},
		{"192.0.2.1", false},
	};
	struct suffixes *s = NULL;

	(void)state;
	assert_int_equal(suffixes_load(&s, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (suffixes_has(s, names[i].name) != names[i].is_suffix) {
			fail_msg("%s", names[i].name);
		}
	}
	suffixes_free(s);
	suffixes_free(NULL);
}

static void a_list_of_domains(void **state)
{
	char path[] = "/tmp/pt-suffixes-XXXXXX";
	int fd = mkstemp(path);
	struct list_policy p = {
		.name = "x",
		.file = path,
		.format = {.column = 1, .entries = LIST_DOMAINS},
		.entries_max = 100,
	};
	struct url_list l;
	struct url_set set;
	struct errmsg err = {.text = ""};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, STR("evil.example\nshop.co.uk\ngithub.io\nCO.UK\n")),
			 0);
	close(fd);
	assert_int_equal(list_read(&p, &l, &err), 0);
	assert_int_equal(l.count, 4);
	assert_int_equal(l.public.count, 2);
	assert_int_equal(l.public.first, 3);
	assert_string_equal(l.public.text, "github.io");
	size_t size = url_set_size(l.count);
	void *block = malloc(size);
	assert_non_null(block);
	url_set_build(&l.key, l.hashes, l.count, l.kinds, block);
	assert_int_equal(url_set_open(block, size, &set), 0);
	assert_true(url_set_has(&set, STR("http://a.evil.example/")));
	assert_true(url_set_has(&set, STR("http://www.login.shop.co.uk/x")));
	assert_true(url_set_has(&set, STR("http://github.io/")));
	assert_false(url_set_has(&set, STR("http://somebody.github.io/")));
	assert_false(url_set_has(&set, STR("http://bank.co.uk/")));
	free(block);
	url_list_done(&l);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_everybody_knows),
		cmocka_unit_test(a_list_of_domains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
