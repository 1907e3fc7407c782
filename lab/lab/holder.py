# SPDX-License-Identifier: Apache-2.0
"""The first process of a lab machine: makes its mounts, then keeps its namespaces until stdin ends.

Runs as process 1 of its own process namespace, so everything that was started in the machine ends
with it. Its stdin is a pipe from the lab: when the lab is gone, however that came, this ends too.
Arguments: HOSTNAME [SOURCE TARGET]…   (each a bind mount)
"""
import signal
import socket
import subprocess
import sys


def main():
    name, binds = sys.argv[1], sys.argv[2:]
    socket.sethostname(name)
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=False, stderr=subprocess.DEVNULL)
    for source, target in zip(binds[::2], binds[1::2]):
        subprocess.run(["mount", "--bind", source, target], check=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans are reaped by the kernel
    signal.signal(signal.SIGINT, signal.SIG_IGN)   # a terminal's ^C is for the lab, which ends us
    print("ready", flush=True)
    sys.stdin.read()


main()
