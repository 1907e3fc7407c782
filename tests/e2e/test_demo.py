# SPDX-License-Identifier: Apache-2.0
"""The demo can fail: with swapped folders, and with spam that the filter does not know."""
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import ROOT
from lab import ns

DEMO = os.path.join(ROOT, "lab", "demo")
HAM = os.path.join(ROOT, "lab", "mail", "ham")
SPAM = os.path.join(ROOT, "lab", "mail", "spam")


def heed_interrupts():
    """A shell starts what runs in the background deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(ham, spam):
    return subprocess.Popen([DEMO, "--family", "4", "--seed", "11", "--ham", str(ham), "--spam", str(spam)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=heed_interrupts)


def test_swapped_and_unknown_mail_make_it_fail(features, built, tmp_path):
    """Unknown spam: half of the legitimate mail plays the spam."""
    names = sorted(os.listdir(HAM))
    for half in (0, 1):
        (tmp_path / str(half)).mkdir()
        for name in names[half::2]:
            shutil.copy(os.path.join(HAM, name), tmp_path / str(half))
    swapped, unknown = start(SPAM, HAM), start(tmp_path / "0", tmp_path / "1")
    said = [p.communicate(timeout=300)[0] for p in (swapped, unknown)]
    assert swapped.returncode == 1, said[0]
    assert "FAILED: the kernel's table never held up A" in said[0]
    assert unknown.returncode == 1, said[1]
    assert "the filter does not know this spam" in said[1]
    assert "seed 11" in said[0]


def test_an_interrupted_demo_leaves_nothing(features, built):
    demo = start(HAM, SPAM)
    token = None
    for line in demo.stdout:
        if " lab " in line:
            token = line.split(" lab ")[1].split()[0]
        if "sends legitimate mail" in line:
            break
    time.sleep(1)
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert token and not [n for n in os.listdir(ns.NETNS_DIR) if token in n]
    assert not [p for d in ("/tmp", "/dev/shm") if os.path.isdir(d) for p in os.listdir(d) if token in p]


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_demo_is_reliable_and_short(features, built, seed):
    began = time.monotonic()
    done = subprocess.run([DEMO, "--seed", seed], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok: the doctor finds the cause: uid") == 2 and done.stdout.count("ok: it stands in the case, as reported") == 2
    assert time.monotonic() - began < 130
