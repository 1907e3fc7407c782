# SPDX-License-Identifier: Apache-2.0
"""Every capture is read to its end, and says what others see in it, or the reason stands here."""
import json
import os
import re

import pytest

from conftest import DATA, Scan, capture, captures, check_shape, run

EXPECTED = os.path.join(DATA, "captures", "zeek-expected")


@pytest.mark.skipif(not captures(), reason=f"no captures in {DATA}")
@pytest.mark.parametrize("name", captures() or ["none"])
def test_reads_to_the_end(name):
    scan = Scan(capture(name))
    assert scan.status == 0, scan.errors
    assert not scan.summary["truncated"]
    check_shape(scan.objects)
    # And the form for people, and without scores.
    assert run("scan", capture(name))[0] == 0
    check_shape(Scan("--no-score", capture(name)).objects)


# ---- Zeek ----

def zeek_pairs():
    path = os.path.join(EXPECTED, "MAP.tsv")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    return [(r[0], r[1]) for r in rows]


def unescape(text):
    """Zeek's \\xNN in logs."""
    octets = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())
    return octets.decode("utf-8", errors="replace")


def zeek_log(name):
    path = os.path.join(EXPECTED, name + "__smtp.log")
    if not os.path.exists(path):
        return []
    fields, rows = [], []
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line.startswith("#fields"):
                fields = line.split("\t")[1:]
            elif line and not line.startswith("#"):
                rows.append(dict(zip(fields, line.split("\t"))))
    return rows


def zeek_value(row, field):
    value = row.get(field, "-")
    return None if value in ("-", "(empty)") else unescape(value)


def without_brackets(text):
    return text and text.strip().strip("<>")


def matches(row, message):
    """What of a row and a message differs."""
    different = []

    def compare(what, theirs, ours):
        if theirs is not None and theirs != ours:
            different.append((what, theirs, ours))

    compare("helo", zeek_value(row, "helo"), message["helo"])
    sender = zeek_value(row, "mailfrom")
    compare("sender", sender, message["mail_from"])
    if zeek_value(row, "rcptto") is not None:
        theirs = {without_brackets(r) for r in zeek_value(row, "rcptto").split(",")}
        compare("recipients", theirs, set(message["rcpt_to"]))
    compare("message id", without_brackets(zeek_value(row, "msg_id")), without_brackets(message["message_id"]))
    compare("subject", zeek_value(row, "subject"), message["subject"])
    compare("date", zeek_value(row, "date"), message["date"])
    reply = zeek_value(row, "last_reply")
    if reply is not None:
        # Zeek shows the last line of a reply of several lines, we show all of them.
        ours = f"{message['reply_code']} " + (message["reply"] or "").split("\n")[-1]
        compare("last reply", " ".join(reply.split()), " ".join(ours.split()))
    return different


def is_rows_alone(log, number, row):
    """Rows of Zeek that are no message, and why."""
    if zeek_value(row, "mailfrom") is not None:
        return False
    # A message begins with MAIL (DESIGN 11). Zeek also writes a row for a RCPT that was refused because
    # no MAIL came before it, and one for a session that went into TLS before any MAIL.
    return log.startswith("mail-transactions-invalid") and number == 1 or zeek_value(row, "tls") == "T"


@pytest.mark.skipif(not zeek_pairs(), reason=f"no expectations in {EXPECTED}")
@pytest.mark.parametrize("log,name", zeek_pairs() or [("none", "none")])
def test_agrees_with_zeek(log, name):
    scan = Scan(capture("zeek/" + name))
    rows = zeek_log(log)
    assert scan.status == 0
    problems = []
    left = list(scan.messages)
    for number, row in enumerate(rows):
        mine = [m for m in left if (m["client"], str(m["sport"])) == (row["id.orig_h"], row["id.orig_p"])]
        session = [s for s in scan.sessions if (s["client"], str(s["sport"])) == (row["id.orig_h"], row["id.orig_p"])]
        assert session, row
        assert (session[0]["destination"], str(session[0]["dport"])) == (row["id.resp_h"], row["id.resp_p"])
        if zeek_value(row, "tls") == "T":
            assert session[0]["tls"] == "starttls"
        if is_rows_alone(log, number, row):
            continue
        if not mine:
            problems.append((number, "no message", row))
            continue
        left.remove(mine[0])
        problems += [(number, *d) for d in matches(row, mine[0])]
    assert not problems


# ---- Arkime ----

def arkime_names():
    return [n[:-len(".pcap")] for n in captures() if n.startswith("arkime/")]


# What it has otherwise: it puts the addresses of the envelope and of the header fields in one list; host
# names are lower case there, ours are as they were sent.

@pytest.mark.skipif(not arkime_names(), reason=f"no captures in {DATA}")
@pytest.mark.parametrize("name", arkime_names() or ["none"])
def test_agrees_with_arkime(name):
    scan = Scan(capture(name + ".pcap"))
    assert scan.status == 0
    with open(capture(name + ".test"), encoding="utf-8") as file:
        sessions = [s["body"] for s in json.load(file)["sessions3"]]
    for theirs in sessions:
        ends = (theirs["source"]["ip"], theirs["source"]["port"])
        ours = [s for s in scan.sessions if (s["client"], s["sport"]) == ends]
        assert len(ours) == 1, ends
        mine = [m for m in scan.messages if m["session"] == ours[0]["session"]]
        email, tags = theirs["email"], theirs.get("tags", [])
        assert (ours[0]["destination"], ours[0]["dport"]) == (theirs["destination"]["ip"], theirs["destination"]["port"])
        assert (ours[0]["tls"] == "starttls") == ("smtp:starttls" in tags)
        assert ours[0]["helo"].lower() in email["smtpHello"]
        # Payload octets of each side; theirs hold what was sent again, too.
        if "acked-unseen-segment-src" not in tags and "acked-unseen-segment-dst" not in tags:
            assert ours[0]["bytes_client"] <= theirs["client"]["bytes"]
            assert ours[0]["bytes_server"] <= theirs["server"]["bytes"]
        envelope = {m["mail_from"].lower() for m in mine} | {(m["from"] or "").lower() for m in mine}
        assert set(email.get("src") or []) <= envelope
        recipients = {r.lower() for m in mine for r in m["rcpt_to"]} | {t.lower() for m in mine for t in m["to"]}
        assert set(email.get("dst") or []) <= recipients
        assert [i for i in email.get("id") or []] == [m["message_id"].strip("<>") for m in mine if m["message_id"]]
        # Arkime keeps the blank after "Subject:" (ours is trimmed: RFC 5322, 2.2) and those of a fold between
        # two encoded words (which are to be ignored: RFC 2047, 6.2): without blanks both are the same.
        theirs_subject = [s.replace(" ", "") for s in email.get("subject") or []]
        assert theirs_subject == [m["subject"].replace(" ", "") for m in mine if m["subject"]]
        if "smtp:statuscode:250" in tags and mine:
            assert mine[-1]["reply_code"] == 250
