# SPDX-License-Identifier: Apache-2.0
"""Nobody is framed: forged one-sided sessions "from" A, full of spam, raise A no higher than throttle."""
import os
import sys
import time

import pytest

from conftest import ROOT
from lab import guard, mails, ns
from lab.world import CUSTOMERS, MX, UPLINK, customer_interface

HAM = os.path.join(ROOT, "lab", "mail", "ham")
SPAM = os.path.join(ROOT, "lab", "mail", "spam")
FORGE = os.path.join(ns.HERE, "forge.py")
SESSIONS = 60
MILD = ("pass", "watch", "throttle")


def mac(lab, device):
    """Of the gateway's side of a cable."""
    out = ns.run(["ip", "netns", "exec", lab.netns("gw"), "cat", f"/sys/class/net/{device}/address"])
    return out.strip()


@pytest.mark.parametrize("family", ["4", "6"])
def test_forged_sessions(make_world, family):
    lab = make_world(family)
    postern = guard.Guard(lab)
    postern.start()
    kernel = guard.KernelWatch(lab)
    rng = mails.seeded(8, "a")
    deck = mails.Deck(mails.load(HAM), rng)
    stream = mails.Stream(lab.mta["a"], 2, lambda: (deck.draw(), False, "office@alder.example", mails.known(rng, 1)))
    try:
        fam = f"v{family}"
        victim = CUSTOMERS["a"][fam]
        # From another customer's interface (towards a host that answers, and one that is not
        # there), and on the internet side.
        nowhere = MX["mx1"][fam].replace("25", "99")
        for machine, device in (("c", customer_interface("c")), ("mx1", UPLINK)):
            for destination in (MX["mx1"][fam], nowhere):
                lab.machines[machine].run([sys.executable, FORGE, "eth0", mac(lab, device), victim, destination,
                                           str(SESSIONS), SPAM])
        time.sleep(5)
        rung = postern.rung("a", family)
        assert rung in MILD, rung
        assert not [e for e in kernel.of("a") if guard.is_block(e[3])]
        assert postern.rung("c", family) in MILD
        # At a throttle some of A's mail may still wait for its turn; none is refused or lost.
        sent = stream.stop()
        for _ in range(20):  # a mail may be between the queue and its mailbox just then
            time.sleep(0.5)
            there, waiting = lab.deliveries(), len(lab.mta["a"].queue())
            if sum(s.ident not in there for s in sent) <= waiting:
                break
        assert sum(s.ident not in there for s in sent) <= waiting
        assert "status=bounced" not in lab.mta["a"].log()
        assert not [c for c in postern.cases("a") if c["rung"] == "block"]
    finally:
        stream.stopping.set()
        stream.join()
