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
#define PLAIN_SIZE ((size_t)320 << 10)

static char packed[PACKED_SIZE];
static char plain[PLAIN_SIZE];

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
		size_t len = 1;
		while (r >= 0 && (in.len > 0 || len > 0)) {
			r = gunzip_step(g, &in, plain, sizeof(plain), &len);
			octets += len;
		}
	}
	gunzip_free(g);
	(void)close(fd);
	(void)printf("%" PRIu64 "\n", octets);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
