/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main: the `postern` program. All it does is in command.c, so that tests can link that.
 * Layer: cli.
 */
#include "cli/command.h"

#include "base/poison.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
