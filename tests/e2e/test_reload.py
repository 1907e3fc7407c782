# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a good new configuration holds from then on, a bad one changes nothing; a block stays meanwhile."""
import os
import signal
import time

from lab import guard
from lab.incident import wait_for
from lab.world import CUSTOMERS, MX

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 25), 1.5).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except OSError:
    print("silence")
"""


def reaches(lab, key):
    return lab.machines[key].try_run(["/usr/bin/python3", "-c", CONNECT, MX["mx1"]["v4"]])[1].strip()


def reload(postern, text, word):
    """Write the file, send the signal, wait for what the log says of it."""
    before = postern.log_tail(1 << 24).count(word)
    with open(postern.conf, "w", encoding="utf-8") as out:
        out.write(text)
    os.kill(postern.parents()[-1], signal.SIGHUP)
    assert wait_for(lambda: postern.log_tail(1 << 24).count(word) > before, 10), postern.log_tail()


def all_new(postern, old):
    pids = postern.pids()
    return len(pids) == len(old) and not set(pids.values()) & set(old.values()) and postern.cli("status")[0] == 0


def test_a_reload_changes_what_the_file_changes(make_world):
    lab = make_world("4")
    postern = guard.Guard(lab)
    postern.start()
    first = guard.config(lab)
    b = CUSTOMERS["b"]["v4"]
    assert postern.cli("source", "block", b, "--reason", "try")[0] == 0
    assert wait_for(lambda: reaches(lab, "b") == "refused", 10)
    parents, old = postern.parents(), postern.pids()

    reload(postern, first.replace("feel: reset", "feel: nonsense"), "config.kept_old")
    assert postern.pids() == old and reaches(lab, "b") == "refused"

    reload(postern, first.replace("feel: reset", "feel: drop"), "config.reloaded")
    end = time.monotonic() + 30
    while not all_new(postern, old):
        assert reaches(lab, "b") != "open", "the block went away during the reload"
        assert time.monotonic() < end, postern.log_tail()
    assert postern.parents() == parents
    assert wait_for(lambda: reaches(lab, "b") == "silence", 10), "still the old feel"
    assert reaches(lab, "a") == "open"

    old = postern.pids()
    reload(postern, first.replace("never_block: [", f"never_block: [{CUSTOMERS['a']['v4']}, "), "config.reloaded")
    assert wait_for(lambda: all_new(postern, old), 30), postern.log_tail()
    assert wait_for(lambda: reaches(lab, "b") == "refused", 10)
    assert postern.cli("source", "block", CUSTOMERS["a"]["v4"], "--reason", "try")[0] != 0
    assert reaches(lab, "a") == "open"

    old = postern.pids()
    reload(postern, first.replace("mode: enforce", "mode: observe"), "config.reloaded")
    assert wait_for(lambda: all_new(postern, old), 30), postern.log_tail()
    assert wait_for(lambda: reaches(lab, "b") == "open", 10), "observe still holds it back"
    assert postern.cli("source", "block", b, "--reason", "try")[0] == 3
