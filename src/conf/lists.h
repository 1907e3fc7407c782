/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: a list of URLs read at once, for programs that have nothing else to do meanwhile; the
 * daemon reads its lists in pieces. Layer: conf.
 */
#ifndef CONF_LISTS_H
#define CONF_LISTS_H

#include "base/err.h"
#include "core/url_list.h"

/**
 * Read a file.
 *
 * @param ret  To be given back with url_list_done on success.
 * @return 0, or a negative errno with a text.
 */
MUSTUSE int list_read(const struct list_policy *p, struct url_list *ret, struct errmsg *reterr);

#endif
