/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps: the capture sockets, opened with privilege and handed to the tap, which has none. Only
 * opening needs CAP_NET_RAW; filter, ring and bind are the tap's. Layer: daemon.
 */
#ifndef DAEMON_PARENT_TAPS_H
#define DAEMON_PARENT_TAPS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "core/policy.h"
#include "sys/chan.h"
#include "sys/log.h"

/**
 * Are the interfaces there? A missing one is a warning in the log.
 *
 * @return 0; -ENODEV when a network has interfaces and all of them are missing.
 */
MUSTUSE int taps_check(const struct policy *p, const struct log *lg, struct errmsg *reterr);

/** Send one unbound socket for each interface of the policy that is there. */
void taps_send_all(const struct policy *p, struct chan *tap, const struct log *lg);

/** The tap asks for one interface again. Names that are not in the policy are refused. */
void taps_send(const struct policy *p, struct chan *tap, const struct log *lg, struct str name);

#endif
