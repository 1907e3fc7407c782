/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attr: the compiler attributes the house uses, and two macros about arrays.
 *
 * The one place that knows compiler syntax, so that a new compiler is a change
 * in one file. Layer: base.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

/* The caller must look at the result. */
#define MUSTUSE __attribute__((warn_unused_result))
/* Arguments fmt and following are checked like printf's. */
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
/* Used by some configurations only. */
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))
#define PURE __attribute__((pure))
/* Not zeroed by -ftrivial-auto-var-init: for large buffers that are written before they are read.
 */
#define UNINITIALIZED __attribute__((uninitialized))
/* In a loop that clears memory: keeps the compiler from making it a call or a string instruction.
 */
#define NO_MEMSET __asm__ volatile("")
/* A switch case that goes on into the next one on purpose. */
#define FALLTHROUGH __attribute__((fallthrough))

/* <assert.h> is not for us (HOUSE-STYLE S5), its name for this is. */
#ifndef static_assert
#define static_assert _Static_assert
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
