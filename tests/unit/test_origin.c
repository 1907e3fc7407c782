/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of origin and received: chains of Received lines as the common servers write them.
 */
#include "core/origin.h"
#include "proto/received.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void line_check(const char *field, const char *want)
{
	struct received r = received_parse(str_of(field));
	char address[ADDR_TEXT_SIZE] = "-";
	struct buf got;

	buf_init(&got, 1024);
	if (r.address.family != 0) {
		addr_format(&r.address, address);
	}
	buf_printf(&got, "%.*s|%.*s|%s|%.*s|%.*s|%.*s%s", STR_ARG(r.from), STR_ARG(r.verified),
		   address, STR_ARG(r.by), STR_ARG(r.account), STR_ARG(r.uid),
		   r.is_local ? "|local" : "");
	assert_string_equal(buf_cstr(&got), want);
	buf_done(&got);
}

static void forms_of_received(void **state)
{
	(void)state;
	/* Postfix */
	line_check("from helo.example (web1.host.example [192.0.2.7]) by mx.example (Postfix) with "
		   "ESMTP id 1 for <a@b>; Sat, 21 Nov 2026",
		   "helo.example|web1.host.example|192.0.2.7|mx.example||");
	line_check("from relay.host.example (unknown [IPv6:2001:db8::7]) by mx.example (Postfix)",
		   "relay.host.example||2001:db8::7|mx.example||");
	line_check("by web1.host.example (Postfix, from userid 33) id 4F; Sat",
		   "||-|web1.host.example||33|local");
	line_check("from pc (dsl.example [192.0.2.9]) (Authenticated sender: joe@site.example) by "
		   "mail.host.example (Postfix) with ESMTPSA id 5",
		   "pc|dsl.example|192.0.2.9|mail.host.example|joe@site.example|");
	/* Exim */
	line_check("from web1.host.example ([192.0.2.7] helo=x.example) by mx.example with esmtp",
		   "web1.host.example|web1.host.example|192.0.2.7|mx.example||");
	line_check("from [192.0.2.7] (helo=web1.host.example) by mx.example with esmtp",
		   "||192.0.2.7|mx.example||");
	line_check("from web1.host.example ([192.0.2.7]) by mx.example with esmtp (Exim 4.96)",
		   "web1.host.example|web1.host.example|192.0.2.7|mx.example||");
	line_check("from www-data by web1.host.example with local (Exim 4.96) id 1q",
		   "||-|web1.host.example|www-data||local");
	/* sendmail */
	line_check("(from apache@localhost) by web1.host.example (8.17/8.17/Submit) id 3A",
		   "||-|web1.host.example|apache||local");
	line_check("from x (web1.host.example [192.0.2.7] (may be forged)) by mx.example (8.17)",
		   "x||192.0.2.7|mx.example||");
	/* qmail */
	line_check("(qmail 1234 invoked by uid 48); 21 Nov 2026", "||-|||48|local");
	line_check("from unknown (HELO web1.host.example) (192.0.2.7) by mx.example with SMTP",
		   "unknown||192.0.2.7|mx.example||");
	line_check("from web1.host.example (HELO y) (192.0.2.7) by mx.example with SMTP",
		   "web1.host.example|web1.host.example|192.0.2.7|mx.example||");
	/* Exchange, Google, nonsense */
	line_check("from A.prod.example (2603:10a6::1) by B.prod.example (2603:10a6::2) with SMTP",
		   "A.prod.example||2603:10a6::1|B.prod.example||");
	line_check("by 2002:a05:6a10::1 with SMTP id x; Sat", "||-|2002:a05:6a10::1||");
	line_check("from (((", "||-|||");
	line_check("", "||-|||");
}

/* Header lines, hosts (NULL: none), and what comes out as one line. */
static void check(const char *const *fields, const char *host, const char *want)
{
	struct origin *o = origin_new();
	struct buf got;

	assert_non_null(o);
	buf_init(&got, 8192);
	if (host != NULL) {
		assert_int_equal(origin_add_host(o, str_of(host)), 0);
	}
	for (; *fields != NULL; fields++) {
		struct str value = str_of(*fields);
		struct str name = str_take_until(&value, ':');
		origin_add_field(o, name, str_trim(value));
	}
	const struct origin_result *r = origin_end(o);
	buf_printf(&got, "%s host=%.*s script=%.*s account=%.*s uid=%.*s %d%d%d believed=%zu",
		   origin_path_name(r->path), STR_ARG(r->host), STR_ARG(r->script),
		   STR_ARG(r->account), STR_ARG(r->uid), r->is_id_known, r->is_received_known,
		   r->is_x_known, r->believed_count);
	assert_string_equal(buf_cstr(&got), want);
	buf_done(&got);
	origin_free(o);
}

#define CHECK(host, want, ...)                                                                     \
	do {                                                                                       \
		static const char *const fields_[] = {__VA_ARGS__, NULL};                          \
		check(fields_, host, want);                                                        \
	} while (0)

#define MX_FROM_WEB "Received: from x (web1.host.example [192.0.2.7]) by mx.example (Postfix)"
#define MX_FROM_RELAY                                                                              \
	"Received: from relay (relay.host.example [192.0.2.1]) by mx.example (Postfix)"
#define MX_FROM_BOT                                                                                \
	"Received: from relay.host.example (dsl.isp.example [203.0.113.9]) by mx.example"
#define RELAY_FROM_WEB                                                                             \
	"Received: from web1 (web1.host.example [192.0.2.7]) by relay.host.example (Postfix)"
#define WEB_LOCAL "Received: by web1.host.example (Postfix, from userid 1001)"

static void relayed(void **state)
{
	(void)state;
	CHECK("*.host.example",
	      "relayed host=relay.host.example script=mail.php account= uid=1001 111 believed=2",
	      MX_FROM_RELAY, RELAY_FROM_WEB, WEB_LOCAL, "X-PHP-Originating-Script: 1001:mail.php",
	      "X-PPP-Vhost: web1.host.example", "Message-ID: <1@web1.host.example>");
	CHECK("*.host.example",
	      "relayed host=web1.host.example script=www.site.example/a.php account= uid=1001 010 "
	      "believed=1",
	      MX_FROM_WEB, WEB_LOCAL, "X-PHP-Script: www.site.example/a.php for 203.0.113.4",
	      "Message-ID: <1@site.example>");
	CHECK("*.host.example",
	      "relayed host=mail.host.example script= account=joe@site.example uid= 010 believed=1",
	      "Received: from mail (mail.host.example [192.0.2.2]) by mx.example",
	      "Received: from pc (dsl.example [203.0.113.5]) (Authenticated sender: "
	      "joe@site.example) by mail.host.example (Postfix)",
	      "Received: by forged.host.example (Postfix, from userid 0)");
	CHECK("web1.host.example",
	      "relayed host=web1.host.example script= account= uid=48 010 believed=1", MX_FROM_WEB,
	      "Received: (qmail 77 invoked by uid 48); 21 Nov 2026");
}

static void direct(void **state)
{
	(void)state;
	CHECK("*.host.example",
	      "direct host=web1.host.example script= account= uid= 110 believed=0", MX_FROM_WEB,
	      "Message-ID: <1@web1.host.example>");
	CHECK("192.0.2.0/24", "direct host=192.0.2.7 script= account= uid= 010 believed=0",
	      "Received: from y (unknown [192.0.2.7]) by mx.example");
	/* The recipient's own hops come first. */
	CHECK("*.host.example",
	      "direct host=web1.host.example script= account= uid= 010 believed=0",
	      "Received: by 2002:a05:1::2 with SMTP id 1", MX_FROM_WEB);
	/* Lines below the break are invented. */
	CHECK("*.host.example",
	      "direct host=web1.host.example script= account= uid= 010 believed=0", MX_FROM_WEB,
	      "Received: from a (b.other.example [198.51.100.1]) by c.other.example (Postfix)",
	      "Received: by relay.host.example (Postfix, from userid 0)");
}

static void unknown(void **state)
{
	(void)state;
	/* A bot that calls itself our relay, and invents a line of it. */
	CHECK("*.host.example", "unknown host= script= account= uid= 000 believed=0", MX_FROM_BOT,
	      RELAY_FROM_WEB, WEB_LOCAL);
	CHECK("*.other.example", "unknown host= script= account= uid= 000 believed=0",
	      MX_FROM_RELAY, RELAY_FROM_WEB);
	CHECK("*.host.example", "unknown host= script= account= uid= 000 believed=0", "Subject: x");
}

static void without_hosts(void **state)
{
	(void)state;
	CHECK(NULL, "relayed host=relay.host.example script= account= uid=1001 010 believed=2",
	      MX_FROM_RELAY, RELAY_FROM_WEB, WEB_LOCAL);
	CHECK(NULL, "direct host=web1.host.example script= account= uid= 110 believed=0",
	      MX_FROM_WEB, "Message-ID: <1@web1.host.example>");
	CHECK(NULL, "relayed host=web1.host.example script= account= uid=1001 010 believed=1",
	      WEB_LOCAL);
}

static void panels(void **state)
{
	(void)state;
	CHECK("*.host.example",
	      "relayed host=web1.host.example script=site.example:/public_html/x "
	      "account=joe@site.example uid=1001 011 believed=1",
	      MX_FROM_WEB, "Received: from nobody by web1.host.example with esmtp (Exim)",
	      "X-AntiAbuse: Primary Hostname - web1.host.example",
	      "X-AntiAbuse: Originator/Caller UID/GID - [1001 12] / [47 12]",
	      "X-Authenticated-Sender: web1.host.example: joe@site.example",
	      "X-Source-Dir: site.example:/public_html/x");
	CHECK("*.host.example",
	      "relayed host=web1.host.example script= account=joe uid= 011 believed=2", MX_FROM_WEB,
	      "X-Get-Message-Sender-Via: web1.host.example: authenticated_id: joe/from_h",
	      "Received: from pc by web1.host.example with esmtp (Exim)");
	CHECK("*.host.example", "unknown host= script= account= uid= 000 believed=0",
	      "X-PHP-Originating-Script: nobody", "X-AntiAbuse: UID/GID - none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_received),
		cmocka_unit_test(relayed),
		cmocka_unit_test(direct),
		cmocka_unit_test(unknown),
		cmocka_unit_test(without_hosts),
		cmocka_unit_test(panels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
