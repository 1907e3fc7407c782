# SPDX-License-Identifier: Apache-2.0
"""A run of the tests that is told to end takes away what it made, and does not go on with the next one."""
import os
import signal
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = '''
import os
import time

import pytest


def note(name):
    with open(os.path.join(os.path.dirname(__file__), name), "w", encoding="utf-8"):
        pass


@pytest.fixture
def world():
    yield
    note("cleaned")


def test_that_is_stopped(world):
    note("begun")
    time.sleep(120)


def test_that_does_not_begin():
    note("went_on")
'''


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run(tmp_path, number):
    (tmp_path / "test_them.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with subprocess.Popen([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "conftest", "test_them.py"],
                          cwd=tmp_path, env=dict(os.environ, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE="1"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        end = time.monotonic() + 60
        while not (tmp_path / "begun").exists() and run.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        run.send_signal(number)
        try:
            said, _ = run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == pytest.ExitCode.INTERRUPTED, said.decode(errors="replace")
    assert (tmp_path / "cleaned").exists()
    assert not (tmp_path / "went_on").exists()
