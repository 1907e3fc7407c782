# SPDX-License-Identifier: Apache-2.0
"""postern-doctor: one static file that runs where nothing else is, and says what `postern doctor` says."""
import json
import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOG = (
    "Jun 12 04:05:06 srv1 postfix/pickup[2]: 9F4C2DE00A1: uid=0 from=<root@srv1.example>\n"
    "Jun 12 04:05:06 srv1 postfix/cleanup[3]: 9F4C2DE00A1: message-id=<1$2@srv1.example>\n"
    "Jun 12 04:05:06 srv1 postfix/qmgr[4]: 9F4C2DE00A1: from=<root@srv1.example>, size=1, nrcpt=1 (queue active)\n"
    "Jun 12 04:05:07 srv1 postfix/smtp[5]: 9F4C2DE00A1: to=<a@b.example>, relay=mx.b.example[192.0.2.9]:25, delay=1,"
    " delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
    "Jun 12 04:05:07 srv1 postfix/qmgr[4]: 9F4C2DE00A1: removed\n")


def built(name):
    for build in ("release", "tests"):
        path = os.path.join(ROOT, "build", build, "src", "cli", name)
        if os.path.exists(path):
            return path
    pytest.skip(f"no {name} is built: tools/build tests")
    return None


def answer(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_it_needs_no_library():
    """No interpreter and no needed library in its program header, as readelf sees it."""
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("no readelf")
    text = subprocess.run([readelf, "-ldW", built("postern-doctor")], stdout=subprocess.PIPE, check=True).stdout
    assert b"INTERP" not in text
    assert b"(NEEDED)" not in text
    # The check can fail: the other program is dynamic.
    text = subprocess.run([readelf, "-ldW", built("postern")], stdout=subprocess.PIPE, check=True).stdout
    assert b"INTERP" in text and b"(NEEDED)" in text


def test_it_holds_no_library_of_the_daemon():
    with open(built("postern-doctor"), "rb") as file:
        octets = file.read()
    for sign in (b"SQLite format 3", b"OpenSSL 3", b"libcurl/"):
        assert sign not in octets


@pytest.mark.parametrize("packed", [None, "gzip", "xz", "zstd", "bzip2"])
def test_it_says_the_same(tmp_path, packed):
    log = tmp_path / "mail.log"
    log.write_text(LOG)
    if packed is not None:
        if shutil.which(packed) is None:
            pytest.skip(f"no {packed}")
        with open(tmp_path / "packed", "wb") as out:
            subprocess.run([packed, "-c", str(log)], stdout=out, check=True)
        log = tmp_path / "packed"
    arguments = ["--json", "--log", str(log), "1$2@srv1.example"]
    mine = answer(built("postern-doctor"), *arguments)
    assert mine == answer(built("postern-doctor"), "doctor", *arguments)
    assert mine == answer(built("postern"), "doctor", *arguments)
    told = json.loads(mine[1])
    assert mine[0] == 0 and told["lines"]["mta"] == 5
    assert told["ids"][0]["source"] == "uid 0"


def test_it_runs_in_an_empty_root(tmp_path):
    """No libraries, no /etc, no /proc: as on any other distribution."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    logs = tmp_path / "var" / "log"
    logs.mkdir(parents=True)
    (logs / "mail.log").write_text(LOG)
    shutil.copy(built("postern-doctor"), tmp_path / "postern-doctor")
    status, out, errors = answer("chroot", str(tmp_path), "/postern-doctor", "--json", "9F4C2DE00A1")
    assert status == 0, errors
    told = json.loads(out)
    assert told["lines"]["mta"] == 5
    assert told["ids"][0]["found"] and told["ids"][0]["source"] == "uid 0"


def test_its_other_commands():
    status, out, _ = answer(built("postern-doctor"), "--help")
    assert status == 0
    for noun in (b"doctor", b"doctor path", b"doctor queue", b"doctor report", b"origin FILE", b"recipe PLATFORM"):
        assert out.count(b"\n  " + noun) >= 1, noun
    assert b"case" not in out and b"status" not in out
    mine = answer(built("postern-doctor"), "recipe", "nftables")
    assert mine[0] == 0 and mine == answer(built("postern"), "recipe", "nftables")
    assert answer(built("postern-doctor"), "--no-such-option")[0] == 2
