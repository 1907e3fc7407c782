# SPDX-License-Identifier: Apache-2.0
"""The main job as a test: the incident over IPv4, over IPv6, and with STARTTLS everywhere."""
import os

import pytest

from conftest import ROOT
from lab import guard, incident, timeline

HAM = os.path.join(ROOT, "lab", "mail", "ham")
SPAM = os.path.join(ROOT, "lab", "mail", "spam")
SEED = 3


@pytest.mark.parametrize("family,starttls", [("4", False), ("6", False), ("4", True)],
                         ids=["ipv4", "ipv6", "starttls"])
def test_incident(make_world, family, starttls):
    lab = make_world(family, starttls)
    postern = guard.Guard(lab)
    postern.start()
    line = timeline.Timeline()
    act = incident.Incident(lab, postern, line, HAM, SPAM, SEED)
    try:
        act.play_all()
    except incident.Stop:
        pass
    finally:
        act.stop()
    assert not line.failed, "\n".join(line.failed)
    assert line.held > 20
