/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_gunzip: what inflating a .gz costs without reading its lines. Says how many octets it held.
 */
#include "base/gunzip.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/poison.h"

#define PACKED_SIZE ((size_t)64 << 10)

static char packed[PACKED_SIZE];

int main(int argc, char **argv)
{
	struct gunzip *g = gunzip_new();
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	uint64_t octets = 0;
	int r = 1;
	ssize_t n;

	if (fd < 0 || g == NULL) {
		(void)fprintf(stderr, "usage: bench_gunzip FILE.gz\n");
		return 2;
	}
	while (r >= 0 && (n = read(fd, packed, sizeof(packed))) > 0) {
		struct str in = {packed, (size_t)n};
		struct str view;
		do {
			view.len = 0; /* nothing is kept */
			r = gunzip_step(g, &in, &view);
			octets += view.len;
		} while (r >= 0 && view.len > 0);
	}
	gunzip_free(g);
	(void)close(fd);
	(void)printf("%" PRIu64 "\n", octets);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
