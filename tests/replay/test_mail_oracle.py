# SPDX-License-Identifier: Apache-2.0
"""Every message of the shared data, read by our walker and by GMime: no difference without a reason.

What counts as a reason stands in mail_oracle.c. With a sanitizer build the walker runs under it,
which is also the test that no message of the data makes it crash.
"""
import os
import subprocess

import pytest

from conftest import DATA, ROOT

ARCHIVES = ["mime-cases", "bounces", "filter-cases", "spam-2023-2025", "csdmc-2010", "list-2019-2026", "spamassassin"]


def oracle():
    found = []
    for build in ("tests", "sanitize"):
        path = os.path.join(ROOT, "build", build, "tests", "replay", "mail_oracle")
        if os.path.exists(path):
            found.append(path)
    return found


def messages(archive, folder):
    """Unpack and list what is mail as it is on the wire: no lines that end in CR alone."""
    source = os.path.join(DATA, "mail", archive + ".tar.zst")
    if not os.path.exists(source):
        pytest.skip(f"no {source}")
    subprocess.run(["tar", "--zstd", "-xf", source, "-C", folder], check=True)
    paths = [os.path.join(where, n) for where, _, names in os.walk(folder) for n in names]
    return [p for p in sorted(paths) if "maildir__mac" not in p]


@pytest.mark.parametrize("archive", ARCHIVES)
def test_gmime_agrees(archive, tmp_path):
    paths = messages(archive, tmp_path)
    programs = oracle()
    if not programs:
        pytest.skip("mail_oracle is not built: no GMime")
    for program in programs:
        done = subprocess.run([program], input="\n".join(paths) + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", errors="replace", timeout=300, check=False,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        assert f"messages: {len(paths)}" in done.stdout
