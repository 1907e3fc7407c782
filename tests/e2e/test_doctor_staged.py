# SPDX-License-Identifier: Apache-2.0
"""Staged incidents: real mail servers carry random healthy mail and incidents; the doctor names who and why.

POSTERN_SEED draws another set; `make check-full` takes a new one each time. The stager writes truth.json beside
the logs, and only the comparer reads it: the doctor gets a root with the logs, or the logs by name, and ids as a
notice would give them: from mails that came to somebody.
"""
import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading

import pytest

import compare
import logforms
import packages
import staging
from habits import Wide
from scenario import CAUSES, Scenario

SEED = os.environ.get("POSTERN_SEED") or "9"
REAL = [c for c in CAUSES if c != "direct"]
YEAR = 2026
#: When staged logs are stretched over hours or days they begin here.
BEGIN = 1781568000


@pytest.fixture(scope="session")
def postern(built):
    print(f"POSTERN_SEED={SEED}")
    return os.path.join(built, "src", "cli", "postern")


def write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write("\n".join(lines) + "\n")


def date(root, when):
    """Files of a copy are as old as their last line."""
    for folder, _, names in os.walk(root):
        for name in names:
            os.utime(os.path.join(folder, name), (when, when))


LOG_NAMES = {"postfix": "var/log/mail.log", "exim": "var/log/exim4/mainlog", "sendmail": "var/log/maillog",
             "qmail": "var/log/qmail/current", "plesk-qmail": "usr/local/psa/var/log/maillog"}
MARKS = {"plesk": "usr/local/psa/version", "cpanel": "usr/local/cpanel/version",
         "directadmin": "usr/local/directadmin/conf/directadmin.conf"}


class Case:
    """One staged log in a folder: root/ for the doctor, truth.json for the comparer."""

    def __init__(self, folder, form, sc, lines, ids, php, web, end):
        self.folder, self.form, self.sc, self.lines, self.ids, self.end = folder, form, sc, lines, ids, end
        self.root = os.path.join(folder, "root")
        self.sites = os.path.join(folder, "sites")  # what all roots have
        shutil.rmtree(self.sites, ignore_errors=True)
        for path, text in php.items():
            write(self.sites + path, text)
        for domain, text in web.items():
            write(f"{self.sites}/var/log/apache2/{domain}-access.log", text)
        if sc.panel in MARKS:
            write(os.path.join(self.sites, MARKS[sc.panel]), ["1.0"])
        with open(os.path.join(folder, "truth.json"), "w", encoding="utf-8") as out:
            json.dump(sc.truths, out)

    def new_root(self):
        shutil.rmtree(self.root, ignore_errors=True)
        if os.path.isdir(self.sites):
            shutil.copytree(self.sites, self.root)
        return os.path.join(self.root, LOG_NAMES[self.form])

    def plain(self):
        write(self.new_root(), self.lines)
        date(self.root, self.end)

    def rotated(self):
        path = self.new_root()
        logforms.rotate(self.lines, os.path.dirname(path), os.path.basename(path), random.Random(SEED))
        date(self.root, self.end)

    def exported(self):
        """`journalctl -o export` of the log, packed or not; the sites' own logs stay files."""
        self.new_root()
        data = logforms.journal_export(self.lines, YEAR, self.sc.host.split(".")[0], random.Random(SEED))
        path = os.path.join(self.folder, "mail.export")
        if random.Random(self.sc.seed).random() < 0.5:
            data = gzip.compress(data)
        with open(path, "wb") as out:
            out.write(data)
        date(self.root, self.end)
        logs = [os.path.join(folder, n) for folder, _, names in os.walk(self.root) for n in names if n == "mail.log"]
        return [path, *logs]

    def journal(self):
        """A copy of a machine that has nothing but systemd's journal; False without its programs."""
        try:
            tools = packages.unpacked("journal")
        except packages.Unavailable:
            return False
        self.new_root()
        folder = os.path.join(self.root, "var/log/journal", "0123456789abcdef0123456789abcdef")
        os.makedirs(folder)
        data = logforms.journal_export(self.lines, YEAR, self.sc.host.split(".")[0], random.Random(SEED))
        path = os.path.join(self.folder, "mail.export")
        with open(path, "wb") as out:
            out.write(data)
        subprocess.run([os.path.join(tools, "lib/systemd/systemd-journal-remote"), "-o",
                        os.path.join(folder, "system.journal"), path], check=True, timeout=60,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(tools, "usr/lib/x86_64-linux-gnu")))
        date(self.root, self.end)
        return True

    def check(self, postern, what, ids=(), logs=()):
        with open(os.path.join(self.folder, "truth.json"), encoding="utf-8") as text:
            truths = json.load(text)
        if not ids:
            # Somebody's own list is no abuse until people complain, and what no log has needs its ids.
            expected = [t for t in truths if t["loud"] and t["staged"] not in ("bulk", "direct")]
        else:
            expected = [t for t in truths if t["staged"] in ids]
        given = [i for some in ids.values() for i in some] if ids else []
        document = compare.doctor(postern, logs, None if logs else self.root, given)
        problems = compare.wrong(document, expected, also=truths)
        assert not problems, f"POSTERN_SEED={SEED} {self.form} {what}: {problems}"
        self.check_web(document, truths)
        return document

    def check_web(self, document, truths):
        """What is said to have been requested with the mail was, and each line stands where it is said to."""
        for a in document["accused"]:
            if not a["web"]:
                continue
            truth = [t for t in truths if compare.found(a, t) and t["staged"] in ("form", "site")]
            assert truth, (self.form, a)
            if truth[0]["staged"] == "form":
                assert (a["web"]["path"], a["web"]["kind"]) == (truth[0]["page"], "page"), (a, truth)
            else:
                assert truth[0]["script"].endswith(a["web"]["path"]) and a["web"]["kind"] == "script", (a, truth)
            said = [e for e in a["evidence"] if e["file"].endswith("-access.log")]
            assert 1 <= len(said) <= 2
            for e in said:
                with open(e["file"], encoding="utf-8") as text:
                    line = text.read().split("\n")[e["line"] - 1]
                assert line.startswith(e["text"][:200]) and a["web"]["path"] in line, (e, line)

    def check_without_web(self, postern, document):
        """Without the access logs the same are accused, of nothing that is less true."""
        done = subprocess.run([postern, "doctor", "--json", "--no-web-logs", "--root", self.root], check=True,
                              stdout=subprocess.PIPE, env=dict(os.environ, TZ="UTC"), timeout=60)
        other = json.loads(done.stdout)
        assert other["web_logs"] == {"files": 0, "all_read": True}
        assert {a["name"] for a in document["accused"]} == {a["name"] for a in other["accused"]}
        assert not any(a["web"] for a in other["accused"])

    def check_evidence(self, document):
        """Each line of evidence stands where it is said to stand, and a refusal is among them."""
        for a in document["accused"]:
            texts = [e["text"] for e in a["evidence"]]
            assert len(texts) >= 2, a
            for e in a["evidence"]:
                with open(e["file"], encoding="utf-8", errors="replace") as text:
                    line = text.read().split("\n")[e["line"] - 1]
                assert e["text"].removeprefix("mail() on ")[:60] in line, (e, line)
            if a["bounced"] > a["messages"] // 5 and a["cause"] not in ("backscatter", "forwarding"):
                assert any(word in t for t in texts for word in ("no such user", "no_such_user", "User unknown",
                                                                 "looks like spam", "looks_like_spam",
                                                                 "Service unavailable")), a

    def check_advice(self, postern):
        """The steps name this system's own commands; what is missing in the log has its setting."""
        done = subprocess.run([postern, "doctor", "--root", self.root], check=True, stdout=subprocess.PIPE, text=True,
                              timeout=60)
        panel = "plesk" if self.form == "plesk-qmail" and self.sc.panel == "plain" else self.sc.panel
        site = {"plesk": "--webspace-off", "cpanel": "whmapi1 suspendacct", "directadmin": "suspend USER in the panel",
                "plain": "chmod 000"}[panel]
        account = {"plesk": "plesk bin mail", "cpanel": "suspend_outgoing", "directadmin": "blacklist_smtp_usernames",
                   "plain": "doveadm kick"}[panel]
        causes = [t["cause"] for t in self.sc.truths if t["loud"]]
        if len(causes) < len(self.sc.truths):
            return
        if self.form != "plesk-qmail":
            assert (site in done.stdout) == ("site" in causes or "form" in causes), done.stdout
            assert (account in done.stdout) == ("password" in causes), done.stdout
        if causes == ["site"]:
            named = self.sc.php_log or (self.form == "exim" and self.sc.exim_arguments)
            assert ("mail.log = " in done.stdout) == (not named), done.stdout

    def check_all(self, postern, journal=True):
        """Plain, rotated and compressed, as a journal; without ids and with some of each cause."""
        some = {k: random.Random(SEED).sample(v, min(2, len(v))) for k, v in self.ids.items() if v}
        self.plain()
        document = self.check(postern, "plain")
        assert document["lines"]["classified"] == document["lines"]["mta"]
        self.check_advice(postern)
        self.check_evidence(document)
        self.check_without_web(postern, document)
        if some:
            self.check(postern, "with ids", some)
        self.rotated()
        self.check(postern, "rotated", some)
        if self.form in ("postfix", "exim", "sendmail", "plesk-qmail"):
            self.check(postern, "exported", some, self.exported())
        if journal and self.form in ("postfix", "exim") and shutil.which("journalctl") and self.journal():
            assert self.check(postern, "journal", some)["lines"]["mta"] > 0


def check_live(postern, sc, machine, pid):
    """While it runs: the connections past the mail server, whose they are, and where their program lies."""
    truth = sc.truths[0]
    document = compare.doctor(postern, enter=machine.command(["env", "TZ=UTC"]))
    first = document["accused"][0]
    assert (first["kind"], first["cause"]) == ("user", "direct") and first["name"] in truth["names"], (first, truth)
    assert len(document["accused"]) == 1, document["accused"]
    far = document["live"]["sockets"]
    assert len({s["remote"] for s in far}) >= 5 and {s["port"] for s in far} == {25}
    for s in far:
        process = s["process"]
        assert (s["uid"], process["pid"], process["exe"], process["cwd"]) == \
            (truth["uid"], pid, truth["program"], truth["cwd"]), (s, truth)


def real_case(server, folder, sc, rng, look=None):
    """Carry a scenario by a real server; its log may be spread over more time than it took."""
    lines, seen, php, times = server.run(sc, look)
    os.makedirs(folder, exist_ok=True)
    first, last = min(t for _, t in times), max(t for _, t in times) + 5
    span = rng.choice((None, 600, 3600, 6 * 3600, 86400, 3 * 86400))

    def moment(second):
        return second if span is None else BEGIN + (second - int(first)) * span / (last - first)
    if span is not None:
        php = {path: logforms.stretch_scripts(text, lines, moment, YEAR) for path, text in php.items()}
        lines = logforms.stretch(lines, moment, YEAR)
    when = sorted((t, moment(begin)) for t, begin in times)

    def hit_moment(t):
        return min(when, key=lambda w: abs(w[0] - t))[1]
    web = logforms.access_logs(sc, moment(first), moment(last) - moment(first), hit_moment)
    ids = {t["staged"]: [] for t in sc.truths}
    staged = {}
    for mail in sc.mails:
        for r in mail["rcpts"]:
            staged[sc.aliases.get(r, r)] = mail.get("staged")
        if mail.get("staged") == "backscatter":
            staged[mail["sender"]] = "backscatter"
    for mail in seen:
        cause = staged.get(mail["rcpts"][0])
        if cause and mail["id"] and not mail["refused"] and (mail["from"] == "") == (cause == "backscatter"):
            ids[cause].append(mail["id"].strip("<>"))
    return Case(folder, server.mta, sc, lines, ids, php, web, moment(last))


@pytest.fixture(scope="module")
def servers(features, tmp_path_factory):
    """A machine for each real mail server; both work at once."""
    made = {}
    try:
        for mta in ("postfix", "exim"):
            folder = str(tmp_path_factory.mktemp(mta))
            os.chmod(folder, 0o755)
            os.chmod(os.path.dirname(folder), 0o755)
            os.chmod(os.path.dirname(os.path.dirname(folder)), 0o755)
            try:
                made[mta] = staging.Server(mta, folder)
                made[mta].up()
            except packages.Unavailable as problem:
                pytest.skip(str(problem))
        yield made
    finally:
        for server in made.values():
            server.down()


def run_both(servers, work):
    """work(mta, server) for each at the same time; the first failure is told."""
    failed = []

    def one(mta, server):
        try:
            work(mta, server)
        except BaseException as problem:  # pylint: disable=broad-except
            failed.append(problem)
    threads = [threading.Thread(target=one, args=item) for item in servers.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_real_servers_name_every_cause(servers, postern, tmp_path):
    """Five incidents on each server, of tens of mails, among its healthy users: all are named, nobody else."""
    drawn = random.Random(SEED).sample(REAL, len(REAL))
    causes = {"postfix": drawn[:5], "exim": drawn[4:]}

    def work(mta, server):
        sc = Scenario(f"{SEED}-{mta}", causes[mta], size=0.5)
        real_case(server, str(tmp_path / mta), sc, random.Random(f"{SEED}{mta}")).check_all(postern)
    run_both(servers, work)


def test_real_servers_accuse_nobody_of_healthy_mail(servers, postern, tmp_path):
    def work(mta, server):
        sc = Scenario(f"{SEED}-{mta}")
        real_case(server, str(tmp_path / mta), sc, random.Random(f"{SEED}{mta}")).check_all(postern)
    run_both(servers, work)


def test_a_program_that_bypasses_a_real_server_is_seen(servers, postern):
    """A site's program mails to the world itself, while the mail server beside it carries healthy mail."""
    def work(mta, server):
        sc = Scenario(f"{SEED}-{mta}-bot", ("direct",), size=0.5)
        server.run(sc, lambda machine, pid: check_live(postern, sc, machine, pid))
    run_both(servers, work)


@pytest.mark.slow
@pytest.mark.parametrize("cause", CAUSES)
def test_real_servers_one_incident(servers, postern, tmp_path, cause):
    def work(mta, server):
        for n in range(2):
            sc = Scenario(f"{SEED}-{mta}-{n}", (cause,), size=random.Random(f"{SEED}{n}").choice((0.5, 1, 2)))
            look = None
            if cause == "direct":
                def look(machine, pid, sc=sc):
                    check_live(postern, sc, machine, pid)
            real_case(server, str(tmp_path / f"{mta}{n}"), sc, random.Random(f"{SEED}{mta}{n}"), look).check_all(postern)
    run_both(servers, work)


FORMS = ("postfix", "exim", "sendmail", "qmail", "plesk-qmail")
#: What qmail's own log cannot show: a login (Plesk writes one beside it), a forward, an id.
BLIND = {"qmail": ("password", "webmail", "forwarding", "open_relay", "direct"),
         "plesk-qmail": ("forwarding", "open_relay", "direct")}


@pytest.mark.parametrize("pack", ("gzip", "xz", "zstd", "bzip2"))
def test_what_is_packed_much_is_read_to_its_end(postern, tmp_path, pack):
    """A log whose last octets unpack to more than the reader holds at once."""
    path = str(tmp_path / "mail.log")
    line = f"Jun 16 04:05:06 srv postfix/smtpd[7]: connect from unknown[203.0.113.7]{'.' * 60}"
    for count in (2000, 5000, 20000):
        write(path, [line] * count)
        packed = subprocess.run([pack, "-c", path], check=True, stdout=subprocess.PIPE).stdout
        with open(path + ".p", "wb") as out:
            out.write(packed)
        assert compare.doctor(postern, [path + ".p"])["lines"]["total"] == count


@pytest.mark.parametrize("pack", ("gzip", "xz", "zstd", "bzip2"))
def test_a_cut_or_damaged_log_is_told_with_its_place(postern, tmp_path, pack):
    """What came before the damage counts, the other logs count, and the doctor says what is missing."""
    lines = [f"Jun 16 04:{n // 60 % 60:02}:{n % 60:02} srv postfix/smtpd[7]: {random.Random(n).randbytes(40).hex()}: "
             f"client=h{n}[203.0.113.7]" for n in range(14000)]
    path, whole = str(tmp_path / "mail.log"), str(tmp_path / "whole.log")
    write(path, lines)
    write(whole, lines[:100])
    packed = subprocess.run([pack, "-c", path], check=True, stdout=subprocess.PIPE).stdout
    half = len(packed) // 2
    turned = packed[:half] + bytes([packed[half] ^ 0xff]) + packed[half + 1:]
    for octets, least in ((packed, len(lines)), (packed[:half], 2000), (packed[:-1], 2000), (turned, 1), (packed[:12], 0)):
        with open(path + ".p", "wb") as out:
            out.write(octets)
        words = [postern, "doctor", "--log", path + ".p", "--log", whole]
        done = subprocess.run([*words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        told = json.loads(done.stdout)
        read = told["lines"]["total"] - 100
        assert least <= read <= len(lines)
        is_damaged = octets is not packed
        assert told["damaged"] == ([{"file": path + ".p", "last_line": read}] if is_damaged else [])
        assert done.returncode == (7 if is_damaged else 0)
    text = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False).stdout.decode()
    assert f"{path}.p is damaged or cut behind its line {read}:" in text


def written_case(form, folder, seed, causes, size, wide=False):
    rng = random.Random(f"{seed}-{form}")
    sc = Scenario(seed, causes, size=size, habits=Wide(seed) if wide else None)
    span = rng.choice((300, 3600, 6 * 3600, 86400, 3 * 86400))
    begin = BEGIN + rng.randint(-100, 100) * 86400
    lines, ids = logforms.render(form, sc, begin, span)
    os.makedirs(folder, exist_ok=True)
    return Case(folder, form, sc, lines, {} if form.endswith("qmail") else ids, logforms.php_logs(sc, begin, span),
                logforms.access_logs(sc, begin, span), begin + span)


@pytest.mark.parametrize("form", FORMS)
def test_written_logs(postern, tmp_path, form):
    """Each cause as five servers would log it, alone among healthy mail, with volumes from tens to thousands."""
    for cause in [None, *CAUSES]:
        if cause in BLIND.get(form, ()):
            continue
        size = random.Random(f"{SEED}{cause}").choice((0.5, 1, 3))
        case = written_case(form, str(tmp_path / str(cause)), f"{SEED}w", (cause,) if cause else (), size)
        case.check_all(postern, journal=cause == "password")
        if cause == "form" and not form.endswith("qmail"):
            case.plain()
            named = compare.doctor(postern, root=case.root, ids=case.ids["form"][:2])["accused"]
            assert named[0]["web"]["mails_with"] >= named[0]["web"]["mails"] * 0.9, named
            done = subprocess.run([postern, "doctor", "--root", case.root, "--", *case.ids["form"][:2]], check=True,
                                  stdout=subprocess.PIPE, text=True, env=dict(os.environ, TZ="UTC"), timeout=60)
            page = case.sc.truths[0]["page"]
            assert f'requested with the mail: POST "{page}"' in done.stdout, done.stdout
            assert f'captcha on it: "{page}"' in done.stdout, done.stdout


def test_a_sweep_that_is_stopped_tells_what_it_has(postern):
    """Also in the background of a shell, where ^C is ignored."""
    words = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "sweep.py"), postern,
             "--seeds", "100000", "--forms", "postfix", "--causes", "none"]
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        finally:
            signal.signal(signal.SIGINT, before)
        assert process.stderr.readline() == "s0\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        asked = re.search(r"^healthy machines: (\d+), with somebody accused: \d+$", out, re.MULTILINE)
        assert asked and int(asked[1]) >= 1, out


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_many_written_logs(postern, tmp_path, form):
    """Of 40 draws of each cause nearly all are right, and how sure the doctor is holds."""
    right = total = 0
    bins = {}
    for n in range(40):
        for cause in [None, *CAUSES]:
            if cause in BLIND.get(form, ()):
                continue
            case = written_case(form, str(tmp_path / "case"), f"{SEED}-{n}", (cause,) if cause else (),
                                random.Random(f"{SEED}{n}").choice((0.5, 1, 3, 10)))
            case.plain()
            ids = [] if form.endswith("qmail") or not cause else case.ids.get(cause, [])[:2]
            document = compare.doctor(postern, root=case.root, ids=ids)
            expected = [t for t in case.sc.truths if ids or (t["loud"] and cause not in ("bulk", "direct"))]
            total += 1
            right += not compare.wrong(document, expected, also=case.sc.truths)
            for a in document["accused"]:
                good = [t for t in case.sc.truths if compare.found(a, t)]
                bins.setdefault(round(a["confidence"], 1), []).append(bool(good) and good[0]["cause"] == a["cause"])
            assert cause or not document["accused"], f"{SEED}-{n} {form}: {document['accused']}"
    assert right >= total * 0.96, f"POSTERN_SEED={SEED} {form}: {right} of {total}"
    for sure, answers in bins.items():
        if len(answers) >= 20:
            assert sum(answers) / len(answers) >= sure - 0.1, f"{form}: {sure}: {sum(answers)} of {len(answers)}"
