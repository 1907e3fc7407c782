# SPDX-License-Identifier: Apache-2.0
"""The main job as a test: the incident over IPv4, over IPv6, and with STARTTLS everywhere."""
import os

import pytest

from conftest import ROOT
from lab import guard, incident, timeline

HAM = os.path.join(ROOT, "lab", "mail", "ham")
SPAM = os.path.join(ROOT, "lab", "mail", "spam")
SEED = 3
DOCTOR = ["the doctor finds the cause: uid", "rules out a stolen password", "blames nobody else", "is traced to it", "report is sent over HTTPS", "stands in the case, as reported",
          "proves nothing and opens nothing", "good for one report"]


def play(lab):
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
    assert not line.failed, "\n".join(line.failed) + "\n" + postern.log_tail()
    assert line.held > 20
    for claim in DOCTOR if not lab.starttls else DOCTOR[4:]:
        assert any(claim in held for held in line.claims), claim
    said = postern.log_tail(1 << 20)
    assert "runtime error" not in said and "AddressSanitizer" not in said, said


@pytest.mark.parametrize("family,starttls", [("4", False), ("6", False), ("4", True)],
                         ids=["ipv4", "ipv6", "starttls"])
def test_incident(make_world, family, starttls):
    play(make_world(family, starttls))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["4", "6"])
def test_incident_under_sanitizers(make_world, monkeypatch, family):
    build = os.path.join(ROOT, "build", "sanitize")
    if not os.path.exists(os.path.join(build, "src", "daemon", "posternd")):
        pytest.skip("no sanitized build: tools/build sanitize")
    monkeypatch.setenv("POSTERN_BUILD", build)
    play(make_world(family))
