/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_files: what `postern replay` reads: STATE/judge/replay/NNNN.replay, one file a verdict
 * that stopped mail, the oldest being written over. Layer: daemon.
 */
#ifndef DAEMON_JUDGE_REPLAY_FILES_H
#define DAEMON_JUDGE_REPLAY_FILES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* Verdicts that are kept: at 50 KiB at most 200 MiB. */
#define REPLAY_FILES_MAX 4096

struct replay_files {
	char folder[512];
	uint32_t next; /* number of the next file */
};

/** Make the folder and find where the last process stopped. */
MUSTUSE int replay_files_init(struct replay_files *f, const char *state_dir, struct errmsg *reterr);
/** Nothing waits for the disk. @return 0 or a negative errno. */
MUSTUSE int replay_files_add(struct replay_files *f, struct str content);

#endif
