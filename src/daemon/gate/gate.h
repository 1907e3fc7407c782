/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: the process that makes the kernel agree with the orders. Its own files only.
 *
 * An order goes: journal → wishes → kernel → read back → report; running sessions are ended and
 * the disk is synced behind it. Layer: daemon.
 */
#ifndef DAEMON_GATE_GATE_H
#define DAEMON_GATE_GATE_H

#include "daemon/child.h"
#include "daemon/gate/cutter.h"
#include "daemon/gate/journal.h"
#include "daemon/gate/syncer.h"
#include "daemon/gate/wishes.h"
#include "enforce/enforce.h"

struct gate {
	struct child *child;
	struct wishes wishes;
	struct journal *journal;
	struct syncer *syncer;
	struct enforcer enforcer;
	struct cutter cutter;
	struct loop_event *sync_ended;
	struct loop_event *sync_timer;
	struct loop_event *watch_timer; /* panic, drift, expiry, hits */
	struct loop_event *pump_timer;  /* what a full channel made wait */
	bool sync_wanted;
	bool rewriting_now; /* the sync under way is that of a rewrite */
	bool desk_asked;    /* the desk has said after which orders it wants to hear */
	bool panic;         /* STATE/panic exists: nothing is in the kernel */
	bool loaded;        /* the kernel has our table */
	bool idle;          /* no network enforces: the kernel has nothing of ours */
	bool said_trouble;  /* the current trouble is in the log */
	bool said_journal;  /* the journal's trouble too */
	char panic_path[288];
	size_t hits_pos; /* where the next look at counters begins */
	unsigned ticks;
	/* for status */
	uint64_t orders;
	uint64_t repairs;
	uint64_t journal_failures;
	uint64_t kernel_failures;
	uint64_t passed; /* connections that came through a block */
	size_t listed;
};

/* gate_kernel.c */
/** Bring all touched sources into the kernel. @return 0, or what went wrong; it is tried again. */
int gate_apply(struct gate *g);
/** Everything anew. */
int gate_load(struct gate *g);
/** Panic file, drift, counters: called every GATE_WATCH_MS. */
void gate_watch(struct gate *g);
#define GATE_WATCH_MS 200

/* gate_talk.c */
void gate_hello(struct gate *g, enum process to);
/** Send what is owed, as far as the channels take it. */
void gate_pump(struct gate *g);
void gate_send_stats(struct gate *g);

/* gate.c */
/** Append to the journal and see to it that it is on the disk soon. */
void gate_note(struct gate *g, const struct journal_record *r);
/** A session count came in, a state changed: report it. */
void gate_settle(struct gate *g, struct wish *x);

#endif
