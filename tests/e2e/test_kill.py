# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each process during an incident: once while B sends spam, once while B is blocked.

The block comes and stays, the process returns, there is one case, and one notice (at most twice,
then with the same Message-ID).
"""
import email
import os
import signal
import time

import pytest

from conftest import ROOT
from lab import guard, incident, timeline
from lab.incident import wait_for
from lab.world import GATEWAY

HAM = os.path.join(ROOT, "lab", "mail", "ham")
SPAM = os.path.join(ROOT, "lab", "mail", "spam")
VICTIMS = ("tap", "judge", "gate", "desk", "parent")


def kill(postern, victim):
    pid = postern.parents()[-1] if victim == "parent" else postern.pids()[victim]
    os.kill(pid, signal.SIGKILL)
    return pid


def is_back(postern, victim, old):
    pids = postern.pids()
    if victim == "parent":
        return len(pids) == 4 and old not in postern.parents()
    return pids.get(victim) not in (None, old)


def notices(lab):
    """Message-IDs of the notices that B got."""
    found = []
    for text in lab.mta["b"].mailbox("birch.example"):
        message = email.message_from_bytes(text)
        if f"abuse@{GATEWAY['domain']}" in message.get("From", ""):
            found.append(message["Message-ID"])
    return found


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_during_an_incident(make_world, victim):
    lab = make_world("4")
    postern = guard.Guard(lab)
    postern.start()
    line = timeline.Timeline()
    act = incident.Incident(lab, postern, line, HAM, SPAM, 7)
    act.kernel = guard.KernelWatch(lab)
    try:
        act.turn()
        assert wait_for(lambda: len(act.spam_out()) >= 2, 20), "no spam arrived at all"
        first = kill(postern, victim)
        assert wait_for(act.is_shut, 60), f"no block after {victim} was killed\n{postern.log_tail()}"
        assert wait_for(lambda: is_back(postern, victim, first), 30), f"{victim} did not return"

        second = kill(postern, victim)
        for _ in range(20):
            assert act.is_shut(), f"the block went away when {victim} was killed"
            time.sleep(0.1)
        assert wait_for(lambda: is_back(postern, victim, second), 30), f"{victim} did not return a second time"

        assert wait_for(lambda: notices(lab), 60), f"no notice\n{postern.log_tail()}"
        time.sleep(5)  # a second one would come now
        assert len(set(notices(lab))) == 1 and len(notices(lab)) <= 2
        assert act.is_shut()
        cases = wait_for(lambda: postern.cli("case", "list", "--all", "--json")[0] == 0 and postern.cases("b"), 20)
        assert len(cases) == 1, cases
        assert cases[0]["state"] in ("open", "acknowledged") and cases[0]["rung"] == "block"
        assert not postern.cases("a") and not postern.cases("c")
    finally:
        act.stop()
