# SPDX-License-Identifier: Apache-2.0
"""Logs that were made up together with their truth: the doctor's numbers are the truth's, to the last one."""
import gzip
import json
import os
import subprocess

import pytest

from conftest import ROOT, program, run

FORMS = [
    ["--mta", "postfix"],
    ["--mta", "postfix", "--ids", "long", "--time", "3339"],
    ["--mta", "postfix", "--filter"],
    ["--mta", "exim"],
    ["--mta", "exim", "--ids", "long"],
    ["--mta", "exim", "--time", "3164"],
    ["--mta", "exim", "--ids", "long", "--time", "3339"],
]
NUMBERS = ("kind", "name", "cause", "messages", "recipients", "sent", "bounced", "deferred")


def generator():
    for build in ("tests", "sanitize"):
        path = os.path.join(ROOT, "build", build, "tests", "bench", "log_generate")
        if os.path.exists(path):
            return path
    pytest.fail("nothing is built: tools/build tests")
    return None


def make(folder, arguments, size=2_000_000, seed=5):
    """(the log's path, the truth)"""
    log, truth = os.path.join(folder, "log"), os.path.join(folder, "truth")
    with open(log, "wb") as out:
        subprocess.run([generator(), *arguments, "--size", str(size), "--seed", str(seed), "--truth", truth],
                       stdout=out, check=True, timeout=60)
    with open(truth, encoding="utf-8") as file:
        return log, json.load(file)


def doctor(*args):
    status, out, errors = run("doctor", "--json", *args)
    assert status == 0, errors
    return json.loads(out)


def numbers(sources):
    return sorted(tuple(s[n] for n in NUMBERS) for s in sources)


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_numbers_are_the_truth(tmp_path, form):
    log, truth = make(tmp_path, form)
    answer = doctor("--log", log)
    assert numbers(answer["accused"]) == numbers(s for s in truth["sources"] if s and s["cause"])
    assert answer["lines"]["total"] == truth["lines"]
    assert answer["lines"]["classified"] == answer["lines"]["mta"] == truth["lines"]


@pytest.mark.parametrize("form", FORMS[:4], ids=" ".join)
def test_nobody_is_accused_without_a_run(tmp_path, form):
    log, truth = make(tmp_path, [*form, "--clean"], seed=6)
    answer = doctor("--log", log)
    assert answer["accused"] == []
    assert answer["verdict"] == "clean"
    assert not [s for s in truth["sources"] if s and s["cause"]]


@pytest.mark.parametrize("form", [FORMS[0], FORMS[2], FORMS[3]], ids=" ".join)
def test_ids_name_their_source(tmp_path, form):
    log, truth = make(tmp_path, form)
    wanted = [i for i in truth["ids"] if i]
    answer = doctor("--log", log, *[i["id"] for i in wanted])
    for want, got in zip(wanted, answer["ids"], strict=True):
        assert got["found"] and got["id"] == want["id"]
        assert got["queue_id"] == want["queue_id"]
        assert got["source"] == want["source"]


def found_both_ways(log, ids):
    """What is found by looking lines over is what is found by reading them. @return is it looked over?"""
    status, out, errors = run("doctor", "--json", "--find", "--log", log, *ids)
    assert status == 0, errors
    answer = json.loads(out)
    want = [(i["id"], i["found"], i["queue_id"], i["source"]) for i in doctor("--log", log, *ids)["ids"]]
    assert [(i["id"], i["found"], i["queue_id"], i["source"]) for i in answer["ids"]] == want
    return answer["lines"] == "looked_over"


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_find_is_as_if_all_was_read(tmp_path, form):
    log, truth = make(tmp_path, form)
    wanted = [i for i in truth["ids"] if i]
    assert found_both_ways(log, [i["id"] for i in wanted] + ["absent@nowhere.example"])
    queue_ids = [i["queue_id"] for i in wanted[::5]] + ["0ABCDEF123"]
    assert found_both_ways(log, queue_ids) or "--filter" in form


def test_compressed_halves_are_the_whole(tmp_path):
    """Rotated in the middle of a line's neighbourhood, the older half compressed: the same numbers."""
    log, truth = make(tmp_path, FORMS[1])
    with open(log, "rb") as file:
        octets = file.read()
    cut = octets.index(b"\n", len(octets) // 2) + 1
    older, newer = tmp_path / "log.1.gz", tmp_path / "log.0"
    older.write_bytes(gzip.compress(octets[:cut]))
    newer.write_bytes(octets[cut:])
    answer = doctor("--log", str(newer), "--log", str(older))
    assert numbers(answer["accused"]) == numbers(s for s in truth["sources"] if s and s["cause"])


def test_the_generator_is_its_seed(tmp_path):
    assert program()
    one, _ = make(tmp_path, FORMS[0], size=200_000, seed=9)
    with open(one, "rb") as file:
        first = file.read()
    two, _ = make(tmp_path, FORMS[0], size=200_000, seed=9)
    with open(two, "rb") as file:
        assert file.read() == first
    three, _ = make(tmp_path, FORMS[0], size=200_000, seed=10)
    with open(three, "rb") as file:
        assert file.read() != first
