# SPDX-License-Identifier: Apache-2.0
"""A block that is in the kernel and stops nothing, because another rule leads the mail around it: an alarm."""
import subprocess

from lab import guard
from lab.incident import wait_for
from lab.world import CUSTOMERS, MX

REDIRECT = """table ip elsewhere {
	chain prerouting {
		type nat hook prerouting priority -100;
		ip saddr %s tcp dport 25 redirect to :2525
	}
}
"""
LISTENER = """
import socket
s = socket.create_server(("", 2525))
print("ready", flush=True)
while True:
    s.accept()[0].close()
"""


def order(postern):
    return next(o for o in postern.orders() if o["rung"] == "block")


def test_mail_led_around_the_rules(make_world):
    lab = make_world("4")
    postern = guard.Guard(lab)
    postern.start()
    a, mx = CUSTOMERS["a"]["v4"], MX["mx1"]["v4"]
    assert postern.cli("source", "block", a, "--reason", "try")[0] == 0
    assert wait_for(lambda: lab.try_connect("a", mx, 25) == "refused", 10)
    assert wait_for(lambda: order(postern)["state"] == "proved", 10), order(postern)

    gw = lab.machines["gw"]
    listener = gw.popen(["/usr/bin/python3", "-c", LISTENER], stdout=subprocess.PIPE, text=True)
    try:
        assert listener.stdout.readline() == "ready\n"
        gw.run(["nft", "-f", "-"], input=REDIRECT % a)
        # The kernel has the block, and the connection is open.
        assert lab.try_connect("a", mx, 25) == "open"
        # Again and again: on a busy machine the first ones come before the tap looks.
        assert wait_for(lambda: lab.try_connect("a", mx, 25) == "open" and order(postern)["state"] == "inert", 20), (
            order(postern), postern.log_tail())
        assert "gate.inert" in postern.log_tail() and a in postern.log_tail()
        gw.run(["nft", "delete", "table", "ip", "elsewhere"])
        assert lab.try_connect("a", mx, 25) == "refused"
        # Others are let through as before, and no alarm is given for them.
        assert lab.try_connect("c", mx, 25) == "open"
        assert postern.log_tail().count("gate.inert") == 1
        assert postern.cli("source", "pass", a, "--reason", "tried")[0] == 0
        assert wait_for(lambda: lab.try_connect("a", mx, 25) == "open", 10)
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()
