# SPDX-License-Identifier: Apache-2.0
"""`make run` on this machine: runs once, says so twice, stops cleanly; and the unit that packages install."""
import os
import re
import shutil
import socket
import subprocess

import pytest

from desk import ROOT


def run(what):
    done = subprocess.run([os.path.join(ROOT, "tools", "run"), what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode()


def lines_of(text):
    return {k: v for k, v in re.findall(r"^(panel|socket|state|token): (.+)$", text, re.M)}


@pytest.fixture(scope="module")
def release():
    """As `make run` does: a program older than the tree would not know its weights."""
    done = subprocess.run([os.path.join(ROOT, "tools", "build"), "release"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=900, check=False)
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture
def idle(release):
    """Only where nobody runs it already, and the port is free."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", 8025))
        except OSError:
            pytest.skip("something listens on 127.0.0.1:8025")
    yield
    run("stop")


def test_it_runs_once_and_stops(idle):
    status, first = run("start")
    assert status == 0, first
    status, second = run("start")
    assert status == 0 and "runs already" in second
    assert lines_of(first) == lines_of(second) and set(lines_of(first)) == {"panel", "socket", "state", "token"}
    pids = re.findall(r"\(pid (\d+)\)", first + second)
    assert len(set(pids)) == 1
    with open(os.path.join(ROOT, "build", "run", "postern.yaml"), encoding="utf-8") as f:
        assert "mode: observe" in f.read()
    status, text = run("stop")
    assert status == 0 and not os.path.exists(f"/proc/{pids[0]}"), text
    assert run("stop") == (0, "postern does not run\n")


def test_a_busy_port_is_one_clear_message(idle):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 8025))
        s.listen()
        status, text = run("start")
    assert status == 1 and "127.0.0.1:8025 is in use by another program" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_unit_is_good(tmp_path):
    with open(os.path.join(ROOT, "etc", "systemd", "posternd.service"), encoding="utf-8") as f:
        unit = f.read()
    # What it starts is not installed here.
    unit = re.sub(r"/usr/s?bin/posternd?\b[^\n]*", "/bin/true", unit)
    unit = re.sub(r"^Documentation=.*\n", "", unit, flags=re.M)
    path = tmp_path / "posternd.service"
    path.write_text(unit, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, timeout=60)
    assert done.returncode == 0 and b"posternd" not in done.stdout, done.stdout
