/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: what it becomes, every way it can be wrong with the exact message, and that
 * sample file and man page say what the schema says.
 */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

/* The configuration whose names the design fixes. */
static const char design[] =
	"state_dir: /var/lib/postern\n"
	"listen: { api: \"127.0.0.1:8025\", socket: /run/postern/api.sock }\n"
	"networks:\n"
	"  - name: customers\n"
	"    prefixes: [192.0.2.0/24, \"2001:db8::/32\"]\n"
	"    interfaces: [eth1]          # where the customers are\n"
	"    ports: [25, 465]\n"
	"    posture: open\n"
	"    mode: enforce\n"
	"    feel: reset\n"
	"    content: all\n"
	"    unblock: checked\n"
	"    throttle: { rate: 6/m, burst: 3 }\n"
	"    v6_source: 64\n"
	"tenants:\n"
	"  - name: b\n"
	"    contacts: [owner@b.example]\n"
	"    language: en\n"
	"    support: self\n"
	"    servers:\n"
	"      - { name: b1, sources: [192.0.2.20, \"2001:db8:0:20::/64\"] }\n"
	"never_block: [192.0.2.1]\n"
	"notices: { smtp: \"127.0.0.1:25\", from: abuse@provider.example, portal: "
	"\"https://abuse.provider.example\" }\n"
	"unblock: { cool_down: [1h, 24h, 7d], probation: 72h }\n"
	"brake: { blocks: 5, share: 1%, window: 10m }\n"
	"gate: { backend: nft }\n"
	"sandbox: required\n";

/* Loads, and writes all problems a line each. */
static int load(const char *text, struct policy **ret, char *got, size_t size)
{
	struct conf_report *report = conf_report_new();
	struct buf out;

	assert_non_null(report);
	*ret = NULL;
	int r = conf_load_text(str_of(text), "t", report, ret);
	buf_init(&out, 65536);
	for (size_t i = 0; i < conf_report_count(report); i++) {
		buf_add_cstr(&out, i > 0 ? "\n" : "");
		conf_problem_format(conf_report_get(report, i), &out);
	}
	str_copy(got, size, buf_str(&out));
	buf_done(&out);
	assert_true((conf_report_errors(report) == 0) == (r == 0));
	conf_report_free(report);
	return r;
}

static struct policy *load_good(const char *text)
{
	struct policy *p;
	char got[4096];

	int r = load(text, &p, got, sizeof(got));
	if (r != 0) {
		print_error("%s\n", got);
	}
	assert_int_equal(r, 0);
	return p;
}

static void the_names_of_the_design_are_taken(void **state)
{
	(void)state;
	struct policy *p = load_good(design);
	char text[ADDR_TEXT_SIZE];

	assert_string_equal(p->state_dir, "/var/lib/postern");
	assert_string_equal(p->listen_api, "127.0.0.1:8025");
	assert_int_equal(p->network_count, 1);
	const struct network *n = &p->networks[0];
	assert_string_equal(n->name, "customers");
	assert_int_equal(n->prefix_count, 2);
	assert_string_equal(prefix_format(&n->prefixes[1], text), "2001:db8::/32");
	assert_int_equal(n->interface_count, 1);
	assert_string_equal(n->interfaces[0], "eth1");
	assert_int_equal(n->port_count, 2);
	assert_int_equal(n->ports[1], 465);
	assert_int_equal(n->mode, MODE_ENFORCE);
	assert_int_equal(n->feel, FEEL_RESET);
	assert_int_equal(n->throttle_per_min, 6);
	assert_int_equal(n->throttle_burst, 3);
	assert_int_equal(n->v6_source_len, 64);
	assert_int_equal(p->tenant_count, 1);
	assert_string_equal(p->tenants[0].contacts[0], "owner@b.example");
	assert_false(p->tenants[0].is_managed);
	assert_int_equal(p->tenants[0].server_count, 1);
	assert_string_equal(p->tenants[0].servers[0].name, "b1");
	assert_int_equal(p->tenants[0].servers[0].source_count, 2);
	assert_int_equal(p->never_block_count, 1);
	assert_string_equal(p->notice_portal, "https://abuse.provider.example");
	assert_int_equal(p->cool_down_count, 3);
	assert_int_equal(p->cool_down_s[2], 7 * 86400);
	assert_int_equal(p->probation_s, 72 * 3600);
	assert_int_equal(p->decision.brake_share_ppm, 10000);
	assert_true(p->sandbox_required);
	policy_free(p);
}

/* An empty file is the defaults of the rows, and those are the defaults of the snapshot. */
static void defaults_are_the_same_everywhere(void **state)
{
	(void)state;
	struct policy *a = load_good("networks: [{name: n, prefixes: [192.0.2.0/24]}]\n");
	struct policy *b = policy_new();
	struct buf x;
	struct buf y;

	assert_int_equal(a->networks[0].port_count, 2);
	assert_int_equal(a->networks[0].ports[0], 25);
	assert_int_equal(a->networks[0].mode, MODE_OBSERVE);
	assert_int_equal(a->networks[0].v6_source_len, 64);
	assert_int_equal(a->networks[0].throttle_per_min, 6);
	a->network_count = 0;
	buf_init(&x, 65536);
	buf_init(&y, 65536);
	conf_show_yaml(a, &x);
	conf_show_yaml(b, &y);
	assert_string_equal(buf_cstr(&x), buf_cstr(&y));

	/* The sample holds each default as text: loaded, it is the same once more. */
	struct buf sample;
	struct buf z;
	buf_init(&sample, 65536);
	buf_init(&z, 65536);
	conf_sample(&sample);
	struct policy *c = load_good(buf_cstr(&sample));
	conf_show_yaml(c, &z);
	assert_string_equal(buf_cstr(&z), buf_cstr(&y));
	buf_done(&sample);
	buf_done(&x);
	buf_done(&y);
	buf_done(&z);
	policy_free(a);
	policy_free(b);
	policy_free(c);
}

/* With the # in front of each example taken away the sample is a full configuration. */
static void examples_of_the_sample_load(void **state)
{
	(void)state;
	struct buf sample;
	struct buf full;

	buf_init(&sample, 65536);
	buf_init(&full, 65536);
	conf_sample(&sample);
	struct str rest = buf_str(&sample);
	while (rest.len > 0) {
		struct str line = str_take_until(&rest, '\n');
		bool is_words = line.len > 1 && line.ptr[0] == '#' && line.ptr[1] == ' ' &&
				line.ptr[2] != ' ';
		buf_add(&full,
			line.len > 0 && line.ptr[0] == '#' && !is_words ? str_skip(line, 1) : line);
		buf_add_char(&full, '\n');
	}
	struct policy *p = load_good(buf_cstr(&full));
	assert_int_equal(p->network_count, 1);
	assert_int_equal(p->tenant_count, 1);
	assert_string_equal(p->tenants[0].servers[0].name, "b1");
	assert_string_equal(p->notice_smtp, "127.0.0.1:25");
	policy_free(p);
	buf_done(&sample);
	buf_done(&full);
}

static void shown_text_loads_to_the_same(void **state)
{
	(void)state;
	struct policy *p = load_good(design);
	struct buf x;
	struct buf y;

	buf_init(&x, 65536);
	buf_init(&y, 65536);
	conf_show_yaml(p, &x);
	struct policy *again = load_good(buf_cstr(&x));
	conf_show_yaml(again, &y);
	assert_string_equal(buf_cstr(&x), buf_cstr(&y));
	assert_non_null(strstr(buf_cstr(&x), "cool_down: [1h, 1d, 7d]\n"));
	assert_non_null(strstr(buf_cstr(&x), "  - name: customers\n    prefixes: [192.0.2.0/24, "
					     "\"2001:db8::/32\"]\n"));
	buf_clear(&x);
	struct jsonw w = jsonw_of(&x);
	conf_show_json(p, &w);
	assert_non_null(strstr(buf_cstr(&x), "\"ports\":[25,465]"));
	assert_non_null(strstr(buf_cstr(&x), "\"throttle\":{\"rate\":\"6/m\",\"burst\":3}"));
	buf_done(&x);
	buf_done(&y);
	policy_free(p);
	policy_free(again);
}

#define NET "networks:\n  - name: n\n    prefixes: [192.0.2.0/24, \"2001:db8::/32\"]\n"

static const struct {
	const char *text;
	const char *says;
} bad[] = {
	{"sandbx: best\n",
	 "t:1:1: error: unknown key 'sandbx' in the configuration; did you mean 'sandbox'?"},
	{"xyzzy: 1\n", "t:1:1: error: unknown key 'xyzzy' in the configuration"},
	{NET "    moed: observe\n",
	 "t:4:5: error: unknown key 'moed' in the network; did you mean 'mode'?"},
	{NET "    mode: maybe\n", "t:4:11: error: 'mode' wants observe or enforce, not 'maybe'"},
	{NET "    ports: 25\n", "t:4:12: error: 'ports' wants a list: [a, b]"},
	{NET "    ports: [smtp]\n", "t:4:13: error: 'ports' wants a whole number, not 'smtp'"},
	{NET "    ports: [\"25\"]\n", "t:4:13: error: 'ports' wants a whole number, not '25'"},
	{NET "    ports: [0]\n", "t:4:13: error: 'ports' is outside of 1 to 65535, not '0'"},
	{NET "    ports: [1,2,3,4,5,6,7,8,9]\n", "t:4:29: error: 'ports' takes 8 items at most"},
	{NET "    throttle: 6\n", "t:4:15: error: 'throttle' wants settings of its own"},
	{NET "    throttle: { rate: 6/x }\n",
	 "t:4:23: error: 'rate' wants a rate such as 6/m, 1/s or 120/h, not '6/x'"},
	{NET "    v6_source: 129\n",
	 "t:4:16: error: 'v6_source' is outside of 32 to 128, not '129'"},
	{NET "    name: m\n", "t:4:5: error: 'name' is here twice; first at t:2:5"},
	{NET "\tmode: observe\n", "t:4:1: error: a tab in front of the line: YAML wants spaces"},
	{"networks:\n  - mode: observe\n",
	 "t:2:5: error: the network has no 'name'\nt:2:5: error: the network has no 'prefixes'"},
	{"networks: [{name: n, prefixes: []}]\n", "t:1:32: error: 'prefixes' is empty"},
	{"networks: [{name: n, prefixes: [192.0.2.5/24]}]\n",
	 "t:1:33: error: 'prefixes' has bits after its length; the prefix is 192.0.2.0/24, not "
	 "'192.0.2.5/24'"},
	{"networks: [{name: \"a b\", prefixes: [192.0.2.0/24]}]\n",
	 "t:1:19: error: 'name' wants a name of letters, digits and . _ -, not 'a b'"},
	{NET "  - name: n\n    prefixes: [198.51.100.0/24]\n",
	 "t:4:11: error: the name 'n' is taken by another network at t:2:11"},
	{"sandbox: [best]\n", "t:1:10: error: 'sandbox' wants one of its words, not a list"},
	{"sandbox: {a: b}\n", "t:1:10: error: 'sandbox' wants one of its words"},
	{"sandbox:\n", "t:1:9: error: 'sandbox' has no value; it wants one of its words"},
	{"state_dir: var\n", "t:1:12: error: 'state_dir' wants an absolute path, not 'var'"},
	{"listen: { api: \"localhost:80\" }\n",
	 "t:1:16: error: 'api' wants address:port, such as \"127.0.0.1:25\" or \"[::1]:25\", not "
	 "'localhost:80'"},
	{"unblock: { cool_down: [soon] }\n",
	 "t:1:24: error: 'cool_down' wants a duration such as 90s, 10m, 24h or 7d, not 'soon'"},
	{"brake: { share: 101% }\n", "t:1:17: error: 'share' is outside of 0% to 100%, not '101%'"},
	{"decision: { pi1: [10%, 50%] }\n", "t:1:18: error: 'pi1' wants exactly 3 items"},
	{"notices: { from: nobody }\n", "t:1:18: error: 'from' wants a mail address, not 'nobody'"},
	{"notices: { portal: \"ftp://x\" }\n",
	 "t:1:20: error: 'portal' wants a URL that begins with https:// or http://, not 'ftp://x'"},
	{"- a\n", "t:1:1: error: the file wants settings: key: value, not a list"},
	{"word\n", "t:1:1: error: the file wants settings: key: value"},
	{"sandbox: best\n---\nsandbox: best\n",
	 "t:2:1: error: a second document (---) in one file"},
	{"sandbox: &a best\n", "t:1:10: error: anchors and aliases (& and *) are not used here"},
	{"sandbox: !x best\n", "t:1:10: error: tags (!) are not used here"},
	{"a: *b\n", "t:1:1: error: unknown key 'a' in the configuration\n"
		    "t:1:4: error: anchors and aliases (& and *) are not used here"},
	{"never_block: [\n",
	 "t:2:1: error: did not find expected node content while parsing a flow node"},
	{"state_dir: \"\xff\"\n", "t: error: invalid leading UTF-8 octet at octet 12"},
	{NET "tenants:\n"
	     "  - { name: a, servers: [{ name: a1, sources: [192.0.2.20] }] }\n"
	     "  - { name: b, servers: [{ name: b1, sources: [192.0.2.20] }] }\n",
	 "t:6:48: error: the source 192.0.2.20 of tenant 'b' belongs to tenant 'a' at t:5:48"},
	{NET "tenants:\n"
	     "  - { name: a, servers: [{ name: a1, sources: [\"2001:db8::1\"] }] }\n"
	     "  - { name: b, servers: [{ name: b1, sources: [\"2001:db8::2\"] }] }\n",
	 "t:6:48: error: the source 2001:db8::/64 of tenant 'b' belongs to tenant 'a' at t:5:48"},
	/* One run shows all of it. */
	{"sandbox: worst\nsandbx: best\nbrake: { blocks: x }\n",
	 "t:1:10: error: 'sandbox' wants best or required, not 'worst'\n"
	 "t:2:1: error: unknown key 'sandbx' in the configuration; did you mean 'sandbox'?\n"
	 "t:3:18: error: 'blocks' wants a whole number, not 'x'"},
};

static void every_mistake_has_its_message(void **state)
{
	(void)state;
	unsigned wrong = 0;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct policy *p;
		char got[4096];
		int r = load(bad[i].text, &p, got, sizeof(got));
		if (r != -EINVAL || strcmp(got, bad[i].says) != 0) {
			print_error("%s  got:  %s\n  want: %s\n", bad[i].text, got, bad[i].says);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void what_this_version_lacks_is_said(void **state)
{
	(void)state;
	struct policy *p;
	char got[4096];

	assert_int_equal(load(NET "    feel: answer\n    posture: relay\n", &p, got, sizeof(got)),
			 0);
	assert_string_equal(
		got,
		"t:4:11: warning: this version has no responder for 'answer'; 'n' uses 'reset'\n"
		"t:5:14: warning: this version has no relay for 'relay'; 'n' uses 'open': mail "
		"passes and is watched");
	assert_int_equal(p->networks[0].feel, FEEL_RESET);
	assert_int_equal(p->networks[0].posture, POSTURE_OPEN);
	policy_free(p);
}

/* Nested prefixes are no conflict; the longest match decides. */
static void nested_prefixes_are_fine(void **state)
{
	(void)state;
	struct policy *p = load_good(
		NET "tenants:\n"
		    "  - { name: a, servers: [{ name: a1, sources: [192.0.2.16/28] }] }\n"
		    "  - { name: b, servers: [{ name: b1, sources: [192.0.2.20] }] }\n");
	struct prefix source;

	assert_int_equal(prefix_parse(STR("192.0.2.20"), &source), 0);
	const struct server *s = policy_find_server(p, &source);
	assert_non_null(s);
	assert_string_equal(s->name, "b1");
	assert_string_equal(p->tenants[s->tenant].name, "b");
	policy_free(p);
}

/* Lists of any length grow in the arena and keep their order. */
static void long_lists_keep_their_order(void **state)
{
	(void)state;
	struct buf text;
	char name[16];

	buf_init(&text, 1 << 20);
	buf_add_cstr(&text, "tenants:\n");
	for (unsigned i = 0; i < 1000; i++) {
		buf_printf(&text,
			   "  - name: t%u\n    servers: [{name: s%u, sources: [10.0.%u.%u]}]\n", i,
			   i, i / 256, i % 256);
	}
	struct policy *p = load_good(buf_cstr(&text));
	assert_int_equal(p->tenant_count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		assert_string_equal(p->tenants[i].name, name);
		assert_int_equal(p->tenants[i].servers[0].tenant, i);
	}
	policy_free(p);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_names_of_the_design_are_taken),
		cmocka_unit_test(defaults_are_the_same_everywhere),
		cmocka_unit_test(examples_of_the_sample_load),
		cmocka_unit_test(shown_text_loads_to_the_same),
		cmocka_unit_test(every_mistake_has_its_message),
		cmocka_unit_test(what_this_version_lacks_is_said),
		cmocka_unit_test(nested_prefixes_are_fine),
		cmocka_unit_test(long_lists_keep_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
