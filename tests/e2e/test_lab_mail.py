# SPDX-License-Identifier: Apache-2.0
"""The lab's mail: well-formed, under reserved names, varied, and not a copy of training mail."""
import email
import email.policy
import glob
import itertools
import json
import os
import re
import subprocess

import pytest

from conftest import ROOT

MAIL = os.path.join(ROOT, "lab", "mail")
FILES = sorted(glob.glob(os.path.join(MAIL, "*", "*.eml")))
HOST = re.compile(r"(?:https?://|@)([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
NEAR = 3


@pytest.mark.parametrize("kind", ["ham", "spam"])
def test_there_are_enough(kind):
    assert len(glob.glob(os.path.join(MAIL, kind, "*.eml"))) >= 60


def test_they_are_well_formed_and_under_reserved_names():
    idents = set()
    for path in FILES:
        with open(path, "rb") as text:
            raw = text.read()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        parts = list(message.walk())
        assert not [d for p in parts for d in p.defects], path
        assert message["From"] and message["Subject"] and message["Date"], path
        assert message["Message-ID"] not in idents, path
        idents.add(message["Message-ID"])
        assert "Received" not in message, path
        text = raw.decode().split("\n\n", 1)[0] + "\n" + "\n".join(p.get_content() for p in parts if p.get_content_maintype() == "text")
        for host in HOST.findall(text):
            host = host.lower().rstrip(".")
            if not host.endswith(("microsoft.com", "w3.org")):  # name spaces of HTML, no links
                assert host.endswith((".example", ".test")), f"{path}: {host}"


def hashes(built, *paths):
    """{file and index: the campaign hash} as the filter computes it."""
    done = subprocess.run([os.path.join(built, "src", "cli", "postern"), "score", "--json", *paths],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=600)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows, done.stderr
    return {f"{r['file']}#{r['index']}": int(r["campaign"], 16) for r in rows if r["campaign"]}


def near(a, b):
    return (a ^ b).bit_count() <= NEAR


def test_no_two_are_copies_of_each_other(built):
    found = hashes(built, os.path.join(MAIL, "ham"), os.path.join(MAIL, "spam"))
    assert len(found) >= 120
    assert [(p, q) for (p, a), (q, b) in itertools.combinations(found.items(), 2) if near(a, b)] == []


def test_none_is_a_copy_of_training_mail(built, tmp_path):
    archives = sorted(glob.glob(os.path.join(os.environ.get("POSTERN_DATA", ""), "mail", "*.tar.zst")))
    if not archives:
        pytest.skip("no training mail: set POSTERN_DATA")
    for archive in archives:
        subprocess.run(["tar", "--zstd", "-xf", archive, "-C", str(tmp_path)], check=True)
    folders = sorted({os.path.dirname(p) for p in glob.glob(str(tmp_path / "**" / "*"), recursive=True) if os.path.isfile(p)})
    ours = hashes(built, os.path.join(MAIL, "ham"), os.path.join(MAIL, "spam"))
    trained = hashes(built, *folders)
    assert len(trained) > 5000
    values = list(trained.values())
    assert [p for p, a in ours.items() if any(near(a, b) for b in values)] == []
