/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_examine: what `postern doctor` and `postern doctor report` do alike: take in what is
 * asked, read the logs, look at the open connections. Layer: cli.
 */
#ifndef CLI_DOCTOR_EXAMINE_H
#define CLI_DOCTOR_EXAMINE_H

#include "cli/command.h"
#include "doctor/diagnose.h"
#include "doctor/inquiry.h"
#include "doctor/live.h"
#include "doctor/log_set.h"
#include "doctor/queue_list.h"

struct examination {
	struct inquiry inquiry;
	struct log_set set;
	struct diagnosis diagnosis;
	struct live live;
	struct queue_list
		*queue;   /* what waits; NULL: there is no queue, or it is not for us to read */
	bool has_live;    /* the connections were looked at */
	bool is_here;     /* of this machine as it is now, not of a copy */
	struct wall time; /* when it was made */
};

/** Options of both. */
#define DOCTOR_EXAMINE_OPTS                                                                        \
	{.name = "root", .value = "DIR", .help = "read a copy of the server's files below DIR"},   \
		{.name = "log",                                                                    \
		 .value = "FILE",                                                                  \
		 .help = "read this log (may be given more than once)"},                           \
		{.name = "queue",                                                                  \
		 .value = "DIR",                                                                   \
		 .help = "the mail queue's folder, where it is not found by itself"},              \
		{.name = "web-log",                                                                \
		 .value = "FILE",                                                                  \
		 .help = "read this access log (may be given more than once)"},                    \
		{.name = "no-web-logs", .help = "look into no access log"},                        \
		{.name = "notice",                                                                 \
		 .value = "FILE|URL",                                                              \
		 .help = "the notice: its mail, its attachment, or the case's link"},              \
		{.name = "headers",                                                                \
		 .value = "FILE",                                                                  \
		 .help = "the header of a message that was complained about"},                     \
		{.name = "watch",                                                                  \
		 .value = "SECONDS",                                                               \
		 .help = "look at open connections for so long (default: once)"},                  \
	{                                                                                          \
		.name = "mta-user", .value = "NAME", .help = "one more user that may deliver mail" \
	}

/** Only what is asked, and the logs in their order. @return CLI_DONE; else the exit code, said. */
MUSTUSE int doctor_gather(const struct cli_args *args, struct examination *ret);
/** Shows on a terminal which of a set's files is read; the set is the context. */
void doctor_show_progress(void *set, size_t file, size_t of);
/** All of it. @return CLI_DONE; else the exit code, said. */
MUSTUSE int doctor_examine(const struct cli *cli, const struct cli_args *args,
			   struct examination *ret);
/** Take in a notice: a file, or an address that is asked. @return 0, or a negative errno. */
MUSTUSE int doctor_add_notice(struct inquiry *q, const char *name, struct errmsg *err);
void examination_done(struct examination *e);

#endif
