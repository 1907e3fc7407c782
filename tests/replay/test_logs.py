# SPDX-License-Identifier: Apache-2.0
"""The shared logs of real mail servers: how many of their lines are understood, and for Exim every message,
recipient and end, counted here by other means."""
import collections
import json
import os
import re
import subprocess

import pytest

from conftest import DATA, ROOT, run

LOGS = os.path.join(DATA, "logs")
# A mail server's own lines in the collections: their other lines are of web servers and comments.
LINES_OF = {
    "crowdsec": r"(postfix|exim|dovecot)[^/]*$",
    "fail2ban": r"(courier-auth|courier-smtp|qmail|sendmail-auth|sendmail-reject)$",
}
EXIM = re.compile(r"""^\d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d(?:\.\d+)?(?:\ [+-]\d{4})?(?:\ \[\d+\])?\ # when, who
                  (\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4})\ (<=|=>|->|>>|\*>|\*\*|==|Completed|removed\ by)(?:\ (.*))?$""", re.X | re.A)


def events(*paths):
    """[(type, id, recipient)], one for each line of the files."""
    for build in ("sanitize", "tests"):
        program = os.path.join(ROOT, "build", build, "tests", "replay", "log_events")
        if os.path.exists(program):
            out = subprocess.run([program, *paths], stdout=subprocess.PIPE, check=True, timeout=120).stdout
            return [tuple(line.split("\t")) for line in out.decode("utf-8", "surrogateescape").split("\n")[:-1]]
    pytest.fail("nothing is built: tools/build tests")
    return None


def lines_of(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        return file.read().removesuffix("\n").split("\n")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A function: the files of one archive."""
    def files(name):
        archive = os.path.join(LOGS, f"{name}.tar.zst")
        if not os.path.exists(archive):
            pytest.skip(f"no {archive}")
        folder = tmp_path_factory.mktemp(name)
        subprocess.run(["tar", "--zstd", "-xf", archive, "-C", str(folder)], check=True)
        return sorted(str(p) for p in folder.rglob("*") if p.is_file())
    return files


def first_word(text):
    """Up to a space that stands in no quotes."""
    quoted, i = False, 0
    while i < len(text) and (quoted or text[i] != " "):
        if text[i] == "\\" and quoted:
            i += 1
        elif text[i] == '"':
            quoted = not quoted
        i += 1
    return text[:i].removesuffix(":")


def test_exim_every_message(unpacked):
    logs = 0
    for path in unpacked("exim"):
        want, got = collections.Counter(), collections.Counter()
        for line in lines_of(path):
            m = EXIM.match(line)
            if m is None:
                continue
            sign, rest = m.group(2), m.group(3) or ""
            if sign == "<=":
                want["arrived", m.group(1)] += 1
            elif sign not in ("Completed", "removed by"):
                want["delivery", m.group(1), first_word(rest)] += 1
            elif sign == "removed by" or rest == "" or rest.startswith("QT="):
                want["ended", m.group(1)] += 1
        for kind, ident, rcpt in events(path):
            if kind == "delivery":
                got[kind, ident, rcpt] += 1
            elif kind in ("arrived", "ended"):
                got[kind, ident] += 1
        assert got == want, path
        logs += 1
    assert logs == 427


def test_exim_all_lines(unpacked):
    told = collections.Counter(e[0] for path in unpacked("exim") for e in events(path))
    known = sum(n for kind, n in told.items() if kind not in ("no_time", "unknown", "not_mail"))
    dated = sum(1 for path in unpacked("exim") for line in lines_of(path) if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line))
    assert known >= dated * 0.995
    assert told["unknown"] == 0


def test_postfix_dump(unpacked):
    mail = unknown = 0
    for path in unpacked("postfix-dump"):
        for line, event in zip(lines_of(path), events(path), strict=True):
            if re.match(r"\w{3} [ \d]\d [\d:]{8} \S+ postfix/", line):
                mail += 1
                unknown += event[0] in ("no_time", "not_mail", "unknown")
    assert mail > 10000
    assert unknown <= mail * 0.005


def test_collections():
    """Lines that were kept because they are odd: nearly all are told for what they are."""
    mail, bad = 0, []
    for folder, names in LINES_OF.items():
        where = os.path.join(LOGS, folder)
        if not os.path.isdir(where):
            pytest.skip(f"no {where}")
        for name in sorted(os.listdir(where)):
            if not re.search(names, name.removesuffix(".log")):
                continue
            path = os.path.join(where, name)
            for line, event in zip(lines_of(path), events(path), strict=True):
                if line.strip() == "" or line.startswith("#"):
                    continue
                mail += 1
                if event[0] in ("no_time", "not_mail", "unknown"):
                    bad.append((name, event[0], line))
    assert mail > 100
    others = [b for b in bad if not re.search(r"rblsmtpd|courieresmtp|spamd", b[2])]
    assert len(others) <= mail * 0.005, others


def test_postfix_single_lines(tmp_path):
    """Texts behind the tag, one a file, with the program in the file's name."""
    where = os.path.join(LOGS, "postfix-lines")
    if not os.path.isdir(where):
        pytest.skip(f"no {where}")
    path, made = tmp_path / "log", []
    for name in sorted(os.listdir(where)):
        with open(os.path.join(where, name), encoding="utf-8") as file:
            m = re.search(r"^data: (.*)$", file.read(), re.M)
        if m:
            text = m.group(1).strip()
            text = text[1:-1] if text[:1] in "\"'" and text[-1:] == text[:1] else text
            made.append(f"Jun 12 04:05:06 srv postfix/{name.split('_')[0]}[1]: {text}")
    path.write_text("\n".join(made) + "\n", encoding="utf-8")
    told = events(str(path))
    assert len(told) == len(made) > 150
    bad = [line for line, e in zip(made, told, strict=True) if e[0] in ("no_time", "not_mail", "unknown")]
    assert len(bad) <= len(made) * 0.005, bad


ID = re.compile(rb"(?:message-id=|msgid=| id\*?=)<?([^\s<>\"',]{3,200})|(?: |^)([0-9A-Z]{9,12}|\w{6}-\w{6}-\w\w)(?:: | <= )")


def test_ids_are_found_as_if_all_was_read(unpacked):
    """Every tenth id of the shared logs, Message-IDs and queue ids, each kind by itself."""
    logs = [*unpacked("exim"), *unpacked("postfix-dump")]
    asked = 0
    for log in logs:
        with open(log, "rb") as file:
            hits = ID.findall(file.read())
        for kind in (0, 1):
            ids = sorted({h[kind].decode("utf-8", "replace") for h in hits if h[kind]})[::10][:300]
            ids = [i for i in ids if not i.startswith("-") and "\ufffd" not in i]
            if not ids:
                continue
            answers = []
            for option in ([], ["--find"]):
                status, out, errors = run("doctor", "--json", *option, "--log", log, *ids)
                assert status == 0, errors
                answers.append([(i["id"], i["found"], i["queue_id"], i["source"]) for i in json.loads(out)["ids"]])
            assert answers[0] == answers[1], log
            asked += len(ids)
    assert asked > 100
