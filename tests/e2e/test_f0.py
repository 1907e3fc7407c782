# SPDX-License-Identifier: Apache-2.0
"""How legitimate mail scores, learned on site: in the running daemon, over SIGHUP, kill and replay; not while in doubt.

A step is made once an hour, so the weeks before are run on another clock (judge_driver), and the daemon goes on from there:
its first tick is in a new hour.
"""
import os
import pwd
import signal
import subprocess

import pytest

from lab import guard
from lab.incident import wait_for
from lab.world import CUSTOMERS
from gate_net import build_folder
from test_lists import hup, put, send


def start(lab, mode, **change):
    """(posternd, steps of the checkpoint that it starts from)"""
    postern = guard.Guard(lab, **change)
    folder = os.path.join(postern.state, "judge")
    os.makedirs(folder)
    path = os.path.join(folder, "checkpoint")
    done = subprocess.run([os.path.join(build_folder(), "tests", "e2e", "judge_driver"), postern.conf, path, mode],
                          stdout=subprocess.PIPE, check=True, timeout=60, text=True)
    user = pwd.getpwnam("_postern-judge")
    os.chown(path, user.pw_uid, user.pw_gid)
    postern.start()
    return postern, int(done.stdout)


def process(postern):
    code, out, _ = postern.cli("status", "--json")
    processes = guard.json.loads(out)["processes"] if code == 0 else []
    return next((p for p in processes if p["name"] == "judge"), {})


def judge(postern):
    """Statistics of the judge; {} until this one has said any."""
    return process(postern).get("stats") or {}


def learned(postern):
    networks = judge(postern).get("f0")
    return networks[0] if networks else None


def steps(postern):
    return (learned(postern) or {}).get("steps")


def metric(postern, name):
    lines = postern.get("/metrics").decode().splitlines()
    return next((line.split()[1] for line in lines if line.startswith(name + " ")), None)


def test_what_was_learned_goes_on(make_world):
    lab = make_world("4")
    path = os.path.join(lab.folder, "phish")
    put(path, "first.example", "second.example")
    postern, before = start(lab, "learned", extra=f"lists:\n  - {{ name: phish, file: {path} }}\n")
    assert before > 100
    # A step of the running daemon, and at most another where an hour ends during this test.
    assert wait_for(lambda: (steps(postern) or 0) > before, 15), (judge(postern), postern.log_tail())
    f0 = learned(postern)
    assert f0["steps"] <= before + 2 and f0["voters"] == 40 and f0["share"] != f0["shipped"]
    assert abs(sum(f0["share"]) - 1) < .01
    said = postern.cli("status")[1]
    assert "legitimate mail of customers by score, learned from 40 sources in" in said, said
    assert metric(postern, "postern_judge_f0_learned_networks") == "1"

    # Evidence counted with it says so, and gives the same when it is computed again.
    send(lab, "a", 6, ("first.example", "second.example"))
    assert wait_for(lambda: postern.rung("a", "4") == "block", 20), postern.json("why", CUSTOMERS["a"]["v4"])
    code, out, err = postern.cli("replay", "ALL", "--state", postern.state, "--json")
    replays = [guard.json.loads(line) for line in out.splitlines()]
    assert code == 0 and replays and all(r["equal"] for r in replays), (out, err)

    os.kill(postern.pids()["judge"], signal.SIGKILL)
    for again in (lambda: None, lambda: hup(postern)):
        again()
        assert wait_for(lambda: len(postern.pids()) == 4 and steps(postern), 20), postern.log_tail()
        now = learned(postern)
        assert f0["steps"] <= now["steps"] <= before + 2 and now["voters"] >= 40
        assert now["steps"] > f0["steps"] or now["share"] == f0["share"]


@pytest.mark.parametrize("mode, word", [("guarded", "filter_guard"), pytest.param("braked", "brake", marks=pytest.mark.slow)])
def test_in_doubt_it_stands_still(make_world, mode, word):
    lab = make_world("4")
    postern, before = start(lab, mode)
    # The step is due at once, and the judge speaks every five seconds.
    first = wait_for(lambda: process(postern).get("stats_at"), 10)
    assert wait_for(lambda: process(postern).get("stats_at") != first, 10), postern.log_tail()
    assert judge(postern)[word] is True
    assert steps(postern) == before
