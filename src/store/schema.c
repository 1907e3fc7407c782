/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: tables of cases.db (main) and live.db (live). Layer: store.
 *
 * Times are nanoseconds since 1970. Closed lists are stored as the numbers of core/words.h, which
 * are append-only. What cases.db holds is migrated; live.db is thrown away and filled again,
 * because all in it comes back from the judge.
 */
#include "store/schema.h"

#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

/* A change of these is a change of LIVE_VERSION. */
#define LIVE_VERSION 2

/* One entry a group of statements; NULL ends a version. */
static const char *const main_v1[] = {
	"CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",

	"CREATE TABLE cases ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, network TEXT NOT NULL, source TEXT NOT NULL,"
	" holder TEXT NOT NULL, server TEXT, tenant TEXT, state INTEGER NOT NULL,"
	" rung INTEGER NOT NULL, mode INTEGER NOT NULL, staff_only INTEGER NOT NULL,"
	" verdict INTEGER NOT NULL, giver INTEGER NOT NULL, order_origin INTEGER NOT NULL,"
	" order_seq INTEGER NOT NULL, reason TEXT NOT NULL, opened_at INTEGER NOT NULL,"
	" updated_at INTEGER NOT NULL, blocked_at INTEGER NOT NULL, allowed_at INTEGER NOT NULL,"
	" probation_until INTEGER NOT NULL, closed_at INTEGER NOT NULL,"
	" blocked_before INTEGER NOT NULL, blocks INTEGER NOT NULL, unblock INTEGER NOT NULL,"
	" cause TEXT, fix TEXT, assignee TEXT);"
	/* The promise "at most one open case" is the database's; 5 is CASE_CLOSED. */
	"CREATE UNIQUE INDEX cases_open ON cases (network, holder) WHERE state <> 5;"
	"CREATE INDEX cases_holder ON cases (network, holder, id);"
	"CREATE INDEX cases_state ON cases (state, id);"
	"CREATE INDEX cases_tenant ON cases (tenant, id);"
	"CREATE INDEX cases_source ON cases (source, id);"
	"CREATE INDEX cases_probation ON cases (probation_until) WHERE state = 4;",

	"CREATE TABLE story ("
	" id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases (id),"
	" at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, text TEXT NOT NULL);"
	"CREATE INDEX story_case ON story (case_id, id);",

	"CREATE TABLE proofs ("
	" id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases (id),"
	" at INTEGER NOT NULL, origin INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" proof BLOB NOT NULL, UNIQUE (case_id, origin, seq));",

	"CREATE TABLE requests ("
	" id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases (id),"
	" at INTEGER NOT NULL, who TEXT NOT NULL, cause TEXT NOT NULL, fix TEXT NOT NULL,"
	" granted INTEGER NOT NULL, checks TEXT NOT NULL);"
	"CREATE INDEX requests_case ON requests (case_id, id);",

	"CREATE TABLE orders ("
	" id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" case_id INTEGER REFERENCES cases (id), network TEXT NOT NULL, source TEXT NOT NULL,"
	" rung INTEGER NOT NULL, verdict INTEGER NOT NULL, giver INTEGER NOT NULL,"
	" mode INTEGER NOT NULL, given_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
	" reason TEXT NOT NULL, proof BLOB NOT NULL, who TEXT, state INTEGER NOT NULL,"
	" state_at INTEGER NOT NULL, apply_us INTEGER NOT NULL, sessions_ended INTEGER NOT NULL,"
	" hits INTEGER NOT NULL, UNIQUE (origin, seq));"
	"CREATE INDEX orders_case ON orders (case_id, id);"
	"CREATE INDEX orders_source ON orders (source, id);",

	"CREATE TABLE order_reports ("
	" id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id),"
	" at INTEGER NOT NULL, state INTEGER NOT NULL, apply_us INTEGER NOT NULL,"
	" sessions_ended INTEGER NOT NULL, hits INTEGER NOT NULL);"
	"CREATE INDEX order_reports_order ON order_reports (order_id, id);",

	"CREATE TABLE samples ("
	" id INTEGER PRIMARY KEY, case_id INTEGER REFERENCES cases (id), network TEXT NOT NULL,"
	" source TEXT NOT NULL, holder TEXT NOT NULL, at INTEGER NOT NULL,"
	" score_micro INTEGER NOT NULL, sha256 BLOB NOT NULL, format INTEGER NOT NULL,"
	" message TEXT, sealed BLOB NOT NULL, UNIQUE (sha256, network, source));"
	"CREATE INDEX samples_message ON samples (message, id) WHERE message IS NOT NULL;"
	"CREATE INDEX samples_holder ON samples (network, holder, id);"
	"CREATE INDEX samples_case ON samples (case_id, id);"
	"CREATE INDEX samples_at ON samples (at);",

	"CREATE TABLE notices ("
	" id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, contact TEXT NOT NULL,"
	" kind INTEGER NOT NULL, state INTEGER NOT NULL, message_id TEXT NOT NULL UNIQUE,"
	" created_at INTEGER NOT NULL, next_try INTEGER NOT NULL, sent_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL, dots INTEGER NOT NULL, error TEXT,"
	" contact_is_inside INTEGER NOT NULL);"
	"CREATE INDEX notices_due ON notices (next_try) WHERE state = 0;"
	"CREATE INDEX notices_tenant ON notices (tenant, kind, created_at);"
	"CREATE TABLE notice_cases ("
	" notice_id INTEGER NOT NULL REFERENCES notices (id),"
	" case_id INTEGER NOT NULL REFERENCES cases (id), PRIMARY KEY (notice_id, case_id))"
	" WITHOUT ROWID;"
	"CREATE INDEX notice_cases_case ON notice_cases (case_id, notice_id);",

	"CREATE TABLE tokens ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, role INTEGER NOT NULL,"
	" name TEXT NOT NULL, tenant TEXT, hash BLOB NOT NULL UNIQUE, created_at INTEGER NOT NULL,"
	" expires_at INTEGER NOT NULL, used_at INTEGER NOT NULL, revoked INTEGER NOT NULL);",

	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL,"
	" action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT, remote TEXT);"
	"CREATE INDEX audit_object ON audit (object, id);"
	"CREATE INDEX audit_at ON audit (at);",

	"CREATE TABLE replies ("
	" who TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL,"
	" body BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (who, key));"
	"CREATE INDEX replies_at ON replies (at);",
	NULL,
};

/* Reports of `postern doctor`. A notice's token makes one at most for each of its cases. */
static const char *const main_v2[] = {
	"CREATE TABLE doctor_reports ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, case_id INTEGER NOT NULL REFERENCES cases (id),"
	" notice_id INTEGER REFERENCES notices (id), at INTEGER NOT NULL, who TEXT NOT NULL,"
	" report TEXT NOT NULL, UNIQUE (notice_id, case_id));"
	"CREATE INDEX doctor_reports_case ON doctor_reports (case_id, id);",
	NULL,
};

static const char *const live_tables[] = {
	"CREATE TABLE live.sources ("
	" id INTEGER PRIMARY KEY, network TEXT NOT NULL, source TEXT NOT NULL, tenant TEXT,"
	" server TEXT, verdict INTEGER NOT NULL, rung INTEGER NOT NULL, rank INTEGER NOT NULL,"
	" messages INTEGER NOT NULL, flagged INTEGER NOT NULL, seen_at INTEGER NOT NULL,"
	" proof BLOB NOT NULL);"
	"CREATE UNIQUE INDEX live.sources_source ON sources (source, network);"
	/* rank is -(verdict * 8 + rung): the worst first, then by id, in one ascending index. */
	"CREATE INDEX live.sources_rank ON sources (rank, id);"
	"CREATE INDEX live.sources_rung ON sources (rung, rank, id);"
	"CREATE INDEX live.sources_network ON sources (network, rank, id);"
	"CREATE INDEX live.sources_tenant ON sources (tenant, rank, id) WHERE tenant IS NOT NULL;"

	/* How many there are of each verdict: counting a million takes a fifth of a second. */
	"CREATE TABLE live.verdicts (verdict INTEGER PRIMARY KEY, n INTEGER NOT NULL);"
	"CREATE TRIGGER live.sources_new AFTER INSERT ON sources BEGIN"
	" INSERT INTO verdicts VALUES (NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;"
	" END;"
	"CREATE TRIGGER live.sources_moved AFTER UPDATE OF verdict ON sources"
	" WHEN OLD.verdict <> NEW.verdict BEGIN"
	" UPDATE verdicts SET n = n - 1 WHERE verdict = OLD.verdict;"
	" INSERT INTO verdicts VALUES (NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;"
	" END;"

	"CREATE TABLE live.attempts ("
	" case_id INTEGER NOT NULL, at INTEGER NOT NULL, hits INTEGER NOT NULL,"
	" PRIMARY KEY (case_id, at)) WITHOUT ROWID;"

	"CREATE TABLE live.event_days (day INTEGER PRIMARY KEY);",
	NULL,
};

/* steps[n] leads from version n to n + 1. Never changed once released; appended to. */
static const char *const *const steps[] = {
	main_v1,
	main_v2,
};
static_assert(COUNT_OF(steps) == STORE_VERSION, "a step to every version");

static int version_of(struct db *db, const char *sql, int64_t *ret, struct errmsg *reterr)
{
	struct query *q = db_query_once(db, sql);
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret = query_col_i64(q, 0);
		query_end(q);
		return 0;
	}
	return r < 0 ? r : err_set(reterr, -EIO, "the store has no version");
}

static int in_transaction(struct db *db, const char *const *sql, const char *version_sql,
			  struct errmsg *reterr)
{
	int r = db_exec(db, "BEGIN IMMEDIATE", reterr);

	if (r < 0) {
		return r;
	}
	for (size_t i = 0; sql[i] != NULL && r == 0; i++) {
		r = db_exec(db, sql[i], reterr);
	}
	if (r == 0) {
		r = db_exec(db, version_sql, reterr);
	}
	if (r == 0) {
		r = db_exec(db, "COMMIT", reterr);
	}
	if (r < 0 && db_is_in_tx(db)) {
		(void)(db_exec(db, "ROLLBACK", NULL) < 0); /* SQLite rolls back at close too */
	}
	return r;
}

static int migrate_main(struct db *db, struct errmsg *reterr)
{
	int64_t version = 0;
	int r = version_of(db, "PRAGMA main.user_version", &version, reterr);

	if (r == 0 && (version < 0 || version > STORE_VERSION)) {
		return err_set(reterr, -EPROTO,
			       "the store has version %lld, this program knows %d: "
			       "it was written by a newer posternd",
			       (long long)version, STORE_VERSION);
	}
	for (; r == 0 && version < STORE_VERSION; version++) {
		char set[64];
		(void)snprintf(set, sizeof(set), "PRAGMA main.user_version=%lld",
			       (long long)version + 1);
		r = in_transaction(db, steps[version], set, reterr);
		if (r < 0) {
			return err_prefix(reterr, r, "cannot bring the store from version %lld on",
					  (long long)version);
		}
	}
	return r;
}

/* Every table of live.db, as statements that drop them. */
static int drop_live(struct db *db, struct errmsg *reterr)
{
	for (;;) {
		char drop[256];
		struct query *q = db_query_once(
			db, "SELECT name FROM live.sqlite_schema WHERE type = 'table' LIMIT 1");
		int r = query_step(q, reterr);
		if (r <= 0) {
			return r;
		}
		struct str name = query_col_str(q, 0);
		(void)snprintf(drop, sizeof(drop), "DROP TABLE live.\"%.*s\"", STR_ARG(name));
		query_end(q);
		r = db_exec(db, drop, reterr);
		if (r < 0) {
			return r;
		}
	}
}

static int renew_live(struct db *db, struct errmsg *reterr)
{
	char set[64];
	int64_t version = 0;
	int r = version_of(db, "PRAGMA live.user_version", &version, reterr);

	if (r < 0 || version == LIVE_VERSION) {
		return r;
	}
	r = drop_live(db, reterr);
	if (r < 0) {
		return r;
	}
	(void)snprintf(set, sizeof(set), "PRAGMA live.user_version=%d", LIVE_VERSION);
	return in_transaction(db, live_tables, set, reterr);
}

int schema_apply(struct db *db, struct errmsg *reterr)
{
	int r = migrate_main(db, reterr);

	return r < 0 ? r : renew_live(db, reterr);
}
