# SPDX-License-Identifier: Apache-2.0
"""What the end to end tests share: the lab's library, and a plain word where they can't run."""
import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "lab"))

from lab import guard, world  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: only in `make check-full`")
    world.catch_signals(KeyboardInterrupt)


@pytest.fixture(scope="session")
def built():
    """The folder of the programs."""
    try:
        return guard.build_folder()
    except world.LabError as problem:
        pytest.fail(str(problem))


@pytest.fixture(scope="session")
def features():
    """Skips, and says why, where namespaces or mail servers are missing."""
    try:
        world.check_features()
    except world.LabError as problem:
        pytest.skip(str(problem))


@pytest.fixture
def make_world(features):
    """Builds labs, and takes them away after the test, whatever happened in it."""
    made = []

    def make(*args, **kw):
        lab = world.World(*args, **kw)
        made.append(lab)
        try:
            lab.up()
        except BaseException:
            lab.down()
            raise
        return lab
    yield make
    for lab in made:
        lab.down()
