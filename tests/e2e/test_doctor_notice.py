# SPDX-License-Identifier: Apache-2.0
"""The doctor with a notice: from the owner's mail to the case, through curl and the real desk."""
import email
import email.policy
import http.server
import json
import os
import re
import subprocess
import threading
import time

import jsonschema
import pytest

from desk import ROOT, Desk, build_folder
from sink import Sink

IDS = [f"spam-{n}@b.example" for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if build_folder() is None:
        pytest.fail("deskd is not built: tools/build tests")
    sink = Sink()
    d = Desk(tmp_path_factory.mktemp("desk"), notices=f'smtp: "127.0.0.1:{sink.port}", from: abuse@provider.example, ', portal="http://127.0.0.1:{port}")
    d.do("block 192.0.2.20")
    yield d, sink.wait(1)[0]
    assert d.stop() == 0, d.log()
    assert "ERROR" not in d.log(), d.log()
    sink.close()


def stamp(seconds_ago):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - seconds_ago))


def spam_log(ids=(), messages=40, until_s=60):
    """A Postfix log: a stolen account that sends from many networks to many who do not exist."""
    lines = []
    ids = list(ids) + [f"m{n}@b.example" for n in range(messages)]
    for n, ident in enumerate(ids):
        q, at, client = f"4D{n:05X}", stamp(until_s + 4 * (len(ids) - n)), f"203.0.{n % 40}.{n % 250 + 1}"
        head = f"{at} mail"
        lines += [f"{head} postfix/smtpd[71]: {q}: client=unknown[{client}], sasl_method=LOGIN, sasl_username=info@b.example",
                  f"{head} postfix/cleanup[72]: {q}: message-id=<{ident}>",
                  f"{head} postfix/qmgr[73]: {q}: from=<x{n % 7}@other.example>, size=900, nrcpt=3 (queue active)"]
        for k in range(3):
            status = "bounced (host mx.far.example[198.51.100.7] said: 550 5.1.1 No such user)" if k else "sent (250 ok)"
            lines.append(f"{head} postfix/smtp[74]: {q}: to=<victim{n}.{k}@far.example>, relay=mx.far.example[198.51.100.7]:25, delay=1,"
                         f" delays=0/0/0/1, dsn={'5.1.1' if k else '2.0.0'}, status={status}")
        lines.append(f"{head} postfix/qmgr[73]: {q}: removed")
    return "\n".join(lines) + "\n"


def doctor(desk, *arguments, env=None):
    done = subprocess.run([os.path.join(desk.build, "src", "cli", "postern"), "doctor", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=90, env={**os.environ, "no_proxy": "*", **(env or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(spam_log(IDS))
    return path


def as_file(tmp_path, name, octets):
    path = tmp_path / name
    path.write_bytes(octets if isinstance(octets, bytes) else octets.encode())
    return path


def part_of(mail, name):
    return [p for p in email.message_from_bytes(mail, policy=email.policy.default).walk() if p.get_filename() == name][0]


def forms(mail):
    """The notice as owners have it: the mail, its attachment, forwarded, quoted, the link."""
    data = part_of(mail, "postern-notice.json").get_content()
    text = email.message_from_bytes(mail, policy=email.policy.default).get_body(("plain",)).get_content()
    inner = email.message_from_bytes(mail, policy=email.policy.default)
    outer = email.message.EmailMessage()
    outer["Subject"] = "Fwd: stopped"
    outer.set_content("please look\n")
    outer.add_attachment(inner)
    return {"mail": mail, "crlf": mail.replace(b"\r\n", b"\n"), "json": data, "forwarded": outer.as_bytes(),
            "quoted": "From: a@b.example\nMessage-ID: <fwd@b.example>\n\n" + "".join("> " + line + "\n" for line in text.splitlines())}


def test_every_form_of_a_notice_names_the_source(world, log, tmp_path):
    desk, mail = world
    for name, octets in forms(mail).items():
        code, out, err = doctor(desk, "--log", log, "--notice", as_file(tmp_path, name, octets), "--json")
        assert code == 0, (name, err)
        answer = json.loads(out)
        assert answer["accused"][0]["name"] == "info@b.example" and answer["accused"][0]["cause"] == "password", name
        found = {i["id"].strip("<>"): i["source"] for i in answer["ids"] if i["found"]}
        wanted = set(IDS[-2:]) if name == "quoted" else set(IDS)
        assert wanted <= set(found) and set(found.values()) == {"info@b.example"}, (name, answer["ids"])
        assert answer["live"] is None
    assert "fwd@b.example" not in out


def test_the_link_of_a_notice_is_a_notice(world, log):
    desk, mail = world
    link = json.loads(part_of(mail, "postern-notice.json").get_content())["cases"][0]["link"]
    code, out, err = doctor(desk, "--log", log, "--notice", link, "--json")
    assert code == 0, err
    assert {i["id"].strip("<>") for i in json.loads(out)["ids"] if i["found"]} == set(IDS)
    code, _, err = doctor(desk, "--log", log, "--notice", link[:-1] + ("0" if link[-1] != "0" else "1"))
    assert code == 4 and "401" in err
    code, _, err = doctor(desk, "--log", log, "--notice", link, env={"PATH": "/nonexistent"})
    assert code == 4 and "curl" in err


def test_addresses_that_are_not_asked(world, log):
    desk = world[0]
    for url in ("http://192.0.2.1/case/1?key=x", "http://10.0.0.1/", "https://user@provider.example/", "https:///x", "http://localhost.evil.example/",
                "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/", 'https://x.example/"', "https://x.example/a b",
                "https://x.example/" + "a" * 2001):
        code, _, err = doctor(desk, "--log", log, "--notice", url)
        assert code == 4 and ("address" in err or "https" in err), (url, err)


class Strange(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        Strange.asked.append(self.path)
        if self.path == "/move":
            self.send_response(302)
            self.send_header("Location", "/notice")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(100):
                    self.wfile.write(b"x" * 100000)
            except OSError:
                pass
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type":"postern-notice","cases":[{"samples":[{"message_id":"<a@b>"}]}]}' if self.path == "/notice" else b"")

    def log_message(self, *_):
        pass


def test_redirects_and_large_answers_are_refused(world, log):
    desk = world[0]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        assert doctor(desk, "--log", log, "--notice", base + "/notice")[0] == 0
        code, _, err = doctor(desk, "--log", log, "--notice", base + "/move")
        assert code == 4 and "302" in err and Strange.asked == ["/notice", "/move"]
        assert doctor(desk, "--log", log, "--notice", base + "/large")[0] == 4
        assert doctor(desk, "--log", log, "--notice", base + "/empty")[0] == 4
    finally:
        server.shutdown()
        server.server_close()
    code, _, err = doctor(desk, "--log", log, "--notice", base + "/notice")
    assert code == 4 and "curl" in err


def test_headers_of_a_sample_are_looked_up(world, tmp_path):
    """qmail and Exim log no Message-ID of their own making: the Received line has the queue id."""
    desk = world[0]
    log = as_file(tmp_path, "mainlog", "".join(
        f"2026-11-20 10:00:{n:02d} 1tBcDe-0001aB-{n:02d} <= web@h.example U=site9 P=local S=700 T=\"x\"\n"
        f"2026-11-20 10:00:{n:02d} 1tBcDe-0001aB-{n:02d} => a{n}@far.example R=dnslookup T=remote_smtp H=mx.far.example [198.51.100.7]\n"
        f"2026-11-20 10:00:{n:02d} 1tBcDe-0001aB-{n:02d} Completed\n" for n in range(12)))
    head = as_file(tmp_path, "sample.eml", "Received: from mail.h.example by mx.far.example (Postfix) with ESMTP id 4ZZZZZZZ;\n Fri, 20 Nov 2026 10:00:09 +0000\n"
                   "Received: from site9 by mail.h.example with local (Exim 4.96)\n (envelope-from <web@h.example>)\n id 1tBcDe-0001aB-07;\n"
                   "Message-Id: <E1tBcDe-0001aB-07@mail.h.example>\nSubject: x\n\nbody Message-ID: <no@no>\n")
    code, out, err = doctor(desk, "--log", log, "--headers", head, "--json")
    assert code == 0, err
    ids = json.loads(out)["ids"]
    assert len(ids) == 1 and ids[0]["found"] and ids[0]["queue_id"] == "1tBcDe-0001aB-07" and "site9" in ids[0]["source"]
    code, out, _ = doctor(desk, "--log", log, "E1tBcDe-0001aB-05@mail.h.example", "--json")
    assert json.loads(out)["ids"][0]["queue_id"] == "1tBcDe-0001aB-05"
    assert doctor(desk, "--log", log, "--headers", log)[0] == 4


def test_a_report_is_written_and_third_parties_are_hashed(world, log, tmp_path):
    desk, mail = world
    notice = as_file(tmp_path, "notice.eml", mail)
    reports = []
    for name in ("1.json", "2.json"):
        code, out, err = doctor(desk, "report", "--log", log, "--notice", notice, "--out", tmp_path / name, "--did", "stop: account locked",
                                "--did", "purge:told boss@elsewhere.example")
        assert code == 0 and out == "", err
        reports.append((tmp_path / name).read_text())
    with open(os.path.join(ROOT, "docs", "contract", "doctor-report.schema.json"), encoding="utf-8") as schema:
        validator = jsonschema.Draft202012Validator(json.load(schema))
    for text in reports:
        report = json.loads(text)
        validator.validate(report)
        assert report["case"] == "1" and report["cause"] == "password" and report["source"]["name"] == "info@b.example"
        assert report["ids"] == {"asked": 3, "found": 3, "absent": 0} and report["evidence"]
        assert [a["what"] for a in report["actions"]] == ["stop", "purge"] and "account locked" in report["proposal"]["fix"]
        assert report["source_stopped"] is False and any("copies" in why for why in report["not_stopped"])
        assert not re.search(r"victim|boss@|@other\.example>.*[^#0-9a-f]@other", text) and "x1@" not in text
        assert "sasl_username=info@b.example" in text and oct(os.stat(tmp_path / "1.json").st_mode)[-3:] == "600"
    hashes = [set(re.findall(r"#[0-9a-f]{12}@", t)) for t in reports]
    assert hashes[0] and not hashes[0] & hashes[1], "the salt is another each time"


def test_a_report_is_sent_once(world, log, tmp_path):
    desk, mail = world
    notice = as_file(tmp_path, "notice.eml", mail)
    token = json.loads(part_of(mail, "postern-notice.json").get_content())["cases"][0]["report"]["token"]
    url = f"http://127.0.0.1:{desk.port}/api/v1/doctor-reports"
    for wrong in (token[:-1] + "g", "", 'x" \nurl = "http://127.0.0.1:1/'):
        code, _, err = doctor(desk, "report", "--log", log, "--send", "--case-url", url, "--token-file", as_file(tmp_path, "token", wrong))
        assert code in (2, 5), (wrong, err)
    assert doctor(desk, "report", "--log", log, "--send")[0] == 2
    assert doctor(desk, "report", "--log", log, "--notice", notice, "--case", "77", "--send")[0] == 2
    assert desk.ask("GET", "/doctor-reports", local=True).json["items"] == []
    code, out, err = doctor(desk, "report", "--log", log, "--notice", notice, "--send", "--did", "secure: password changed; 'quotes\" and \\ too")
    assert code == 0 and "reported" in err, err
    kept = desk.ask("GET", "/cases/1", local=True).json["doctor_reports"]
    assert len(kept) == 1 and kept[0]["report"] == json.loads(out)
    assert kept[0]["report"]["actions"][0]["detail"] == "password changed; 'quotes\" and \\ too"
    for arguments in (("--notice", notice), ("--case-url", url, "--token-file", as_file(tmp_path, "token", token + "\n"))):
        code, _, err = doctor(desk, "report", "--log", log, "--send", *arguments)
        assert code == 8 and "used" in err, err
    code, _, err = doctor(desk, "report", "--log", log, "--send", "--case-url", "http://127.0.0.1:1/", "--token-file", as_file(tmp_path, "token", token))
    assert code == 6 and "curl" in err


def test_no_token_stands_in_a_command_line(world, log, tmp_path):
    desk = world[0]
    fake = as_file(tmp_path, "curl", f"#!/bin/sh\necho \"$@\" >{tmp_path}/argv\nenv >{tmp_path}/env\ncat >{tmp_path}/stdin\nprintf '{{}}\\n201'\n")
    fake.chmod(0o755)
    token = as_file(tmp_path, "token", "dr_1.1.0123456789")
    code, _, err = doctor(desk, "report", "--log", log, "--send", "--case-url", "https://abuse.provider.example/api/v1/doctor-reports",
                          "--token-file", token, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert code == 0, err
    assert (tmp_path / "argv").read_text() == "-q -K -\n"
    assert "dr_1.1" not in (tmp_path / "env").read_text()
    options = (tmp_path / "stdin").read_text()
    assert 'header = "Authorization: Bearer dr_1.1.0123456789"\n' in options and "max-redirs = 0\n" in options
