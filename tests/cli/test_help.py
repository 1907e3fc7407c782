# SPDX-License-Identifier: Apache-2.0
"""`--help` from outside: one column for what stands left, one for what it means, also behind a "…"."""
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEFT = 26


def program(name):
    for build in ("sanitize", "tests", "release"):
        path = os.path.join(ROOT, "build", build, "src", "cli", name)
        if os.path.exists(path):
            return path
    pytest.fail("nothing is built: tools/build tests")
    return None


@pytest.mark.parametrize("words", [["postern"], ["postern", "train"], ["postern-doctor"]])
def test_columns_stand_below_each_other(words):
    done = subprocess.run([program(words[0]), *words[1:], "--help"], stdout=subprocess.PIPE, timeout=60, check=True)
    rows = re.findall(r"^  (\S.*?)( +)(?<=  )(\S.*)$", done.stdout.decode("utf-8"), re.M)
    assert len(rows) > 4
    for left, gap, text in rows:
        if len(left) < LEFT:
            assert len(left) + len(gap) == LEFT + 1, (left, text)
