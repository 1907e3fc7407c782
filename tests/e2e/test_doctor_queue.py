# SPDX-License-Identifier: Apache-2.0
"""`postern doctor queue` on the live queues of Debian's Postfix and Exim: all spam goes, the owner's mail of the
same account is delivered, whatever happens in between."""
import datetime
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from exim import Exim
from lab import ns
from lab.mta import Postfix
import queue_mails

HERE = os.path.dirname(os.path.abspath(__file__))
#: Draws the mails and the moments; `make check-full` takes a new one each time.
SEED = os.environ.get("POSTERN_SEED") or "9"
SINK_PORT = 2525
EXIM = f"""
exim_path = /usr/local/sbin/exim4
primary_hostname = mx.shop.example
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
split_spool_directory = true
trusted_users = root
tls_advertise_hosts =
queue_only
queue_run_max = 20
remote_max_parallel = 5
message_logs = false
acl_smtp_rcpt = accept
begin routers
nobody:
  driver = redirect
  domains = bounce.example
  allow_fail
  data = :fail: no such user
world:
  driver = manualroute
  route_list = * 127.0.0.1
  transport = remote
  self = send
begin transports
remote:
  driver = smtp
  port = {SINK_PORT}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,4d,1m
"""

#: For Postfix while it gets tens of thousands of mails: they go to where nobody tries them, and their addresses
#: are complete as they are.
BY_THE_THOUSANDS = {"smtpd_data_restrictions": "check_client_access static:HOLD",
                    "receive_override_options": "no_address_mappings, no_header_body_checks, no_milters",
                    "local_header_rewrite_clients": ""}


class Place:
    """A machine with a mail server in its own namespaces, its files in memory."""

    def __init__(self, mta, built, seed):
        self.mta = mta
        self.draw = random.Random(seed)
        self.program = os.path.join(built, "src", "cli", "postern")
        self.netns = f"{ns.PREFIX}q{os.urandom(3).hex()}"
        base = "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"
        self.folder = os.path.join(base, self.netns)
        self.machine = ns.Machine(self.netns, mta, "mx.shop.example", self.folder)
        self.server = self.sink = None

    def up(self):
        ns.netns_add(self.netns)
        if self.mta == "postfix":
            self.server = Postfix(self.machine, {
                "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "defer_transports": "smtp",
                "relayhost": f"[127.0.0.1]:{SINK_PORT}", "smtpd_authorized_xclient_hosts": "0.0.0.0/0",
                "smtpd_recipient_restrictions": "permit_mynetworks, permit_sasl_authenticated, defer", "mynetworks": "0.0.0.0/0",
                "smtpd_relay_restrictions": "permit_mynetworks, defer",
                "smtpd_peername_lookup": "no", "smtp_tls_security_level": "none", "qmgr_message_active_limit": "20000",
                "queue_run_delay": "300s", "minimal_backoff_time": "300s", "maximal_backoff_time": "600s",
                "transport_maps": "inline:{ {bounce.example = error:5.1.1 no such user} }",
                "smtpd_reject_unlisted_recipient": "no", "max_use": "10000",
                "hash_queue_depth": str(self.draw.randint(1, 2)), "enable_long_queue_ids": self.draw.choice(("yes", "no"))})
        else:
            self.server = Exim(self.machine, EXIM)
        self.server.prepare()
        self.machine.start()
        self.machine.wait_ready()
        if self.mta == "postfix":
            self.server.start()
            self.server.wait_listening()

    def fill(self, seed, spam, own, is_large=False):
        if self.mta == "postfix":
            if is_large:
                self.server.set(**BY_THE_THOUSANDS)
            self.machine.run([sys.executable, os.path.join(HERE, "queue_mails.py"), seed, str(spam), str(own), "25"])
            if is_large:
                self.defer_held()
            self.wait_rest()
        else:
            self.put(queue_mails.Run(seed).all(spam, own))

    def defer_held(self):
        """What was held as it came in waits for its next attempt now, in an hour: where and as the queue manager
        puts what could not be delivered. Letting it try each of 50,000 mails first costs most of an hour."""
        self.server.set(**dict.fromkeys(BY_THE_THOUSANDS, ""))
        due = time.time() + 3600
        for folder, _, files in os.walk(self.machine.file("spool", "hold")):
            for name in files:
                os.utime(os.path.join(folder, name), (due, due))
        self.machine.run(["postsuper", "-H", "ALL"])

    def put(self, mails):
        """These mails, in the name of who sends them."""
        if self.mta == "postfix":
            path = self.machine.write("list.json", json.dumps(mails))
            self.machine.run([sys.executable, os.path.join(HERE, "queue_mails.py"), "list", path, "25"])
            self.wait_rest()
            return
        by_client = {}
        for mail in mails:
            by_client.setdefault((mail[3].rsplit(".", 1)[0], mail[4]), []).append(mail)
        for (_, login), mails in by_client.items():
            self.server.batch(queue_mails.batch(mails), args=[
                "-oMa", mails[0][3], "-oMaa", "plain", "-oMai", login, "-oMr", "esmtpa"])

    def wait_rest(self):
        """Until nothing moves any more: all is deferred. A mail that moves from one folder to the next may not be
        seen, so one look is not enough."""
        end, calm = time.monotonic() + 120, 0
        while time.monotonic() < end:
            calm = 0 if self.server.is_busy() else calm + 1
            if calm == 3:
                return
            time.sleep(0.1)
        raise ns.LabError("the queue does not come to rest")

    def queue(self):
        if self.mta == "exim":
            return set(self.server.queue())
        parts = ("incoming", "active", "deferred", "hold")
        return {f for part in parts for _, _, files in os.walk(self.machine.file("spool", part)) for f in files}

    def postern(self, *args):
        """(exit code, what it printed as JSON or text, standard error)"""
        code, out, err = self.machine.try_run([self.program, "doctor", "queue", *args])
        return code, json.loads(out) if out.startswith("{") else out, err

    def doctor(self, *args):
        code, out, err = self.machine.try_run([self.program, "doctor", "--json", "--watch", "0", *args])
        assert code == 0, err
        return json.loads(out)

    def file_of(self, ident):
        """The queue file of a message."""
        name = ident + ("-H" if self.mta == "exim" else "")
        for folder, _, files in os.walk(self.machine.file("spool")):
            if name in files:
                return os.path.join(folder, name)
        return None

    def plan(self, *args):
        path = self.machine.file("plan.json")
        code, plan, err = self.postern("--plan", path, "--json", *args)
        assert code == 0, err
        return path, plan

    def deliver(self, count):
        """Let all go to a sink; the Message-IDs that arrived."""
        dump = self.machine.file("arrived")
        self.sink = self.machine.popen([sys.executable, os.path.join(HERE, "queue_mails.py"), "sink", str(SINK_PORT), dump],
                                       stdout=subprocess.PIPE, text=True)
        assert self.sink.stdout.readline() == "ready\n"
        if self.mta == "postfix":
            self.server.set(defer_transports="")
        end = time.monotonic() + 60
        ids = []
        for turn in range(1000):
            if time.monotonic() > end or len(ids) >= count:
                break
            if turn % 10 == 0:  # the queue manager may not have read its new settings yet
                self.server.flush()
            time.sleep(0.3)
            with open(dump, encoding="latin-1") as text:
                ids = text.read().split("\n")[:-1]  # what stands behind the last end is being written
        self.end_sink()
        return ids

    def end_sink(self):
        if self.sink is not None:
            self.sink.kill()
            self.sink.wait()
            self.sink.stdout.close()
            self.sink = None

    def down(self):
        self.end_sink()
        self.machine.stop()
        ns.netns_delete(self.netns)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(name="place", params=["postfix", "exim"])
def a_place(request, built, features):
    seed = f"{SEED} {request.node.name}"
    print(f"POSTERN_SEED={SEED}")
    place = Place(request.param, built, seed)
    try:
        place.up()
    except ns.LabError as problem:
        place.down()
        pytest.skip(str(problem))
    yield place
    place.down()


def group(plan, name):
    found = [g for g in plan["groups"] if g["name"] == name]
    return sum(g["messages"] for g in found)


def all_own(own, other=10):
    return sorted([f"own-{i}@shop.example" for i in range(own)] + [f"other-{i}@other.example" for i in range(other)])


def purge(place, spam, own):
    seed = f"{place.draw.getrandbits(32):x}"
    times = {}
    begin = time.monotonic()
    place.fill(seed, spam, own, is_large=spam > 10000)
    times["fill"] = time.monotonic() - begin
    assert len(place.queue()) == spam + own + 10
    begin = time.monotonic()
    path, plan = place.plan("--source", queue_mails.ACCOUNT)
    times["plan"] = time.monotonic() - begin
    print([(g["name"], g["messages"], g["subjects"]) for g in plan["groups"]])
    assert plan["goes"] == spam and len(plan["messages"]) == spam
    assert group(plan, "own") + group(plan, "review") == own and group(plan, "others") == 10
    assert len(place.queue()) == spam + own + 10  # a plan changes nothing
    with open(f"{path}.headers", encoding="utf-8") as lines:
        assert sum(1 for _ in lines) == spam
    return path, times, seed


def finish(place, own, times):
    begin = time.monotonic()
    assert len(place.queue()) == own + 10
    arrived = place.deliver(own + 10)
    times["deliver"] = time.monotonic() - begin
    print({k: round(v, 1) for k, v in times.items()})
    assert sorted(arrived) == all_own(own)


def purged(place, spam, own):
    path, times, _ = purge(place, spam, own)
    begin = time.monotonic()
    code, done, err = place.postern("--apply", path, "--json")
    times["apply"] = time.monotonic() - begin
    assert code == 0, err
    assert (done["deleted"], done["left"], done["changed"]) == (spam, 0, 0), done
    code, done, err = place.postern("--apply", path, "--json")
    assert code == 0 and (done["deleted"], done["gone"]) == (0, spam), (done, err)
    finish(place, own, times)


def killed(place, spam, own):
    """Killed again and again at moments drawn at random: the last run finishes."""
    path, times, seed = purge(place, spam, own)
    draw = random.Random(seed)
    kills = 0
    for turn in range(4):
        before = len(place.queue())
        process = place.machine.popen([place.program, "doctor", "queue", "--apply", path],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + draw.uniform(0.02, 0.1 if turn == 0 else 1.0) * max(1, spam / 3000)
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.01)
        inside = [p for p in ns.descendants(process.pid) or [process.pid]]
        for pid in [process.pid, *inside]:
            try:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        process.wait()
        assert len(place.queue()) <= before
    assert kills > 0
    begin = time.monotonic()
    code, done, err = place.postern("--apply", path, "--json")
    times["last apply"] = time.monotonic() - begin
    assert code == 0, (done, err)
    assert done["deleted"] + done["gone"] == spam
    finish(place, own, times)


def test_all_spam_goes_and_the_owners_mail_is_delivered(place):
    purged(place, *((1470, 30) if place.mta == "postfix" else (470, 30)))


def test_killed_in_the_middle_nothing_of_the_owners_is_lost(place):
    killed(place, *((690, 20) if place.mta == "postfix" else (190, 10)))


@pytest.fixture(name="small")
def a_small_queue(place):
    """120 spam, some of it and of 12 own mails bounced; the log is gone."""
    run = queue_mails.Run(f"{place.draw.getrandbits(32):x}", forged=True)
    place.put([run.bounced(run.spam(i), i) for i in range(8)] + [run.bounced(run.own(i), 100 + i) for i in range(4)])
    if place.mta == "exim":
        place.server.flush()  # nobody listens: all is tried, and what cannot be is bounced
    place.put([run.spam(i) for i in range(8, 120)] + [run.own(i) for i in range(4, 12)] + [run.other(i) for i in range(15)])
    assert len(place.queue()) == 120 + 12 + 15 + 8 + 4
    log = place.machine.file("log", "mail.log" if place.mta == "postfix" else "exim4/mainlog")
    os.truncate(log, 0)
    place.run = run
    return place


def what_is_refused(small):
    before = small.queue()
    path, plan = small.plan("--source", queue_mails.ACCOUNT)

    def refused(*args):
        code, done, err = small.postern("--apply", *args, "--json")
        assert small.queue() >= before, err
        return code, done, err

    # A list that is not the plan's any more: one of the owner's messages slipped in.
    forged = json.loads(json.dumps(plan))
    own = next(iter(before - {m["id"] for m in plan["messages"]}))
    forged["messages"][0]["id"] = own
    assert refused(small.machine.write("forged.json", json.dumps(forged)))[0] == 8
    assert refused("/nowhere.json")[0] == 4
    gone = dict(plan, queue="/var/spool/gone")
    assert refused(small.machine.write("gone.json", json.dumps(gone)))[0] == 8
    assert refused(path, "--tool", "/bin/true")[0] == 8
    assert refused(path, "--quiet", "0")[0] == 2
    # A copy of the files is for looking.
    copy = small.machine.file("copy", "var", "spool")
    shutil.copytree(small.machine.file("spool"), copy, ignore=shutil.ignore_patterns("private", "public", "pid"))
    if small.mta == "postfix":
        shutil.move(copy, copy + "x")
        os.makedirs(copy)
        shutil.move(copy + "x", os.path.join(copy, "postfix"))
    code, copied, err = small.postern("--plan", small.machine.file("copy.json"), "--json", "--root", small.machine.file("copy"),
                                      "--source", queue_mails.ACCOUNT)
    assert code == 0 and copied["goes"] == plan["goes"], err
    assert refused(small.machine.file("copy.json"))[0] == 3

    # The id of a planned message belongs to another one now: it is let go, and nothing is deleted.
    ident = next(m["id"] for m in plan["messages"] if m["sender"])
    victim = small.file_of(ident)
    with open(victim, "r+b") as file:
        octets = file.read()
        file.seek(octets.index(b"info@shop.example"))
        file.write(b"boss@shop.example")
    if small.mta == "postfix":
        small.machine.run(["postsuper", "-h", ident])
    else:
        small.machine.run(["/usr/local/sbin/exim4", "-Mf", ident])
    code, done, err = refused(path)
    assert code == 8 and done["changed"] == 1 and done["released"] == 1 and "changed" in done["refused"], (done, err)
    with open(small.file_of(ident), "rb") as file:
        assert b"\n-frozen" not in file.read() and "/hold/" not in file.name

    with open(small.file_of(ident), "wb") as file:
        file.write(octets)


def the_queue_answers(small):
    said = small.doctor("<own-3@shop.example>", "not-there@shop.example")
    assert [i["source"] for i in said["ids"]] == [queue_mails.ACCOUNT, None]
    assert [(a["kind"], a["name"]) for a in said["accused"]] == [("account", queue_mails.ACCOUNT)]
    assert said["accused"][0]["messages"] == 132

    # Whom the doctor accuses, from the queue alone; bounces of the spam go with it, of the owner's mail not.
    path, plan = small.plan()
    assert [s["name"] for s in plan["sources"]] == [queue_mails.ACCOUNT]
    assert {n: group(plan, n) for n in ("spam", "bounces", "own", "review", "others")} == {
        "spam": 120, "bounces": 8, "own": 12, "review": 0, "others": 19}
    with open(f"{path}.headers", encoding="utf-8") as lines:
        saved = [json.loads(line) for line in lines]
    assert all(s["recipients"] and "Subject:" in s["header"] and "http" not in s["header"] for s in saved)

    # The same from one message that was complained about.
    with_id = next(s for s in saved if s["account"])
    ident = next(l for l in with_id["header"].splitlines() if l.lower().startswith("message-id:"))[11:].strip()
    for name in (ident, with_id["id"]):
        assert group(small.plan("--id", name)[1], "spam") == 120
    code, done, err = small.postern("--apply", path, "--json")
    assert code == 0 and done["deleted"] == 128, (done, err)
    assert len(small.queue()) == 12 + 15 + 4


def a_source_that_still_sends(small):
    small.put([small.run.spam(i) for i in range(2000, 2030)])
    before = small.queue()
    path, plan = small.plan("--source", queue_mails.ACCOUNT)
    assert plan["goes"] == 30
    time.sleep(1.1)
    small.put([small.run.spam(3000)])
    code, done, err = small.postern("--apply", path, "--json")
    assert code == 3 and done["still_sends"] == queue_mails.ACCOUNT, (done, err)
    assert len(small.queue()) == len(before) + 1


def the_owners_newsletter_stays(small):
    """A newsletter that is bigger than the spam is in no plan; what nothing speaks for has to be chosen."""
    time.sleep(1.1)
    since = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    time.sleep(1.1)
    small.put([small.run.news(i) for i in range(70)] + [small.run.spam(i) for i in range(4000, 4025)])
    window = ("--source", queue_mails.ACCOUNT, "--since", since)
    _, plan = small.plan(*window)
    assert (plan["goes"], group(plan, "spam"), group(plan, "choice")) == (25, 25, 70)
    assert all(m["sender"].endswith("@forged.example") for m in plan["messages"])

    # Spam from one network, in the account's own name: nobody can tell, and nothing goes.
    time.sleep(1.1)
    since = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    time.sleep(1.1)
    quiet = queue_mails.Run(small.run.seed + "q")
    quiet.nets, quiet.subjects = ["198.51.100"], quiet.subjects[:1]
    small.put([small.run.news(i) for i in range(100, 170)] + [quiet.spam(i) for i in range(30)])
    window = ("--source", queue_mails.ACCOUNT, "--since", since)
    _, plan = small.plan(*window)
    assert (plan["goes"], group(plan, "choice")) == (0, 100)
    choices = {g["number"]: g for g in plan["groups"] if g["name"] == "choice"}
    assert sorted(choices) == [1, 2]
    spam = next(number for number, g in choices.items() if g["messages"] == 30)
    assert choices[3 - spam]["messages"] == 70
    _, again = small.plan(*window)
    assert again["groups"] == plan["groups"]
    assert all(g["number"] is None for g in plan["groups"] if g["name"] != "choice")
    code, text, _ = small.postern("--plan", *window)
    assert code == 0 and "choice 2:" in text and "--group NUMBER" in text and "0 of " in text

    # Chosen by its number; told by a subject in the notice, the message itself being gone.
    letter = {"type": "postern-notice", "version": 1, "kind": "block", "cases": [{"case": "1", "source": "192.0.2.1", "samples": [
        {"message_id": "<gone@far.example>", "time": "2026-11-27T10:00:00Z",
         "subject": quiet.subjects[0].format(name="Zoe", n=77)}]}]}
    for told in (("--group", str(spam)), ("--notice", small.machine.write("notice.json", json.dumps(letter)))):
        path, plan = small.plan(*window, *told)
        assert (plan["goes"], group(plan, "choice")) == (30, 70), told
        with open(f"{path}.headers", encoding="utf-8") as lines:
            assert not any("reader" in line for line in lines)
    assert small.postern("--plan", *window, "--group", "0")[0] == 2


def test_a_small_queue_without_its_log(small):
    what_is_refused(small)
    the_queue_answers(small)
    a_source_that_still_sends(small)
    the_owners_newsletter_stays(small)


@pytest.mark.parametrize("place", ["postfix"], indirect=True)
def test_a_second_instance_is_found_by_its_queue(place):
    run = queue_mails.Run(f"{place.draw.getrandbits(32):x}")
    place.put([run.spam(i) for i in range(40)] + [run.own(i) for i in range(3)])
    m = place.machine
    second = m.file("second")
    ns.run(["cp", "-a", m.file("spool"), second])
    config = m.file("postfix-second")
    shutil.copytree(m.file("etc-postfix"), config)
    with open(os.path.join(config, "main.cf"), "a", encoding="ascii") as out:
        out.write(f"queue_directory = {second}\ndata_directory = {m.file('second-data')}\nmulti_instance_name = postfix-second\nmulti_instance_enable = yes\nmaillog_file =\n")
    first = place.queue()
    path, plan = place.plan("--queue", second, "--source", queue_mails.ACCOUNT)
    assert plan["goes"] == 40
    code, done, err = place.postern("--apply", path, "--json")
    assert code == 8 and "does not manage" in done["refused"], err  # nobody knows of it yet
    m.run(["postconf", "-e", f"multi_instance_directories={config}"])
    code, done, err = place.postern("--apply", path, "--json")
    assert code == 0 and done["deleted"] == 40, (done, err)
    assert place.queue() == first
    assert len([f for p in ("deferred", "hold") for _, _, files in os.walk(os.path.join(second, p)) for f in files]) == 3


@pytest.mark.slow
def test_fifty_thousand(place):
    purged(place, 49700, 300)


@pytest.mark.slow
def test_fifty_thousand_killed(place):
    killed(place, 49700, 300)
