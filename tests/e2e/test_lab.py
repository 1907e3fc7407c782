# SPDX-License-Identifier: Apache-2.0
"""The lab itself: mail flows in it without postern, and nothing of it is left."""
import os
import signal
import subprocess
import time

from conftest import ROOT
from lab import ns
from lab.incident import wait_for
from lab.world import MX


def left_of(token):
    """Namespaces, folders and processes of a lab."""
    found = [n for n in os.listdir(ns.NETNS_DIR) if token in n] if os.path.isdir(ns.NETNS_DIR) else []
    found += [p for d in ("/tmp", "/dev/shm") if os.path.isdir(d) for p in os.listdir(d) if token in p]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as text:
                if token.encode() in text.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def test_mail_flows_over_both_families(make_world):
    lab = make_world("both")
    token = lab.token
    assert lab.up_s < 30
    for family in ("v4", "v6"):
        for port in (25, 465):
            assert lab.try_connect("b", MX["mx1"][family], port) == "open"
    lab.mta["a"].send("x@alder.example", ["anna@post.test", "emma@river.example", "nosuch@post.test"],
                      b"Subject: hello\nMessage-ID: <one@alder.example>\n\nhello\n")
    assert wait_for(lambda: len(lab.deliveries().get("<one@alder.example>", [])) == 2, 20)
    assert "550 5.1.1" in lab.mta["a"].log()
    for key in ("mx1", "gw"):
        lab.mta[key].send(f"x@{key}.example", ["owner@birch.example"], b"Subject: to b\n\nhello\n")
    assert wait_for(lambda: len(lab.mta["b"].mailbox("birch.example")) == 2, 20)
    names = lab.machines["gw"].run(["dig", "+short", "-x", "203.0.113.20"]) + lab.machines["a"].run(
        ["dig", "+short", "-x", "2001:db8:c000:b::25"])
    assert names == "mail.birch.example.\nmail.birch.example.\n"
    lab.down()
    assert left_of(token) == []


def test_nothing_is_left_after_a_kill(features):
    """SIGTERM takes the lab away; after SIGKILL its processes are gone, and the next lab sweeps."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        up = subprocess.Popen([os.path.join(ROOT, "lab", "world"), "up"], stdout=subprocess.PIPE, text=True)
        token = up.stdout.readline().split()[1].rstrip(":")
        while "^C" not in up.stdout.readline():
            pass
        os.kill(up.pid, how)
        up.wait(timeout=20)
        up.stdout.close()
        time.sleep(0.5)
        assert not [x for x in left_of(token) if x.isdigit()]
    subprocess.run([os.path.join(ROOT, "lab", "world"), "sweep"], check=True)
    assert left_of(token) == []


def test_two_labs_at_once(make_world):
    one, two = make_world("4"), make_world("4")
    for lab in (one, two):
        lab.mta["a"].send("x@alder.example", ["anna@post.test"], b"Subject: x\nMessage-ID: <x@alder.example>\n\nx\n")
    for lab in (one, two):
        assert wait_for(lambda lab=lab: "<x@alder.example>" in lab.deliveries(), 20)
