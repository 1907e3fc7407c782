# SPDX-License-Identifier: Apache-2.0
"""The commands that ask the daemon: what they print, and how they end."""
import json
import os
import subprocess

import pytest

from desk import Desk, build_folder


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    if build_folder() is None:
        pytest.fail("deskd is not built: tools/build tests")
    d = Desk(tmp_path_factory.mktemp("desk"))
    d.do("block 192.0.2.20")
    yield d
    assert d.stop() == 0, d.log()


def ends(desk, status, *arguments):
    got, out, err = desk.cli(*arguments)
    assert got == status, (arguments, got, out, err)
    return out, err


def document(desk, status, *arguments):
    """--json is one document."""
    out, _ = ends(desk, status, *arguments, "--json")
    return json.loads(out)


def test_status(desk):
    out, _ = ends(desk, 0, "status")
    assert "customers" in out and "enforce" in out and "1 abused" in out
    assert document(desk, 0, "status")["cases"]["open"] >= 0
    ends(desk, 0, "top")


def test_why_tells_the_evidence(desk):
    out, _ = ends(desk, 0, "why", "192.0.2.20")
    assert "content" in out and "17.412" in out and "16.000" in out
    assert document(desk, 0, "why", "192.0.2.20")["evidence"][1]["kind"] == "recipients"
    out, _ = ends(desk, 0, "why", "<spam-1@b.example>")
    assert "asks for a password" in out
    ends(desk, 4, "why", "nobody@nowhere.example")
    ends(desk, 4, "why", "203.0.114.1")
    ends(desk, 2, "why", "no-address")
    ends(desk, 2, "why")


def test_source_orders_and_their_ends(desk):
    ends(desk, 0, "source", "block", "192.0.2.50", "--reason", "by hand", "--for", "2h")
    shown = document(desk, 0, "source", "show", "192.0.2.50")
    assert shown["orders"][0]["state"] == "installed" and shown["orders"][0]["expires_at"]
    ends(desk, 0, "source", "unblock", "192.0.2.50")
    assert document(desk, 0, "source", "show", "192.0.2.50")["orders"][0]["rung"] == "pass"
    out, _ = ends(desk, 3, "source", "block", "198.51.100.9", "--reason", "x")
    assert "observe" in out and "mode: enforce" in out  # and how to switch
    assert document(desk, 3, "source", "block", "198.51.100.9", "--reason", "x")["state"] == "would"
    ends(desk, 2, "source", "block", "192.0.2.51")  # no reason
    ends(desk, 2, "source", "block", "192.0.2.51", "--reason", "x", "--for", "soon")
    ends(desk, 4, "source", "block", "192.0.2.51", "--reason", "x", "--network", "nowhere")
    ends(desk, 0, "source", "throttle", "192.0.2.52", "--reason", "x", "--dry-run")
    assert document(desk, 0, "source", "show", "192.0.2.52")["orders"] == []
    out, _ = ends(desk, 0, "source", "list", "--verdict", "abused")
    assert "192.0.2.20" in out
    ends(desk, 2, "source", "list", "--verdict", "evil")


def test_cases(desk):
    listed = document(desk, 0, "case", "list", "--source", "192.0.2.20")
    assert listed["next"] is None
    case = listed["items"][0]["id"]
    out, _ = ends(desk, 0, "case", "show", case)
    assert "spam-1@b.example" in out and "not_proved" in out
    ends(desk, 4, "case", "show", "4711")
    ends(desk, 0, "case", "note", case, "seen it")
    ends(desk, 0, "case", "assign", case, "anna")
    ends(desk, 0, "case", "acknowledge", case)
    assert document(desk, 0, "case", "show", case)["assignee"] == "anna"
    out, _ = ends(desk, 3, "case", "unblock", case, "--cause", "a password", "--fix", "changed")
    assert "refused" in out and "cool_down" in out
    assert document(desk, 3, "case", "unblock", case, "--cause", "a", "--fix", "b")["decision"] == "refused"
    ends(desk, 0, "case", "unblock", case, "--dry-run")
    ends(desk, 4, "case", "unblock", "4711", "--cause", "a", "--fix", "b")
    ends(desk, 8, "case", "close", case)  # still shut


def test_no_text_of_strangers_reaches_the_terminal_raw(desk):
    case = document(desk, 0, "case", "list", "--source", "192.0.2.20")["items"][0]["id"]
    ends(desk, 0, "case", "note", case, "\x1b[31mred\u202e")
    out, _ = ends(desk, 0, "case", "show", case)
    assert "\x1b" not in out and "\u202e" not in out and "\\u001b[31mred" in out


def test_tokens(desk):
    out, _ = ends(desk, 0, "token", "add", "robot", "--role", "observer")
    assert "pt_" in out
    made = [t for t in document(desk, 0, "token", "list")["items"] if t["name"] == "robot"][0]
    ends(desk, 0, "token", "revoke", made["id"])
    ends(desk, 4, "token", "revoke", "4711")
    ends(desk, 8, "brake", "lift")


def test_nobody_there(desk, tmp_path):
    for socket in (str(tmp_path / "none"), "/dev/null"):
        got = subprocess.run([os.path.join(desk.build, "src", "cli", "postern"), "--socket", socket, "status"],
                             stderr=subprocess.PIPE, check=False)
        assert got.returncode == 6 and socket.encode() in got.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_strangers_may_not_use_the_socket(desk):
    code = ("import os, sys; os.setgid(65534); os.setgroups([]); os.setuid(65534); "
            "os.execv(sys.argv[1], sys.argv[1:])")
    os.chmod(desk.folder, 0o755)
    os.chmod(desk.socket, 0o666)  # even then
    got = subprocess.run(["/usr/bin/python3", "-c", code, os.path.join(desk.build, "src", "cli", "postern"),
                          "--socket", desk.socket, "status"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if b"Permission denied" in got.stderr and b"execv" in got.stderr:
        pytest.skip("the build lies where only root may go")
    assert got.returncode == 5, got


def test_a_full_disk_is_said(desk):
    with open("/dev/full", "wb") as full:
        got = subprocess.run([os.path.join(desk.build, "src", "cli", "postern"), "--socket", desk.socket, "status", "--json"],
                             stdout=full, stderr=subprocess.PIPE, check=False)
    assert got.returncode == 1 and b"No space left" in got.stderr
