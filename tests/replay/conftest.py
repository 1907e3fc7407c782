# SPDX-License-Identifier: Apache-2.0
"""What the replay tests share: where the captures lie, and `postern scan` as a function."""
import json
import os
import subprocess

import jsonschema
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.environ.get("POSTERN_DATA") or os.path.join(ROOT, "..", "shared", "data")
SCHEMA = os.path.join(DATA, "..", "contract", "scan.schema.json")


def program():
    for build in ("sanitize", "tests", "release"):
        path = os.path.join(ROOT, "build", build, "src", "cli", "postern")
        if os.path.exists(path):
            return path
    pytest.fail("nothing is built: tools/build tests")
    return None


def run(*args, stdin=None):
    """(exit code, standard output as octets, standard error as text)"""
    done = subprocess.run([program(), *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


class Scan:
    """The objects of one `postern scan --json`."""

    def __init__(self, *args, stdin=None):
        self.status, self.raw, self.errors = run("scan", "--json", *args, stdin=stdin)
        # Line ends within JSON are escaped: one line is one object.
        self.objects = [json.loads(line) for line in self.raw.decode("utf-8").split("\n")[:-1]]

    def of(self, kind):
        return [o for o in self.objects if o["type"] == kind]

    @property
    def messages(self):
        return self.of("message")

    @property
    def sessions(self):
        return self.of("session")

    @property
    def summary(self):
        return self.of("summary")[-1]


def captures():
    """All captures there are, by their path below DATA/captures."""
    top = os.path.join(DATA, "captures")
    found = []
    for folder in ("zeek", "arkime", "suricata", "ndpi"):
        where = os.path.join(top, folder)
        if os.path.isdir(where):
            found += [f"{folder}/{n}" for n in sorted(os.listdir(where)) if ".pcap" in n]
    return found


def capture(name):
    path = os.path.join(DATA, "captures", name)
    if not os.path.exists(path):
        pytest.skip(f"no {path}")
    return path


def check_shape(objects):
    """Each object against the schema, where it is there, and the order of DESIGN §11."""
    if os.path.exists(SCHEMA):
        with open(SCHEMA, encoding="utf-8") as file:
            validator = jsonschema.Draft202012Validator(json.load(file))
        for o in objects:
            problems = [e.message for e in validator.iter_errors(o)]
            assert not problems, (problems, o)
    kinds = [o["type"] for o in objects]
    rank = {"message": 0, "session": 0, "source": 1, "summary": 2}
    for before, after in zip(kinds, kinds[1:]):
        assert rank[before] <= rank[after] or before == "summary", kinds
    assert kinds[-1] == "summary"
    summary = objects[-1]
    assert summary["messages"] == kinds.count("message")
    assert summary["sessions"] == kinds.count("session")
    assert summary["sources"] == kinds.count("source")
    numbers = {o["session"] for o in objects if o["type"] == "session"}
    assert {o["session"] for o in objects if o["type"] == "message"} <= numbers
