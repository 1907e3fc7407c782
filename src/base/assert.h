/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert: ASSERT states what we ourselves promise (arguments, invariants), never what a peer
 * sends. It stays on in releases: a worker that broke its promise ends, and the parent starts
 * it again. Layer: base.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include "base/attr.h"

#define ASSERT(cond) ((cond) ? (void)0 : assert_fail(#cond, __FILE__, __LINE__))

/**
 * Say on standard error which promise was broken, and abort.
 *
 * @param cond  The text of the condition.
 * @param file  Where it stands.
 * @param line  Where it stands.
 */
NORETURN void assert_fail(const char *cond, const char *file, int line);

#endif
