# SPDX-License-Identifier: Apache-2.0
"""Lists of URLs and second opinions: posternd on the lab's gateway, and `postern score` with real filters."""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from lab import guard, mails
from lab.incident import wait_for
from lab.world import CUSTOMERS

HERE = os.path.dirname(os.path.abspath(__file__))
MAIL = os.path.join(ROOT, "lab", "mail")


def stats(postern, process):
    for one in postern.json("status")["processes"]:
        if one["name"] == process:
            return one["stats"]
    return {}


def send(lab, key, count, text):
    domain = CUSTOMERS[key]["domain"]
    for i in range(count):
        to = f"{mails.USERS[i % len(mails.USERS)]}@{mails.DOMAINS[0]}"
        lab.mta[key].send(f"me@{domain}", [to],
                          f"From: me@{domain}\nTo: {to}\nSubject: note {i}\n\n{text} {i * 7919}\n".encode())


def test_lists_and_opinions_on_the_wire(make_world):
    lab = make_world("4")
    folder = os.path.join(lab.folder, "lists")
    os.mkdir(folder)
    with open(os.path.join(folder, "phish"), "w", encoding="utf-8") as out:
        out.write("# hosts\nlisted.example\nnonsense\n")
    postern = guard.Guard(lab, extra=f"""lists:
  - {{ name: phish, file: {folder}/phish }}
second_opinion:
  - {{ kind: spamd, address: "127.0.0.1:7783", share: 100%, rate: 600/m }}
  - {{ kind: rspamd, address: "127.0.0.1:7784", share: 100%, rate: 600/m, timeout: 1s }}
""")
    fake = lab.machines["gw"].popen([sys.executable, os.path.join(HERE, "fake_spamd.py"), "7783"],
                                    stdout=subprocess.PIPE, text=True)
    try:
        assert fake.stdout.readline() == "ready\n"
        postern.start()
        assert wait_for(lambda: stats(postern, "tap").get("list_entries", {}).get("phish") == 1, 20), postern.log_tail()
        send(lab, "a", 6, "Please see http://www.listed.example/page for the minutes of our meeting number")
        assert wait_for(lambda: stats(postern, "tap").get("list_hits", {}).get("phish", 0) >= 3, 30), postern.log_tail()
        assert wait_for(lambda: stats(postern, "judge").get("opinions", 0) >= 3, 20), postern.json("status")
        status = postern.json("status")
        spamd, rspamd = status["second_opinion"]
        assert spamd["answered"] >= 3 and not spamd["resting"]
        assert rspamd["unreachable"] >= 3 and rspamd["answered"] == 0  # nobody is there, and nothing waits for it
        assert status["lists"][0]["malformed"] == 1 and status["lists"][0]["first_malformed_line"] == 3
        why = postern.json("why", CUSTOMERS["a"]["v4"])
        urls = [e for e in why["evidence"] if e["kind"] == "listing" and e["leg"] == "urls"]
        assert urls and 3 <= urls[0]["s"] <= 6, why
        # One filter's word, and links that a list knows: content and its second witness.
        assert wait_for(lambda: postern.rung("a", "4") == "block", 20), postern.json("why", CUSTOMERS["a"]["v4"])

        # A tap that was killed gets the list again, and mail goes on being matched.
        os.kill(postern.pids()["tap"], signal.SIGKILL)
        assert wait_for(lambda: stats(postern, "tap").get("list_entries", {}).get("phish") == 1
                        and stats(postern, "tap")["list_hits"]["phish"] == 0, 30)
        send(lab, "c", 2, "Once more http://listed.example/other about the order number")
        assert wait_for(lambda: stats(postern, "tap").get("list_hits", {}).get("phish", 0) >= 2, 30), postern.log_tail()
    finally:
        fake.kill()
        fake.wait()


def program():
    return os.path.join(guard.build_folder(), "src", "cli", "postern")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def own_folder(tmp_path, name):
    """A folder of the user nobody that nobody can reach."""
    for path in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
        os.chmod(path, 0o755)
    folder = tmp_path / name
    folder.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder


def ask(*arguments, status=0):
    run = subprocess.run([program(), "score", "--json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False, timeout=120)
    assert run.returncode == status, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture
def spamd(tmp_path):
    if os.geteuid() != 0 or shutil.which("spamd") is None:
        pytest.skip("needs root to run spamd as nobody, and the package spamd")
    folder = own_folder(tmp_path, "spamd")
    for plugins in glob.glob("/etc/spamassassin/*.pre"):  # not local.cf: the machine's own settings
        shutil.copy(plugins, folder)
    port = free_port()
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["spamd", "-L", "-x", "-u", "nobody", "-i", f"127.0.0.1:{port}", "-m", "2", "--min-children=1", "-s", "stderr",
             "-r", str(folder / "pid"), "-H", str(folder), "--siteconfigpath", str(folder)],
            stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
        try:
            assert wait_for(lambda: is_open(port) or process.poll() is not None, 60)
            if process.poll() is not None:
                pytest.skip("spamd does not start here: " + (tmp_path / "log").read_text()[-300:])
            yield port
        finally:
            process.terminate()
            process.wait(20)


def test_score_with_spamassassin(spamd):
    spam = sorted(os.listdir(os.path.join(MAIL, "spam")))[:6]
    ham = sorted(os.listdir(os.path.join(MAIL, "ham")))[:4]
    files = [os.path.join(MAIL, "spam", f) for f in spam] + [os.path.join(MAIL, "ham", f) for f in ham]
    both = ask("--second-opinion", f"spamd=127.0.0.1:{spamd}", *files)
    alone = ask(*files)
    assert [m["file"] for m in both] == files  # in order, though answers come as they come
    assert [m["own_score"] for m in both] == [m["score"] for m in alone]
    for m in both:
        points = m["second_opinion"]["spamd"]
        assert (m["score"] > m["own_score"]) == (points > 1.3) or m["score"] == m["own_score"]
    assert any(m["score"] != m["own_score"] for m in both)


def test_score_when_nobody_answers(tmp_path):
    port = free_port()
    mail = tmp_path / "m"
    mail.write_bytes(b"Subject: x\n\nhello\n")
    got = ask("--second-opinion", f"spamd=127.0.0.1:{port},rspamd=http://127.0.0.1:{port}/", str(mail), status=7)
    assert got[0]["score"] == got[0]["own_score"] and got[0]["second_opinion"] == {}
    for bad in ("spamd", "other=127.0.0.1:1", "spamd=host.example:1", "spamd=127.0.0.1"):
        ask("--second-opinion", bad, str(mail), status=2)


@pytest.mark.slow
def test_score_with_rspamd(tmp_path):
    if os.geteuid() != 0 or shutil.which("rspamd") is None:
        pytest.skip("needs root to run rspamd as nobody, and the package rspamd")
    folder = own_folder(tmp_path, "rspamd")
    ports = iter([free_port() for _ in range(4)])
    with open("/etc/rspamd/rspamd.conf", encoding="utf-8") as text:
        conf = re.sub(r'"localhost:\d+"', lambda m: f'"127.0.0.1:{next(ports)}"', text.read())
    port = int(re.search(r'worker "normal" \{\s*bind_socket = "127.0.0.1:(\d+)"', conf).group(1))
    (folder / "rspamd.conf").write_text(conf)
    (folder / "local.d").mkdir()
    for module in ("rbl", "fuzzy_check", "asn", "spf", "dkim", "dmarc", "arc", "mx_check", "greylist", "replies"):
        (folder / "local.d" / f"{module}.conf").write_text("enabled = false;\n")
    (folder / "local.d" / "options.inc").write_text('dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }\n')
    places = [f"--var={k}={folder}" for k in ("DBDIR", "RUNDIR", "LOGDIR", "LOCAL_CONFDIR")]
    process = subprocess.Popen(["rspamd", "-f", "-u", "nobody", "-g", "nogroup", "-c", str(folder / "rspamd.conf"), *places],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # It compiles its patterns first: some 15 seconds of a processor that it may have to share.
        assert wait_for(lambda: is_open(port) or process.poll() is not None, 300)
        if process.poll() is not None:
            pytest.skip("rspamd does not start here")
        mail = os.path.join(MAIL, "spam", sorted(os.listdir(os.path.join(MAIL, "spam")))[0])
        got = ask("--second-opinion", f"rspamd=http://127.0.0.1:{port}", mail)
        assert "rspamd" in got[0]["second_opinion"]
    finally:
        process.terminate()
        process.wait(30)
        time.sleep(0.5)
