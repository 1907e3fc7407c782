/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights: finds and loads the filter's weights. Layer: conf.
 */
#include "conf/weights.h"

#include "core/delta.h"
#include "core/model.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

/* Folders above the program that may be the tree it was built in: build/NAME/src/cli. */
#define TREE_DEPTH 5

static bool is_there(const char *folder, const char *below, char *ret_path, size_t size)
{
	int n = snprintf(ret_path, size, "%s/%s/" WEIGHTS_FILE, folder, below);

	return n > 0 && (size_t)n < size && access(ret_path, R_OK) == 0;
}

/* Beside the program, or in a tree around it. */
static bool find_near_program(char *ret_path, size_t size)
{
	char folder[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

	if (n <= 0) {
		return false;
	}
	folder[n] = '\0';
	for (unsigned up = 0; up <= TREE_DEPTH; up++) {
		char *slash = strrchr(folder, '/');

		if (slash == NULL) {
			break;
		}
		*slash = '\0';
		if (is_there(folder, "share/postern/weights", ret_path, size) ||
		    is_there(folder, "share/weights", ret_path, size)) {
			return true;
		}
	}
	return false;
}

static int find(const char *given, char *ret_path, size_t size, struct errmsg *reterr)
{
	const char *path = given != NULL ? given : getenv("POSTERN_WEIGHTS");

	if (path != NULL) {
		int n = snprintf(ret_path, size, "%s", path);

		return n >= 0 && (size_t)n < size ? 0
						  : err_set(reterr, -ENAMETOOLONG,
							    "the path of the weights is too long");
	}
	if (find_near_program(ret_path, size) ||
	    is_there("/usr/share/postern", "weights", ret_path, size)) {
		return 0;
	}
	return err_set(reterr, -ENOENT,
		       "no weights found: set POSTERN_WEIGHTS or install share/postern/weights/%s",
		       WEIGHTS_FILE);
}

int weights_add_delta(const char *path, struct scorer *s, struct errmsg *reterr)
{
	struct buf file;

	buf_init(&file, DELTA_BYTES_MAX);
	int r = file_read(path, &file, reterr);

	if (r == 0) {
		r = scorer_set_delta(s, buf_str(&file), reterr);
		if (r < 0) {
			(void)err_prefix(reterr, r, "%s", path);
		}
	}
	buf_done(&file);
	return r;
}

static int add_own_delta(struct scorer *s, struct errmsg *reterr)
{
	const char *path = getenv("POSTERN_DELTA");

	if (path == NULL) {
		path = DELTA_FILE;
		if (access(path, F_OK) != 0) {
			return 0;
		}
	}
	return weights_add_delta(path, s, reterr);
}

int weights_read(const char *given, char ret_path[static PATH_MAX], struct buf *ret,
		 struct errmsg *reterr)
{
	buf_init(ret, MODEL_BYTES_MAX);
	int r = find(given, ret_path, PATH_MAX, reterr);

	return r < 0 ? r : file_read(ret_path, ret, reterr);
}

int weights_load(const char *given, struct scorer **ret, struct errmsg *reterr)
{
	char path[PATH_MAX];
	struct buf file;
	int r = weights_read(given, path, &file, reterr);

	if (r == 0) {
		r = scorer_new(buf_str(&file), ret, reterr);
		if (r < 0) {
			(void)err_prefix(reterr, r, "%s", path);
		}
	}
	buf_done(&file);
	if (r == 0 && given == NULL) {
		r = add_own_delta(*ret, reterr);
		if (r < 0) {
			scorer_free(*ret);
			*ret = NULL;
		}
	}
	return r;
}
