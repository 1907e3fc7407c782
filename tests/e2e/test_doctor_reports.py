# SPDX-License-Identifier: Apache-2.0
"""A notice's data for programs, its token, and what becomes of a doctor's report at the desk."""
import email
import email.policy
import json
import os
import sqlite3

import jsonschema
import pytest

from desk import ROOT, Desk, build_folder
from sink import Sink


def schema(name):
    with open(os.path.join(ROOT, "docs", "contract", name), encoding="utf-8") as text:
        return jsonschema.Draft202012Validator(json.load(text))


REPORT = {
    "type": "doctor-report", "version": 1, "case": None, "made_at": "2026-11-27T12:00:00.000000Z", "program": "postern 0.1.0",
    "host": "mail.b.example", "verdict": "abused", "source": {"kind": "account", "name": "info@b.example", "script": None},
    "cause": "password", "confidence": 0.97,
    "numbers": {"messages": 40, "recipients": 120, "sent": 60, "bounced": 50, "deferred": 10, "first": None, "last": None},
    "why": ["logins from many networks"], "evidence": [{"file": "/var/log/mail.log", "line": 7, "text": "to=<#1a2b@example.net>"}],
    "ids": {"asked": 3, "found": 3, "absent": 0}, "actions": [{"time": None, "what": "purge", "detail": "10 messages removed"}],
    "queue": {"left": 2, "of_source": 0}, "live": {"seconds": 1, "sockets": []},
    "coverage": {"from": None, "to": None, "share": 1.0}, "source_stopped": True, "not_stopped": [],
    "proposal": {"cause": "a stolen password", "fix": "changed"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if build_folder() is None:
        pytest.fail("deskd is not built: tools/build tests")
    sink = Sink()
    d = Desk(tmp_path_factory.mktemp("desk"), notices=f'smtp: "127.0.0.1:{sink.port}", from: abuse@provider.example, ')
    d.do("block 192.0.2.20")
    yield d, sink
    assert d.stop() == 0, d.log()
    assert "ERROR" not in d.log(), d.log()
    sink.close()


def data_of(mail):
    parts = [p for p in email.message_from_bytes(mail, policy=email.policy.default).walk()
             if p.get_filename() == "postern-notice.json"]
    assert len(parts) == 1 and parts[0].get_content_type() == "application/json"
    return json.loads(parts[0].get_content())


@pytest.fixture(scope="module")
def notice(world):
    return data_of(world[1].wait(1)[0])


def send(desk, report, token, **headers):
    return desk.ask("POST", "/doctor-reports", report, token, headers={k.replace("_", "-"): v for k, v in headers.items()})


def database(desk):
    return sqlite3.connect(os.path.join(desk.folder, "state", "cases.db"), timeout=10)


def test_the_notice_has_its_data_for_programs(world, notice):
    schema("notice.schema.json").validate(notice)
    case = notice["cases"][0]
    assert notice["kind"] == "block" and case["case"] == "1" and case["source"] == "192.0.2.20"
    assert {s["message_id"] for s in case["samples"]} == {f"<spam-{n}@b.example>" for n in (1, 2, 3)}
    sample = case["samples"][0]
    assert sample["rcpt_domains"] == ["example.net", "example.org"] and sample["port"] == 25
    assert ["Received", "X-PHP-Originating-Script"] == [h["name"] for h in sample["headers"]]
    assert case["report"]["url"] == "https://abuse.provider.example/api/v1/doctor-reports"
    text = email.message_from_bytes(world[1].mails[0], policy=email.policy.default).get_body(("plain",)).get_content()
    assert "postern doctor --notice FILE" in text and case["report"]["token"] not in text


def test_a_bad_report_is_refused_and_uses_nothing_up(world, notice):
    desk, token = world[0], notice["cases"][0]["report"]["token"]
    schema("doctor-report.schema.json").validate(REPORT)
    bad = [({k: v for k, v in REPORT.items() if k != "cause"}, "'cause' is missing"),
           ({**REPORT, "proved": True}, "no such member"), ({**REPORT, "cause": "witchcraft"}, "'cause' is no word"),
           ({**REPORT, "confidence": 2}, "'confidence' is out of"), ({**REPORT, "confidence": -0.1}, "out of"),
           ({**REPORT, "version": 0}, "'version'"), ({**REPORT, "version": "1"}, "wrong type"), ({**REPORT, "source_stopped": "yes"}, "wrong type"),
           ({**REPORT, "source": {"kind": "account"}}, "'name' is missing"), ({**REPORT, "source": []}, "wrong type"),
           ({**REPORT, "evidence": [{"file": "x", "line": 1, "text": "y"}] * 6}, "too many"),
           ({**REPORT, "evidence": ["x"]}, "no object"), ({**REPORT, "why": ["x" * 300]}, "too long"), ({**REPORT, "why": [7]}, "wrong type"),
           ({**REPORT, "proposal": {"cause": "x" * 2001, "fix": ""}}, "too long"), ({**REPORT, "case": "x"}, "'case'"),
           ({**REPORT, "queue": {"left": -1, "of_source": 0}}, "out of")]
    for report, why in bad:
        answer = send(desk, report, token)
        assert answer.status == 422 and why in answer.json["detail"], (why, answer.body)
    assert send(desk, b"{", token, Content_Type="application/json").status == 400
    assert send(desk, b"[" * 5000, token, Content_Type="application/json").status == 400
    assert send(desk, b"[1]", token, Content_Type="application/json").status == 400
    assert send(desk, b"a=b", token, Content_Type="text/plain").status == 415
    assert send(desk, {**REPORT, "case": "2"}, token).status == 403
    large = send(desk, {**REPORT, "why": ["x" * 70000]}, token)
    assert large.status in (413, 422)
    assert desk.ask("GET", "/doctor-reports", local=True).json["items"] == []


def test_a_wrong_token_opens_nothing(world, notice):
    desk, token = world[0], notice["cases"][0]["report"]["token"]
    other = token[:-1] + ("0" if token[-1] != "0" else "1")
    notice_id, case, key = token[3:].split(".")
    for wrong in (other, f"dr_{notice_id}.2.{key}", f"dr_2.{case}.{key}", "dr_", "dr_1", "dr_1.1.", "dr_99999999999999999999.1." + key,
                  token + "x", token.upper(), "dr_" + "x" * 500):
        answer = send(desk, REPORT, wrong)
        assert answer.status == 401, (wrong, answer.body)
    assert desk.ask("POST", "/doctor-reports", REPORT).status == 401
    for method, path in (("GET", "/cases/1"), ("GET", "/cases"), ("GET", "/doctor-reports"), ("GET", "/messages?case=1"), ("GET", "/session"),
                         ("POST", "/cases/1/unblock"), ("POST", "/cases/1/acknowledge"), ("POST", "/cases/1/notes")):
        assert desk.ask(method, path, {} if method == "POST" else None, token).status == 403, path
    assert desk.ask("POST", "/login", {"token": token}).status == 401
    link = "Link 1:" + notice["cases"][0]["link"].split("key=")[1]
    assert desk.ask("POST", "/doctor-reports", REPORT, link).status == 403


def test_a_token_is_over_after_its_time(world, notice):
    desk, token = world[0], notice["cases"][0]["report"]["token"]
    with database(desk) as db:
        db.execute("UPDATE notices SET created_at = created_at - 31 * 86400 * 1000000000")
    assert send(desk, REPORT, token).status == 401
    with database(desk) as db:
        db.execute("UPDATE notices SET created_at = created_at + 31 * 86400 * 1000000000")


def test_one_report_a_token_and_it_stands_as_reported(world, notice):
    desk, token = world[0], notice["cases"][0]["report"]["token"]
    before = desk.ask("GET", "/cases/1", local=True)
    sent = send(desk, REPORT, token)
    assert sent.status == 201 and sent.json["standing"] == "reported" and sent.json["case"] == "1"
    for _ in range(2):
        again = send(desk, REPORT, token)
        assert again.status == 409 and "used" in again.json["detail"]
    assert send(desk, {**REPORT, "case": "1", "cause": "form"}, token).status == 409
    after = desk.ask("GET", "/cases/1", local=True)
    assert after.headers["ETag"] != before.headers["ETag"]
    reports = after.json["doctor_reports"]
    assert len(reports) == 1 and reports[0]["report"] == REPORT and reports[0]["standing"] == "reported"
    assert reports[0]["who"] == "doctor:notice 1"
    # Nothing is proved by it, nothing moves: the checks are what they were.
    assert after.json["unblock"] == before.json["unblock"] and after.json["state"] == before.json["state"]
    assert after.json["cause"] is None and after.json["rung"] == "block"
    assert desk.ask("POST", "/cases/1/unblock", {"cause": "x", "fix": "y"}, local=True).status == 409
    story = [s for s in after.json["story"] if s["what"] == "doctor_report"]
    assert len(story) == 1 and "reported, not proved" in story[0]["text"] and "info@b.example" in story[0]["text"]
    assert any(e["event"] == "doctor_report" for e in desk.ask("GET", "/events", local=True).json["items"])
    metrics = desk.ask("GET", "//metrics").body.decode()
    assert "postern_doctor_reports_total 1\n" in metrics and "postern_doctor_reports_refused_total" in metrics
    code, out, _ = desk.cli("case", "show", "1")
    assert code == 0 and "reported, not proved" in out and "10 messages removed" in out
    # Its proposal is the plea, when its owner says so.
    assert desk.cli("case", "unblock", "1", "--from-report", "--fix", "mine")[0] == 3
    asked = desk.ask("GET", "/cases/1", local=True).json["requests"][-1]
    assert asked["cause"] == "a stolen password" and asked["fix"] == "mine" and not asked["granted"]
    link = "Link 1:" + notice["cases"][0]["link"].split("key=")[1]
    assert desk.ask("GET", "/cases/1", token=link).json["doctor_reports"] == []


def test_who_shows_wrong_tokens_has_to_wait(world, notice):
    """Ten of one client, seen through a proxy on this machine; six hundred of all."""
    desk, token = world[0], notice["cases"][0]["report"]["token"]
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")

    def show(what, client):
        return send(desk, REPORT, what, X_Forwarded_For=f"198.51.100.9, {client}")

    assert [show(wrong, "203.0.113.7").status for _ in range(11)] == [401] * 10 + [429]
    waits = show(token, "203.0.113.7")
    assert waits.status == 429 and 0 < int(waits.headers["Retry-After"]) <= 600
    assert "wrong tokens" in waits.json["detail"]
    assert show(token, "203.0.113.8").status == 409  # used, and looked at
    assert [show(wrong, f"2001:db8::{n:x}").status for n in range(11)] == [401] * 10 + [429]
    assert send(desk, REPORT, token, X_Forwarded_For="nonsense").status == 409
    statuses = [show(wrong, f"10.0.{n // 250}.{n % 250}").status for n in range(600)]
    first = statuses.index(429)
    assert set(statuses[:first]) == {401} and set(statuses[first:]) == {429} and 500 < first < 600
    assert show(token, "203.0.113.8").status == 429
    # Others than bearers of such a token go on.
    assert desk.ask("GET", "/doctor-reports", local=True).status == 200
    metrics = desk.ask("GET", "//metrics").body.decode()
    limited = int(metrics.split("\npostern_doctor_reports_limited_total ")[1].split()[0])
    assert limited == 600 - first + 4


def test_owners_report_with_their_login_up_to_a_limit(world):
    desk = world[0]
    desk.do("block 192.0.2.30")
    other = desk.ask("GET", "/cases?source=192.0.2.30", local=True).json["items"][0]["id"]
    token = desk.ask("POST", "/tokens", {"name": "b", "role": "owner", "tenant": "b"}, local=True).json["token"]
    viewer = desk.ask("POST", "/tokens", {"name": "v", "role": "observer"}, local=True).json["token"]
    assert send(desk, REPORT, token).status == 422  # which case?
    assert send(desk, {**REPORT, "case": other}, token).status == 404
    assert send(desk, {**REPORT, "case": "1"}, viewer).status == 403
    assert desk.ask("POST", "/doctor-reports", {**REPORT, "case": other}, local=True).status == 201
    statuses = [send(desk, {**REPORT, "case": "1"}, token).status for _ in range(20)]
    assert statuses == [201] * 19 + [429]
    mine = desk.ask("GET", "/doctor-reports?limit=7", token=token).json
    assert len(mine["items"]) == 7 and mine["next"] and {r["case"] for r in mine["items"]} == {"1"}
    assert desk.ask("GET", f"/doctor-reports?case={other}", token=token).json["items"] == []
    assert len(desk.ask("GET", f"/doctor-reports?case={other}", local=True).json["items"]) == 1
    assert desk.ask("GET", "/doctor-reports?case=x", token=token).status == 422
    assert len(desk.ask("GET", "/cases/1", token=token).json["doctor_reports"]) == 5
