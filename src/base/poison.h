/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison: names that may not be used (HOUSE-STYLE S5). Include it last in every .c file,
 * after the system headers, which are allowed to mention them.
 *
 * Instead: num_parse_* for strto* and ato*, snprintf or buf_* for sprintf, str_* for strcpy
 * and strtok, posix_spawn for system, ASSERT for assert. Layer: base.
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#undef assert
#undef alloca
#undef strcpy
#undef strcat
#undef strtok
#undef sprintf
#undef vsprintf

#pragma GCC poison strtol strtoul strtoll strtoull strtod strtof strtold atoi atol atoll atof
#pragma GCC poison sprintf vsprintf strcpy strcat strncat strtok gets system popen
#pragma GCC poison assert alloca rand srand mktemp tmpnam

#endif
