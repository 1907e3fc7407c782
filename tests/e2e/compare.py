# SPDX-License-Identifier: Apache-2.0
"""What the doctor said beside what was staged. Only this reads the truth."""
import json
import os
import subprocess


def doctor(postern, logs=(), root=None, ids=(), env=None, enter=()):
    """Ask it, on the machine that the words of `enter` lead to; its document."""
    words = [*enter, postern, "doctor", "--json"] + [w for path in logs for w in ("--log", path)]
    words += ["--root", root] if root else []
    done = subprocess.run([*words, "--", *ids] if ids else words, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, env=dict(os.environ, TZ="UTC", **(env or {})))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.decode()[-300:]}")
    return json.loads(done.stdout)


def found(said, truth):
    """Does one of the accused stand for this truth?"""
    if truth["cause"] == "direct":
        return said["cause"] == "direct"
    return said["name"] in truth["names"]


def wrong(document, truths, also=()):
    """What is wrong with it, in words; empty: right. Each of `truths` must be named, each of `also` may."""
    problems = []
    for truth in truths:
        mine = [a for a in document["accused"] if found(a, truth)]
        if not mine:
            problems.append(f"{truth['staged']}: {truth['names']} is not accused")
        elif truth["cause"] not in [a["cause"] for a in mine] and (truth["loud"] or mine[0]["confidence"] > 0.7):
            # Of a few mails that hardly anybody refused the cause may be open, but then it says so.
            problems.append(f"{truth['staged']}: said to be {[(a['cause'], a['confidence']) for a in mine]}")
    for a in document["accused"]:
        if not any(found(a, t) for t in [*truths, *also]) and not (a["cause"] == "backscatter" and also):
            # Notices to the senders that the staged spam forged are backscatter indeed.
            problems.append(f"{a['kind']} {a['name']} is accused of {a['cause']} ({a['confidence']}): {a['why']}")
    return problems
