/* SPDX-License-Identifier: Apache-2.0 */
/*
 * f0_stats: how legitimate mail scores, as each network has it, for status and metrics.
 * Layer: daemon.
 */
#ifndef DAEMON_JUDGE_F0_STATS_H
#define DAEMON_JUDGE_F0_STATS_H

#include "base/jsonw.h"
#include "core/judge.h"

/** "f0": a network each; "f0_learned_networks". */
void f0_stats_write(const struct judge *j, const struct policy *policy, struct jsonw *w);

#endif
