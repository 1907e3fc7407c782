/* SPDX-License-Identifier: Apache-2.0 */
/* Which messages other filters are asked about: a share, suspects, a rate, and what content says.
 */
#include "daemon/tap/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/poison.h"

static struct sampler s;
static struct network networks[3] = {
	{.content = CONTENT_ALL}, {.content = CONTENT_SUSPECTS}, {.content = CONTENT_NONE}};
static struct opinion_policy services[2] = {
	{.kind = OPINION_SPAMD, .share_ppm = 50000, .rate_per_min = 60000},
	{.kind = OPINION_RSPAMD, .share_ppm = 0, .rate_per_min = 60000}};
static struct policy policy = {
	.networks = networks, .network_count = 3, .opinions = services, .opinion_count = 2};

static struct message_obs message(uint16_t network, uint8_t last, bool flagged, int64_t ms)
{
	const struct addr a = addr_v4((const uint8_t[4]){192, 0, 2, last});

	return (struct message_obs){.time = {INT64_C(1700000000) * NS_PER_S + ms * NS_PER_MS},
				    .source = source_of(network, &a, 64),
				    .far = FAR_REPLIED,
				    .scored = true,
				    .flagged = flagged};
}

static unsigned choose(uint16_t network, uint8_t last, bool flagged, int64_t ms)
{
	struct message_obs o = message(network, last, flagged, ms);

	return sampler_choose(&s, &o);
}

static void begin(void)
{
	const struct siphash_key key = {5, 6};

	sampler_init(&s, &policy, &key);
}

static void a_share_of_all_and_all_of_suspects(void **state)
{
	unsigned chosen = 0;

	(void)state;
	begin();
	for (int64_t i = 0; i < 20000; i++) {
		unsigned c = choose(0, (uint8_t)(i % 200), false, i * 10);
		assert_true(c <= 1);
		chosen += c;
	}
	assert_true(chosen > 850 && chosen < 1150); /* 5 % */
	assert_int_equal(choose(0, 210, true, 200000), 3);
	for (int64_t i = 0; i < 50; i++) {
		assert_int_equal(choose(0, 210, false, 200100 + i * 10), 3);
	}
	/* An hour later it is like others: of rspamd nothing is asked. */
	assert_true(choose(0, 210, false, 200000 + 3601000) <= 1);
}

static void what_content_allows(void **state)
{
	(void)state;
	begin();
	services[0].share_ppm = 1000000;
	assert_int_equal(choose(0, 1, false, 0), 1);
	assert_int_equal(choose(1, 1, false, 10), 0);
	assert_int_equal(choose(1, 2, true, 20), 3);
	assert_int_equal(choose(1, 2, false, 30), 3);
	assert_int_equal(choose(2, 3, true, 40), 0);
	struct message_obs o = message(0, 9, true, 50);
	o.far = FAR_NONE; /* not counted as others are */
	assert_int_equal(sampler_choose(&s, &o), 0);
	o = message(NETWORK_NONE, 9, true, 60);
	assert_int_equal(sampler_choose(&s, &o), 0);
	o = message(0, 9, true, 70);
	o.scored = false;
	assert_int_equal(sampler_choose(&s, &o), 0);
	services[0].share_ppm = 50000;
}

static void no_more_than_its_rate(void **state)
{
	unsigned chosen = 0;

	(void)state;
	services[0].rate_per_min = 60;
	services[0].share_ppm = 1000000;
	begin();
	for (int64_t i = 0; i < 6000; i++) { /* a minute of 100 a second */
		chosen += choose(0, 1, false, i * 10) & 1;
	}
	assert_true(chosen >= 60 && chosen <= 72);
	assert_true(s.over_rate > 5000);
	services[0].rate_per_min = 60000;
	services[0].share_ppm = 50000;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_of_all_and_all_of_suspects),
		cmocka_unit_test(what_content_allows),
		cmocka_unit_test(no_more_than_its_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
