/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes between processes comes back as it was, and every cut or out-of-range octet of it is
 * refused: observations, samples and proofs.
 */
#include "base/buf.h"
#include "base/jsonw.h"
#include "core/observation.h"
#include "core/proof.h"
#include "core/sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct message_obs message(void)
{
	struct message_obs o = {
		.time = {1700000000123456789},
		.client = addr_v4((const uint8_t[4]){192, 0, 2, 7}),
		.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
		.dport = 25,
		.session = 77,
		.index = 2,
		.state = MESSAGE_DEFERRED,
		.far = FAR_REPLIED,
		.verified = true,
		.refusal = REFUSAL_BLOCKLIST,
		.reply_code = 451,
		.rcpts = 5,
		.rcpts_accepted = 2,
		.rcpts_unknown = 1,
		.rcpts_refused = 3,
		.size_bytes = 4096,
		.scored = true,
		.flagged = true,
		.score_micro = 970000,
		.bin = 7,
		.simhash = 0x0123456789ABCDEF,
		.urls_hash = 9,
		.campaign = 8,
		.has_list_id = true,
		.sender_domain = 11,
		.helo = 12,
		.helo_is_literal = true,
	};

	o.source = source_of(3, &o.client, 64);
	memset(o.sample, 0xA5, sizeof(o.sample));
	return o;
}

static struct session_obs session(void)
{
	struct session_obs o = {
		.time = {-5},
		.client = addr_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9}),
		.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
		.sport = 40000,
		.dport = 465,
		.session = UINT64_MAX,
		.event = SESSION_ENDED,
		.far = FAR_ACKED,
		.tls = TLS_IMPLICIT,
		.messages = 4,
		.bytes_client = 1ULL << 40,
	};

	o.source = source_of(NETWORK_NONE, &o.client, 64);
	return o;
}

static struct proof proof(void)
{
	struct proof p = {
		.time = {1700000000000000000},
		.verdict = VERDICT_ABUSED,
		.rung = RUNG_BLOCK,
		.messages = 9,
		.flagged = 8,
		.recipients = 27,
		.recipients_unknown = 11,
		.campaigns = 8,
		.campaigns_flagged = 8,
		.first_flagged = {1699999999000000000},
		.last_flagged = {1700000000000000000},
		.h2_micro = 6000000,
		.rule = "content and recipients",
		.rule_version = 1,
		.weights_version = 0xABCD,
		.leg_count = 3,
		.legs = {{.kind = KIND_CONTENT,
			  .pi1_ppm = 900000,
			  .s_micro = 17123456,
			  .h_micro = 16000000,
			  .trials = 9,
			  .bad = 8,
			  .reached_at = {1700000000000000000}},
			 {.kind = KIND_CONTENT,
			  .pi1_ppm = 500000,
			  .is_one_sided = true,
			  .h_micro = 1},
			 {.kind = KIND_FANOUT,
			  .stream = PROOF_STREAM_DESTINATIONS,
			  .pi1_ppm = 4000000,
			  .s_micro = 7000000,
			  .h_micro = 16000000}},
		.sample_count = 1,
	};

	const struct message_obs o = message();
	p.source = o.source;
	memset(p.samples[0], 0x5A, SHA256_SIZE);
	return p;
}

static void messages_come_back(void **state)
{
	(void)state;
	const struct message_obs in = message();
	struct message_obs out;
	uint8_t data[MESSAGE_OBS_ENCODED_MAX];

	int n = message_obs_encode(&in, data, sizeof(data));
	assert_true(n > 0);
	assert_int_equal(message_obs_decode(data, (size_t)n, &out), 0);
	uint8_t again[MESSAGE_OBS_ENCODED_MAX];
	assert_int_equal(message_obs_encode(&out, again, sizeof(again)), n);
	assert_memory_equal(data, again, (size_t)n);
	assert_int_equal(out.rcpts_unknown, 1);
	assert_true(out.score_micro == 970000 && out.helo_is_literal && out.bin == 7);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(message_obs_decode(data, (size_t)cut, &out), -EBADMSG);
		assert_int_equal(message_obs_encode(&in, again, (size_t)cut), -EMSGSIZE);
	}
}

static void answers_are_not_more_than_questions(void **state)
{
	(void)state;
	struct message_obs in = message();
	struct message_obs out;
	uint8_t data[MESSAGE_OBS_ENCODED_MAX];

	in.rcpts_accepted = 3;
	int n = message_obs_encode(&in, data, sizeof(data));
	assert_int_equal(message_obs_decode(data, (size_t)n, &out), -EBADMSG);
	in = message();
	in.rcpts_refused = 0;
	n = message_obs_encode(&in, data, sizeof(data));
	assert_int_equal(message_obs_decode(data, (size_t)n, &out), -EBADMSG);
}

static void sessions_come_back(void **state)
{
	(void)state;
	const struct session_obs in = session();
	struct session_obs out;
	uint8_t data[SESSION_OBS_ENCODED_MAX];
	uint8_t again[SESSION_OBS_ENCODED_MAX];

	int n = session_obs_encode(&in, data, sizeof(data));
	assert_true(n > 0);
	assert_int_equal(session_obs_decode(data, (size_t)n, &out), 0);
	assert_int_equal(session_obs_encode(&out, again, sizeof(again)), n);
	assert_memory_equal(data, again, (size_t)n);
	assert_true(out.time.ns == -5 && out.bytes_client == 1ULL << 40);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(session_obs_decode(data, (size_t)cut, &out), -EBADMSG);
	}
}

static void samples_come_back(void **state)
{
	(void)state;
	struct sample in = {
		.obs = message(),
		.helo = STR("web1.example"),
		.mail_from = STR(""),
		.subject = STR("Win"),
		.reasons = {STR("word"), STR("shape")},
		.reason_count = 2,
		.rcpts = {{STR("example.net"), 99, 550}},
		.rcpt_count = 1,
		.head = STR("Subject: Win\r\n\r\nnow"),
	};
	struct sample out;
	uint8_t *data = malloc(SAMPLE_ENCODED_MAX);

	assert_non_null(data);
	int n = sample_encode(&in, data, SAMPLE_ENCODED_MAX);
	assert_true(n > 0);
	assert_int_equal(sample_decode(data, (size_t)n, &out), 0);
	assert_true(str_is_equal(out.helo, in.helo) && str_is_equal(out.head, in.head));
	assert_non_null(out.mail_from.ptr); /* empty, not absent */
	assert_int_equal(out.mail_from.len, 0);
	assert_null(out.message_id.ptr);
	assert_int_equal(out.rcpts[0].code, 550);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(sample_decode(data, (size_t)cut, &out), -EBADMSG);
	}
	free(data);
}

static void the_largest_sample_fits(void **state)
{
	(void)state;
	char *text = calloc(1, SAMPLE_HEAD_MAX);
	uint8_t *data = malloc(SAMPLE_ENCODED_MAX);
	assert_true(text != NULL && data != NULL);
	const struct str big = {text, SAMPLE_HEAD_MAX};
	struct sample in = {.obs = message(),
			    .helo = big,
			    .mail_from = big,
			    .message_id = big,
			    .subject = big,
			    .from = big,
			    .reply = big,
			    .reason_count = SAMPLE_REASONS_MAX,
			    .rcpt_count = SAMPLE_RCPTS_MAX,
			    .head = big};
	struct sample out;

	for (size_t i = 0; i < SAMPLE_REASONS_MAX; i++) {
		in.reasons[i] = big;
	}
	for (size_t i = 0; i < SAMPLE_RCPTS_MAX; i++) {
		in.rcpts[i].domain = big;
	}
	int n = sample_encode(&in, data, SAMPLE_ENCODED_MAX);
	assert_true(n > 0);
	assert_int_equal(sample_decode(data, (size_t)n, &out), 0);
	assert_int_equal(out.subject.len, SAMPLE_TEXT_MAX); /* cut */
	assert_int_equal(out.head.len, SAMPLE_HEAD_MAX);
	free(text);
	free(data);
}

static void proofs_come_back(void **state)
{
	(void)state;
	const struct proof in = proof();
	struct proof out;
	uint8_t data[PROOF_ENCODED_MAX];
	uint8_t again[PROOF_ENCODED_MAX];

	int n = proof_encode(&in, data, sizeof(data));
	assert_true(n > 0);
	assert_int_equal(proof_decode(data, (size_t)n, &out), 0);
	assert_int_equal(proof_encode(&out, again, sizeof(again)), n);
	assert_memory_equal(data, again, (size_t)n);
	assert_string_equal(out.rule, in.rule);
	assert_int_equal(out.legs[0].s_micro, 17123456);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(proof_decode(data, (size_t)cut, &out), -EBADMSG);
	}
}

static void a_rule_with_odd_octets_is_refused(void **state)
{
	(void)state;
	struct proof in = proof();
	struct proof out;
	uint8_t data[PROOF_ENCODED_MAX];

	in.rule[3] = '\033';
	int n = proof_encode(&in, data, sizeof(data));
	assert_int_equal(proof_decode(data, (size_t)n, &out), -EBADMSG);
}

static void the_largest_proof_fits(void **state)
{
	(void)state;
	struct proof in = proof();
	struct proof out;
	uint8_t data[PROOF_ENCODED_MAX];

	in.leg_count = PROOF_LEGS_MAX;
	in.sample_count = PROOF_SAMPLES_MAX;
	memset(in.rule, 'x', PROOF_RULE_MAX - 1);
	int n = proof_encode(&in, data, sizeof(data));
	assert_true(n > 0);
	assert_int_equal(proof_decode(data, (size_t)n, &out), 0);
}

static void evidence_is_json(void **state)
{
	(void)state;
	const struct proof p = proof();
	struct buf out;
	buf_init(&out, 4096);
	struct jsonw w = jsonw_of(&out);

	jsonw_object(&w, NULL);
	proof_write_evidence(&p, &w, "evidence");
	jsonw_object_end(&w);
	assert_string_equal(buf_cstr(&out), "{\"evidence\":["
					    "{\"kind\":\"content\",\"leg\":\"0.9\",\"s\":17.123,"
					    "\"h\":16.000,\"trials\":9,\"bad\":8},"
					    "{\"kind\":\"content\",\"leg\":\"0.5 "
					    "one-sided\",\"s\":0.000,\"h\":0.000,\"trials\":0,"
					    "\"bad\":0},"
					    "{\"kind\":\"fanout\",\"leg\":\"4x "
					    "destinations\",\"s\":7.000,\"h\":16.000,\"trials\":0,"
					    "\"bad\":0}]}");
	buf_done(&out);
}

static void evidence_is_words(void **state)
{
	(void)state;
	const struct proof p = proof();
	struct buf out;

	buf_init(&out, 4096);
	proof_write_text(&p, &out);
	assert_string_equal(
		buf_cstr(&out),
		"192.0.2.7 is abused, rung block, at 2023-11-14T22:13:20.000000Z\n"
		"because: content and recipients\n"
		"counted: 9 messages (8 flagged), 27 recipients answered (11 unknown), 8 campaigns "
		"(8 "
		"flagged)\n"
		"flagged: first 2023-11-14T22:13:19.000000Z, last 2023-11-14T22:13:20.000000Z\n"
		"evidence, in nats (a second witness counts from 6.000):\n"
		"  content    0.9              sum 17.123 of 16.000, 8 of 9 bad, alarm since "
		"2023-11-14T22:13:20.000000Z\n"
		"  content    0.5 one-sided    sum 0.000 of 0.000, 0 of 0 bad\n"
		"  fanout     4x destinations  sum 7.000 of 16.000, 0 of 0 bad, supports\n"
		"rules version 1, weights 000000000000abcd\n"
		"samples: 5a5a5a5a5a5a5a5a\n");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_back),
		cmocka_unit_test(answers_are_not_more_than_questions),
		cmocka_unit_test(sessions_come_back),
		cmocka_unit_test(samples_come_back),
		cmocka_unit_test(the_largest_sample_fits),
		cmocka_unit_test(proofs_come_back),
		cmocka_unit_test(a_rule_with_odd_octets_is_refused),
		cmocka_unit_test(the_largest_proof_fits),
		cmocka_unit_test(evidence_is_json),
		cmocka_unit_test(evidence_is_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
