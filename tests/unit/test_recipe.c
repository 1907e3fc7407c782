/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of recipe: every platform, direction and family, with and without --undo.
 */
#include "core/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static const char *const platforms[] = {"nftables", "debian", "ubuntu", "almalinux", "windows"};

static void wish(struct recipe *r, const char *platform, const char *direction, const char *family)
{
	recipe_init(r);
	assert_int_equal(recipe_set_platform(r, str_of(platform), NULL), 0);
	assert_int_equal(recipe_set_direction(r, str_of(direction), NULL), 0);
	assert_int_equal(recipe_set_family(r, str_of(family), NULL), 0);
}

static void allow(struct recipe *r, const char *word)
{
	assert_int_equal(recipe_add_allow(r, str_of(word), NULL), 0);
}

/* The script's text; the caller frees it with buf_done. */
static const char *written(const struct recipe *r, struct buf *out)
{
	assert_int_equal(recipe_check(r, NULL), 0);
	buf_init(out, RECIPE_TEXT_MAX);
	recipe_write(r, out);
	assert_int_equal(buf_end(out), 0);
	const char *text = buf_cstr(out);
	assert_non_null(text);
	return text;
}

static void has(const char *text, const char *line, bool is_wanted)
{
	if ((strstr(text, line) != NULL) != is_wanted) {
		fail_msg("%s '%s' in:\n%s", is_wanted ? "no" : "a", line, text);
	}
}

/* What tells that a platform's recipe holds for this direction and family. */
static const char *mark_of(size_t platform, bool is_out, bool is_v4)
{
	static const char *const marks[5][2][2] = {
		{{"chain in", "chain in"}, {"chain out", "chain out"}},
		{{" ip6tables -w -I INPUT 1", " iptables -w -I INPUT 1"},
		 {" ip6tables -w -I OUTPUT 1", " iptables -w -I OUTPUT 1"}},
		{{"-A ufw6-before-input", "-A ufw-before-input"},
		 {"-A ufw6-before-output", "-A ufw-before-output"}},
		{{"--policy=postern-in --add-rich-rule='rule family=\"ipv6\"",
		  "--policy=postern-in --add-rich-rule='rule family=\"ipv4\""},
		 {"--policy=postern-out --add-rich-rule='rule family=\"ipv6\"",
		  "--policy=postern-out --add-rich-rule='rule family=\"ipv4\""}},
		{{"New-NetFirewallRule -DisplayName 'postern recipe in IPv6'",
		  "New-NetFirewallRule -DisplayName 'postern recipe in IPv4'"},
		 {"New-NetFirewallRule -DisplayName 'postern recipe out IPv6'",
		  "New-NetFirewallRule -DisplayName 'postern recipe out IPv4'"}},
	};
	return marks[platform][is_out][is_v4];
}

/* The same for what takes it away. */
static const char *undo_mark_of(size_t platform, bool is_out, bool is_v4)
{
	static const char *const marks[5][2][2] = {
		{{"; delete table inet postern_recipe'", "; delete table inet postern_recipe'"},
		 {"; delete table inet postern_recipe'", "; delete table inet postern_recipe'"}},
		{{"\nip6tables -w -X POSTERN-IN", "\niptables -w -X POSTERN-IN"},
		 {"\nip6tables -w -X POSTERN-OUT", "\niptables -w -X POSTERN-OUT"}},
		{{"\nip6tables -w -X postern-in", "\niptables -w -X postern-in"},
		 {"\nip6tables -w -X postern-out", "\niptables -w -X postern-out"}},
		{{"--delete-policy=postern-in", "--delete-policy=postern-in"},
		 {"--delete-policy=postern-out", "--delete-policy=postern-out"}},
		{{"Remove-NetFirewallRule -DisplayName 'postern recipe in IPv6'",
		  "Remove-NetFirewallRule -DisplayName 'postern recipe in IPv4'"},
		 {"Remove-NetFirewallRule -DisplayName 'postern recipe out IPv6'",
		  "Remove-NetFirewallRule -DisplayName 'postern recipe out IPv4'"}},
	};
	return marks[platform][is_out][is_v4];
}

static void combination_check(size_t platform, const char *direction, const char *family)
{
	struct recipe r;
	struct buf out;

	wish(&r, platforms[platform], direction, family);
	for (int undo = 0; undo < 2; undo++) {
		r.is_undo = undo == 1;
		const char *text = written(&r, &out);
		for (int i = 0; i < 4; i++) {
			bool is_out = (i & 1) != 0;
			bool is_v4 = (i & 2) != 0;
			bool asked_way = is_out ? r.has_out : r.has_in;
			bool asked_family = is_v4 ? r.has_v4 : r.has_v6;
			const char *mark = mark_of(platform, is_out, is_v4);
			const char *undo_mark = undo_mark_of(platform, is_out, is_v4);
			if (asked_way && asked_family) {
				has(text, mark, undo == 0);
				/* a policy of an earlier recipe goes in either case */
				has(text, undo_mark, undo == 1 || platform == 3);
			} else if (platform != 0 && platform != 3) {
				/* one table or policy holds both families there */
				has(text, mark, false);
				has(text, undo_mark, false);
			}
		}
		buf_done(&out);
	}
}

static void every_combination(void **state)
{
	static const char *const directions[] = {"in", "out", "both"};
	static const char *const families[] = {"4", "6", "both"};

	(void)state;
	for (size_t p = 0; p < COUNT_OF(platforms); p++) {
		for (size_t i = 0; i < 9; i++) {
			combination_check(p, directions[i / 3], families[i % 3]);
		}
	}
}

static void lines_check(const char *platform, const char *const *lines)
{
	struct recipe r;
	struct buf out;

	wish(&r, platform, "both", "both");
	assert_int_equal(recipe_set_ports(&r, STR("587,25"), NULL), 0);
	allow(&r, "Debian-exim");
	allow(&r, "192.0.2.25");
	allow(&r, "2001:db8::/64");
	const char *text = written(&r, &out);
	const char *at = text;
	for (size_t i = 0; lines[i] != NULL; i++) {
		const char *next = strstr(at, lines[i]);
		if (next == NULL) {
			fail_msg("no '%s' (in this order) in:\n%s", lines[i], text);
			return;
		}
		at = next;
	}
	has(text, "# Not covered:", true);
	has(text, "Containers", strcmp(platform, "windows") != 0);
	buf_done(&out);
}

static void lines_of_each_platform(void **state)
{
	(void)state;
	lines_check(
		"nftables",
		(const char *[]){
			"oifname \"lo\" accept\n", "meta skuid \"Debian-exim\" accept",
			"ip daddr 192.0.2.25 accept", "ip6 daddr 2001:db8::/64 accept",
			" tcp dport { 25, 587 } tcp flags & (fin | syn | rst | ack) == syn counter",
			"ip saddr 192.0.2.25", "systemctl enable --now postern-recipe.service",
			NULL});
	lines_check("debian",
		    (const char *[]){"-A POSTERN-OUT -o lo -j RETURN",
				     "-m owner --uid-owner Debian-exim -j RETURN",
				     "-d 192.0.2.25 -j RETURN", "-j REJECT --reject-with tcp-reset",
				     "-I OUTPUT 1 -p tcp --syn -j POSTERN-OUT",
				     "ip6tables-restore -w -n <<'END'",
				     "-A POSTERN-OUT -d 2001:db8::/64 -j RETURN",
				     "netfilter-persistent save", NULL});
	lines_check("ubuntu",
		    (const char *[]){"/etc/ufw/before.rules", "# BEGIN postern recipe",
				     "-A postern-out -m owner --uid-owner Debian-exim -j RETURN",
				     "-A ufw-before-output -p tcp --syn", "# END postern recipe",
				     "/etc/ufw/before6.rules", "ufw reload", NULL});
	lines_check("almalinux",
		    (const char *[]){"--direct --add-rule ipv4 filter postern_out 1 -m owner "
				     "--uid-owner Debian-exim -j RETURN",
				     "postern_out 2", "--new-policy=postern-in",
				     "--policy=postern-in --add-ingress-zone=ANY",
				     "source address=\"192.0.2.25\" port port=\"587\"",
				     "firewall-cmd --reload", NULL});
	lines_check("windows",
		    (const char *[]){"NTAccount]'Debian-exim'",
				     "'0.0.0.0-126.255.255.255','128.0.0.0-192.0.2.24',"
				     "'192.0.2.26-255.255.255.255' -LocalUser $users",
				     "'::-::','::2-2001:db7:ffff:ffff:ffff:ffff:ffff:ffff',"
				     "'2001:db8:0:1::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'",
				     "netsh cannot except a user", NULL});
}

static void ranges_of_holes(void **state)
{
	struct recipe r;
	struct buf out;

	(void)state;
	wish(&r, "windows", "out", "4");
	allow(&r, "255.255.255.255");
	allow(&r, "0.0.0.0/8");
	allow(&r, "127.0.0.1");
	allow(&r, "192.0.2.1");
	allow(&r, "192.0.2.0/24");
	has(written(&r, &out),
	    "remoteip=1.0.0.0-126.255.255.255,128.0.0.0-192.0.1.255,192.0.3.0-255.255.255.254\n",
	    true);
	buf_done(&out);
}

static void hostile_words(void **state)
{
	static const char *const words[] = {
		"",
		"a\nrm -rf /",
		"a b",
		"$(id)",
		"`id`",
		"a;id",
		"a'b",
		"a\"b",
		"-j",
		"--help",
		"../x",
		"a|b",
		"relay.net",
		"192.0.2.1\n",
		"1.2.3",
		"::1%eth0",
		"192.0.2.1/8",
		"0.0.0.0/0",
		"::/0",
		"4294967295",
		"12x",
		"#",
		"postf\xC3\xAFx",
		"a\tb",
		"a\\b",
		"abcdefghijklmnopqrstuvwxyzabcdefg",
	};
	struct errmsg err;
	struct recipe r;

	(void)state;
	recipe_init(&r);
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		err.text[0] = '\0';
		if (recipe_add_allow(&r, str_of(words[i]), &err) == 0) {
			fail_msg("taken: '%s'", words[i]);
		}
		assert_true(err.text[0] != '\0');
		assert_null(strchr(err.text, '\n'));
	}
	assert_true(recipe_add_allow(&r, (struct str){"a\0b", 3}, NULL) < 0);
	assert_int_equal(r.user_count + r.host_count, 0);
}

static void unknown_words(void **state)
{
	struct errmsg err;
	struct recipe r;

	(void)state;
	recipe_init(&r);
	assert_true(recipe_set_platform(&r, STR("plan9"), &err) < 0);
	assert_non_null(strstr(err.text, "almalinux"));
	assert_true(recipe_set_direction(&r, STR("up"), &err) < 0);
	assert_true(recipe_set_family(&r, STR("5"), &err) < 0);
	assert_true(recipe_set_ports(&r, STR("80"), &err) < 0);
	assert_non_null(strstr(err.text, "2525"));
	assert_true(recipe_set_ports(&r, STR(""), NULL) < 0);
	assert_true(recipe_set_ports(&r, STR("25,,587"), NULL) < 0);
	assert_int_equal(recipe_set_ports(&r, STR("25,25"), NULL), 0);
	assert_int_equal(r.port_count, 1);

	wish(&r, "debian", "in", "both");
	allow(&r, "postfix");
	assert_true(recipe_check(&r, &err) < 0); /* nothing that comes in has a user */
	wish(&r, "debian", "out", "6");
	allow(&r, "192.0.2.1");
	assert_true(recipe_check(&r, &err) < 0);
	wish(&r, "windows", "out", "both");
	allow(&r, "25");
	assert_true(recipe_check(&r, &err) < 0);
}

static void as_many_as_fit(void **state)
{
	struct recipe r;
	struct buf out;

	(void)state;
	for (size_t p = 0; p < COUNT_OF(platforms); p++) {
		wish(&r, platforms[p], "both", "both");
		assert_int_equal(recipe_set_ports(&r, STR("25,26,465,587,2525"), NULL), 0);
		for (int i = 0; i < RECIPE_USERS_MAX; i++) {
			allow(&r, "abcdefghijklmnopqrstuvwxyzabcdef");
		}
		for (int i = 0; i < RECIPE_HOSTS_MAX; i++) {
			allow(&r, "2001:db8:1111:2222:3333:4444:5555:6666");
		}
		assert_true(recipe_add_allow(&r, STR("a"), NULL) < 0);
		assert_true(recipe_add_allow(&r, STR("::2"), NULL) < 0);
		(void)written(&r, &out);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination), cmocka_unit_test(lines_of_each_platform),
		cmocka_unit_test(ranges_of_holes),   cmocka_unit_test(hostile_words),
		cmocka_unit_test(unknown_words),     cmocka_unit_test(as_many_as_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
