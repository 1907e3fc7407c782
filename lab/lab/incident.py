# SPDX-License-Identifier: Apache-2.0
"""The main job, played once: B is clean, turns, is blocked, is told, mends it, and is open again.

Each step is a method, so that tests can stop in the middle. What happened is looked up outside
postern: in the exchangers' mailboxes, the gateway's nf_tables, and by connections tried.
"""
import json
import math
import os
import pwd
import sys
import time
from datetime import datetime

from . import mails
from .guard import API, KernelWatch, WireWatch, elements, is_block, is_touched
from .ns import LabError
from .world import CUSTOMERS, DNS, GATEWAY, MX, PROBE

NEWSLETTER_RECIPIENTS = 500
IDLE_SESSIONS = 3
CLEAN_MAILS = 12
SPAM_SHARE = 0.95
UNKNOWN_SHARE = 0.40
# So many that of the few messages before the block enough unknown ones are answered to speak against B.
SPAM_RECIPIENTS = 6
SPAM_RATE = 8.0
A_RATE = 1.5
# A suspect is throttled first, and then its evidence comes in at six connections a minute.
BLOCK_WAIT_S = 75
# A filter that flags less than this share of a folder does not know its spam.
KNOWN_SHARE = 0.25
ABUSED_ACCOUNT = "webform@birch.example"
# B's web site runs as this user, as Debian's web servers do.
WEB_USER = "www-data"


class Stop(Exception):
    """The play can't go on; the reason was already said as a failed claim."""


def wait_for(what, seconds, step=0.1):
    """The first true answer of what(), or its last one when the time is over."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(step)


def seconds_of(text):
    """Wall time of a time stamp in JSON."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def wilson_upper(bad, n, z=1.96):
    """Upper bound of a share (two-sided 95 %)."""
    if n == 0:
        return 1.0
    p = bad / n
    middle = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle + spread) / (1 + z * z / n)


class Incident:
    def __init__(self, world, guard, timeline, ham, spam, seed):
        self.world, self.guard, self.line = world, guard, timeline
        self.seed = seed
        self.family = "6" if world.family == "6" else "4"
        self.ham, self.spam = mails.load(ham), mails.load(spam)
        self.folders = (ham, spam)
        self.b = CUSTOMERS["b"]
        self.kernel = self.wire = None
        self.a_stream = self.b_stream = None
        self.newsletter_ident = None
        self.idle = None
        self.turned_at = self.blocked_at = None
        self.clean_sent, self.b_sent, self.a_sent = [], [], []
        self.case = None
        self.ended_at = []
        self.portal_trust = self.notice = None
        self.is_reported = False
        rng = mails.seeded(seed, "b hacked")
        # Where no program belongs: somebody put it among the pictures that visitors may send.
        self.script = f"/var/www/{self.b['domain']}/htdocs/uploads/{rng.randrange(2020, 2027)}/{rng.getrandbits(32):08x}.php"
        self.guilty = None  # "user:uid 33", as the doctor found it
        self.deeds = []  # what the owner did, for the report

    def address(self, key):
        return CUSTOMERS[key]["v" + self.family]

    # ---- who sends what ----

    def _ham_of(self, key, purpose):
        rng = mails.seeded(self.seed, purpose)
        deck = mails.Deck(self.ham, rng)
        sender = f"office@{CUSTOMERS[key]['domain']}"
        return lambda: (deck.draw(), False, sender, mails.known(rng, rng.choice((1, 1, 1, 2))))

    def _abuse(self):
        rng = mails.seeded(self.seed, "b abused")
        spam, ham = mails.Deck(self.spam, rng), mails.Deck(self.ham, rng)

        def draw():
            if rng.random() < SPAM_SHARE:
                return spam.draw(), True, ABUSED_ACCOUNT, mails.partly_unknown(rng, SPAM_RECIPIENTS, UNKNOWN_SHARE)
            return ham.draw(), False, f"office@{self.b['domain']}", mails.known(rng, 1)
        return draw

    # ---- the steps ----

    def begin(self):
        """A and C send from now on; the kernel is watched."""
        self.portal_trust = self.world.start_portal(API.rsplit(":", 1)[1])
        self.kernel = KernelWatch(self.world)
        self.wire = WireWatch(self.world, "b")
        self.line.claim(self.guard.has_table(), "the kernel has the table inet postern", "nft lists none")
        self.a_stream = mails.Stream(self.world.mta["a"], A_RATE, self._ham_of("a", "a ham"))
        self.line.say(f"A ({self.address('a')}) sends legitimate mail, {A_RATE} a second, until the end")
        self._send_newsletter()

    def _send_newsletter(self):
        """One issue, 500 recipients, each with its own envelope sender: 500 transactions."""
        rng = mails.seeded(self.seed, "c newsletter")
        everybody = [f"{u}@{d}" for d in mails.DOMAINS for u in mails.USERS]
        issue = next((m for m in self.ham if "newsletter" in m.name), self.ham[0])
        self.newsletter_ident = f"<issue.{self.world.token}@{CUSTOMERS['c']['domain']}>"
        readers = rng.sample(everybody, NEWSLETTER_RECIPIENTS)
        self.world.mta["c"].send(f"newsletter@{CUSTOMERS['c']['domain']}", readers,
                                 issue.prepared(f"readers@{CUSTOMERS['c']['domain']}", self.newsletter_ident), verp=True)
        self.line.say(f"C ({self.address('c')}) sends one newsletter ({issue.name}) to {len(readers)} recipients")

    def clean_phase(self):
        stream = mails.Stream(self.world.mta["b"], 4, self._ham_of("b", "b clean"), limit=CLEAN_MAILS)
        self.clean_sent = stream.wait()
        arrived = wait_for(lambda: self._all_there(self.clean_sent), 20)
        self.line.claim(arrived, f"B is clean: its {CLEAN_MAILS} legitimate messages are in the exchangers' mailboxes")
        rung = self.guard.rung("b", self.family)
        self.line.claim(rung in ("pass", "watch"), f"B is on rung {rung}, not in the kernel's maps",
                        f"rung {rung}")
        self._hold_sessions()

    def _all_there(self, sent):
        there = self.world.deliveries()
        return all(s.ident in there for s in sent)

    def _hold_sessions(self):
        mx = MX["mx1"]["v6" if self.family == "6" else "v4"]
        self.idle = self.world.machines["b"].popen(
            [sys.executable, PROBE, "hold", mx, "25", str(IDLE_SESSIONS)], stdout=-1, text=True)
        said = self.idle.stdout.readline().strip()
        far = len(self.world.established("net", "b"))
        self.line.say(f"B holds {IDLE_SESSIONS} idle sessions to {mx}:25 ({said}; the exchanger's kernel counts {far} from B)")

    def turn(self):
        """B's web site is abused from now on."""
        self.turned_at = time.time()
        self.b_stream = mails.Stream(self.world.mta["b"], SPAM_RATE, self._abuse(), spam_user=WEB_USER,
                                     spam_script=self.script)
        self.line.say(f"B turns: {SPAM_SHARE:.0%} spam among its mail, {SPAM_RATE:g} messages a second, {SPAM_RECIPIENTS} "
                      f"recipients each, {UNKNOWN_SHARE:.0%} of them unknown")

    def spam_out(self):
        """Spam messages of B that an exchanger has taken, by its mailboxes."""
        there = self.world.deliveries()
        return [s for s in self.b_stream.sent if s.is_spam and s.ident in there]

    def in_kernel(self, key):
        return elements(self.world.ruleset(), key)

    def is_shut(self):
        """Both sources of B's server are in the kernel, as blocked."""
        return any(is_block(name) for name, _ in self.in_kernel("b"))

    def wait_block(self):
        if not wait_for(self.is_shut, BLOCK_WAIT_S, 0.03):
            self._say_unknown_spam()
        events = [e for e in self.kernel.of("b") if is_block(e[3])]
        self.blocked_at = events[0][0] if events else time.time()
        self.line.say("the kernel's block of B: " + (events[0][3] if events else "seen by listing"), self.blocked_at)

    def _say_unknown_spam(self):
        out = len(self.spam_out())
        self.line.claim(False, f"B is blocked within {BLOCK_WAIT_S} s of turning", f"{out} spam messages let out, no block")
        flagged, total = self.flagged_share(self.folders[1])
        if total and flagged / total < KNOWN_SHARE:
            self.line.say(f"the filter does not know this spam: it flags {flagged} of {total} files of {self.folders[1]}")
        raise Stop

    def flagged_share(self, folder):
        code, out, _ = self.guard.cli("score", "--json", folder)
        rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        return sum(1 for r in rows if r.get("flagged")), len(rows) if code in (0, 3, 7) else 0

    def check_shut(self):
        """What a block must mean, tried from B's machine and from the others'."""
        w = self.world
        targets = [(mx[fam], port) for mx in MX.values() for fam in ("v4", "v6") for port in (25, 465)]
        answers = w.try_connects("b", targets)
        self.line.claim(answers == ["refused"] * len(targets),
                        "B's connections to ports 25 and 465 are refused, over IPv4 and IPv6", str(answers))
        other = w.try_connect("b", DNS["v4"], 53)
        self.line.claim(other == "open", "B's connections to other ports pass (TCP 53)", other)
        for key in ("a", "c"):
            answers = w.try_connects(key, targets)
            self.line.claim(answers == ["open"] * len(targets), f"{key.upper()}'s connections to ports 25 and 465 pass", str(answers))
        self.check_sessions()
        late = [t - self.blocked_at for t in self.wire.payloads() if t > self.blocked_at]
        last = max([t for t in self.wire.payloads() if t <= self.blocked_at] + [self.blocked_at + t for t in late])
        self.line.claim(not late or max(late) < 0.1, "no octet of B's clients reaches the exchangers after the block",
                        f"{len(late)} frames, the last {1000 * max(late, default=0):.1f} ms after")
        self.line.say(f"last octets of B on the internet's side: {1000 * (last - self.blocked_at):+.1f} ms from the rule")

    def check_sessions(self):
        gone = wait_for(lambda: not w_established(self.world, "b"), 10)
        self.line.claim(gone, "no session of B to port 25 is left, neither in B's kernel nor in the exchangers'",
                        str(w_established(self.world, "b")))
        ended = []
        if self.idle is not None and gone:
            for line in self.idle.stdout:
                if line.startswith("ended"):
                    _, _, at, word = line.split()
                    ended.append((float(at), word))
            self.idle.wait()
        self.line.claim(len(ended) == IDLE_SESSIONS and all(word == "reset" for _, word in ended),
                        f"B's {IDLE_SESSIONS} idle sessions were reset", str(ended))
        self.ended_at = [at for at, _ in ended]

    def check_let_out(self):
        """After the block nothing of B arrives any more; what went before is counted."""
        time.sleep(1.0)  # what the exchangers had taken reaches the mailboxes
        before = len(self.spam_out())
        time.sleep(2.0)
        after = self.spam_out()
        self.line.claim(len(after) == before, "no spam of B arrives after the block",
                        f"{len(after) - before} more in 2 s")
        injected = sum(1 for s in self.b_stream.sent if s.is_spam)
        seconds = self.blocked_at - self.turned_at
        self.line.say(f"spam let out before the block: {len(after)} messages (of {injected} put into B's queue so far), "
                      f"block {seconds:.2f} s after the turn")

    # ---- STARTTLS: what can be seen, and staff ----

    def staff_block(self):
        """Nothing of the content is seen; staff, who had a complaint, block B by command."""
        wait_for(lambda: len(self.spam_out()) >= 5, 30)
        out = len(self.spam_out())
        seen = self.guard.json("source", "show", self.guard.source("b", self.family))
        kinds = {e["kind"]: e["trials"] for e in seen["evidence"] if e["trials"] > 0}
        shape = {e["leg"]: e for e in seen["evidence"] if e["kind"] == "fanout"}
        proof = seen["proof"]
        self.line.say(f"{out} spam messages of B have passed, encrypted. What postern could see of B: EHLO, STARTTLS, and the "
                      f"shape: {shape['4x connections']['trials']} connections to {shape['4x destinations']['trials']} "
                      f"destinations (rule: {proof['rule'] or 'none'}; rung {seen['rung']})")
        self.line.say(f"what it could not see: senders, recipients, refusals, text. It counts {proof['messages']} messages and "
                      f"{proof['recipients']} recipients of B")
        self.line.claim(not proof["messages"] and not {"content", "recipients"} & set(kinds),
                        "postern claims no evidence of what it could not see", json.dumps(kinds))
        self.line.claim(not self.is_shut(), "B is not blocked by shape alone")
        code, said, err = self.guard.cli("source", "block", self.guard.source("b", self.family),
                                         "--reason", "a complaint about encrypted mail, confirmed by phone")
        self.line.claim(code == 0, "staff block B by command", f"exit {code}: {err or said}")

    # ---- the case ----

    def order_times(self):
        """Verdict → rule, by the judge's clock, the gate's, and the kernel's listener."""
        def block():
            return [o for o in self.guard.orders() if o["rung"] == "block" and o["tenant" if "tenant" in o else "source"]
                    in ("b", self.b["v4"], self.b["net6"]) and o["state"] in ("installed", "unproved", "proved")]
        found = wait_for(block, 10)
        if not self.line.claim(found, "the order is confirmed as in the kernel"):
            return
        order = found[0]
        given = seconds_of(order["given_at"])
        self.line.say(f"verdict → rule in the kernel: {1000 * (self.blocked_at - given):.1f} ms by the kernel's listener "
                      f"(gate alone, receipt to acknowledgement: {order['apply_us'] / 1000:.2f} ms)", given)
        if self.ended_at:
            far = wait_for(lambda: [t for t in self.wire.resets() if t >= given][:IDLE_SESSIONS], 3)
            self.line.say(f"running sessions ended: B's {len(self.ended_at)} idle ones {1000 * (max(self.ended_at) - given):.1f} ms "
                          f"after the verdict on B's side, {1000 * (max(far, default=given) - given):.1f} ms on the exchanger's; "
                          f"the gate counts {order['sessions_ended']} in all", max(self.ended_at))
            self.line.claim(len(far) == IDLE_SESSIONS, "the exchangers got resets too", f"{len(far)} resets")

    def wait_case(self):
        def found():
            try:
                return [c for c in self.guard.cases("b") if c["state"] != "closed"]
            except LabError:
                return []
        cases = wait_for(found, 15)
        if not self.line.claim(len(cases) == 1, "B has one open case", f"{len(cases)} cases"):
            raise Stop
        self.case = cases[0]["id"]

    def show_evidence(self):
        case = self.guard.json("case", "show", self.case)
        self.line.say(f"case {self.case}: {case['state']}, rung {case['rung']}, source {case['source']}, opened {case['opened_at']}")
        if not self.world.starttls:
            self._show_witnesses(case)
        self.line.say("`postern case show`:")
        self.line.detail(self.guard.cli("case", "show", self.case)[1])
        return case

    def _show_witnesses(self, case):
        proof = case["proof"]
        seen = [seconds_of(m["time"]) for m in case["samples"]]
        if seen:
            first = min(seen)
            self.line.say(f"first spam seen by postern, {first - self.turned_at:.2f} s after the turn", first)
        self.line.say(f"verdict {proof['verdict']}: {proof['rule']}; {proof['flagged']} of {proof['messages']} messages flagged, "
                      f"{proof['recipients_unknown']} of {proof['recipients']} recipients unknown")
        best = {}
        for e in case["evidence"]:
            if e["trials"] > 0 and e["s"] > best.get(e["kind"], (0,))[0]:
                best[e["kind"]] = (e["s"], e["h"], e["leg"], e["bad"], e["trials"])
        for kind, (s, h, leg, bad, trials) in sorted(best.items(), key=lambda b: -b[1][0]):
            self.line.detail(f"witness {kind:10} s {s:5.1f} of h {h:4.1f} (leg {leg}): {bad} bad of {trials}")
        sums = sorted((s for s, *_ in best.values()), reverse=True)
        self.line.claim(len(sums) > 1 and sums[0] >= 16 and sums[1] >= 6,
                        "two witnesses: one at h = 16 or more, another at 6 or more", json.dumps(best))
        # Throttled early, B gets so few recipients answered that chance decides whether unknown ones are among them.
        if proof["recipients_unknown"] >= 5:
            self.line.claim(best.get("recipients", (0,))[0] > 0, "recipients speaks against B", json.dumps(best))
        else:
            self.line.say(f"too few unknown recipients were answered for this witness: {proof['recipients_unknown']}")
        flagged, total = self.flagged_share(self.folders[1])
        if not self.line.claim(total and flagged / total >= KNOWN_SHARE,
                               f"the filter knows this spam: {proof['flagged']} of B's messages flagged",
                               f"it flags {flagged} of {total} files of the spam folder"):
            self.line.say(f"the filter does not know this spam: it flags {flagged} of {total} files of {self.folders[1]}")
            raise Stop

    def wait_notice(self):
        def notice():
            return [m for m in self.world.mta["b"].mailbox(self.b["domain"])
                    if f"abuse@{GATEWAY['domain']}".encode() in m.split(b"\n\n", 1)[0]]
        found = wait_for(notice, 20)
        shut = self.is_shut()
        if not self.line.claim(bool(found) and shut, "the notice is in B's own inbound mail while B is blocked",
                               "no notice" if not found else "B is not blocked"):
            return None
        self.line.say(f"notice delivered to owner@{self.b['domain']} on B")
        text = _plain(found[0])
        if not self.world.starttls:
            sent = {s.ident for s in self.b_stream.sent if s.is_spam}
            self.line.claim(any(ident.strip("<>") in text for ident in sent),
                            "the notice names Message-IDs that B sent")
        self.line.claim(self.case in text and f"https://abuse.{GATEWAY['domain']}" in text,
                        "the notice has the case and the link")
        self.line.detail("\n".join(text.split("\n")[:36]))
        return found[0]

    # ---- the owner looks, on B ----

    def _doctor(self, *arguments):
        """`postern doctor` as root on B: its own logs, its own connections; it trusts the portal's certificate."""
        program = os.path.join(self.guard.build, "src", "cli", "postern")
        return self.world.machines["b"].try_run(["env", f"CURL_CA_BUNDLE={self.portal_trust}", program, "doctor", *arguments])

    def find_cause(self, notice):
        """From the notice in B's mailbox and B's own log to who sent it."""
        self.notice = self.world.machines["b"].file("notice.eml")
        with open(self.notice, "wb") as out:
            out.write(notice)
        began = time.monotonic()
        code, out, err = self._doctor("--notice", self.notice, "--json")
        if not self.line.claim(code == 0, "the doctor on B reads the notice and B's own log", f"exit {code}: {err or out}"):
            return
        found = json.loads(out)
        if self.world.starttls:
            names = [a["name"] for a in found["accused"]]
            self.line.say(f"the notice has no examples, as all was encrypted; by B's log alone the doctor blames {names or 'nobody'}")
        else:
            self._check_cause(found)
        self.line.say(f"the doctor took {time.monotonic() - began:.2f} s for {found['lines']['total']} lines")
        self.line.detail("\n".join(self._doctor("--notice", self.notice)[1].split("\n")[:24]))

    def _check_cause(self, found):
        guilty = found["accused"][0] if found["accused"] else {"name": None, "kind": None, "cause": None}
        named = [i for i in found["ids"] if i["source"] == guilty["name"]]
        self.guilty = f"{guilty['kind']}:{guilty['name']}" if guilty["name"] else None
        self.line.claim(guilty["name"] in (WEB_USER, f"uid {pwd.getpwnam(WEB_USER).pw_uid}") and guilty["kind"] == "user",
                        f"the doctor finds the cause: {guilty['name']}, the user of B's web server", json.dumps(guilty))
        self.line.claim(guilty["cause"] == "site" and guilty.get("script") == self.script,
                        f"it says why: a hacked site, and names the script: {guilty.get('script')}", json.dumps(guilty))
        self.line.claim("password" in guilty.get("ruled_out", []), "it rules out a stolen password", json.dumps(guilty))
        self.line.claim(len(found["accused"]) == 1, "the doctor blames nobody else on B", json.dumps(found["accused"][1:]))
        self.line.claim(named and len(named) == len(found["ids"]),
                        f"each of the {len(found['ids'])} messages in the notice is traced to it", json.dumps(found["ids"]))

    def report(self):
        """What the doctor found and what was done goes to the provider; once."""
        arguments = ["report", "--notice", self.notice, "--send", "--quiet", "1"]
        for deed in self.deeds:
            arguments += ["--did", deed]
        code, out, err = self._doctor(*arguments)
        if not self.line.claim(code == 0, "the doctor's report is sent over HTTPS with the notice's token", f"exit {code}: {err or out}"):
            return
        sent = json.loads(out)
        case = self.guard.json("case", "show", self.case)
        kept = case["doctor_reports"]
        self.line.claim(len(kept) == 1 and kept[0]["standing"] == "reported" and kept[0]["report"] == sent,
                        "it stands in the case, as reported", json.dumps(kept)[:300])
        results = {c["name"]: c["result"] for c in case["unblock"]["checks"]}
        self.line.claim(self.is_shut() and results.get("cause_and_fix") != "proved", "it proves nothing and opens nothing", json.dumps(results))
        code, _, _ = self._doctor(*arguments)
        self.line.claim(code == 8, "the token is good for one report", f"exit {code}")
        self.is_reported = True
        self.line.say(f"reported: cause {sent['cause']}, source {(sent['source'] or {}).get('name')}, stopped: {sent['source_stopped']}"
                      + (f" ({'; '.join(sent['not_stopped'])})" if sent["not_stopped"] else ""))

    def check_inbound(self):
        ident = f"<inbound.{time.time_ns()}@post.test>"
        self.world.mta["mx1"].send("someone@post.test", [f"owner@{self.b['domain']}"],
                                   f"Subject: a question\nMessage-ID: {ident}\n\nDo you still have the blue one?\n".encode())
        came = wait_for(lambda: any(ident.encode() in m for m in self.world.mta["b"].mailbox(self.b["domain"])), 15)
        self.line.claim(came and self.is_shut(), "mail from the internet to B arrives while B is blocked")

    def premature_unblock(self):
        code, out, err = self.guard.cli("case", "unblock", self.case, "--cause", "web form abused", "--fix",
                                        "not yet", "--json")
        self.line.say(f"B asks for the unblock too early: exit {code}")
        self.line.claim(code == 3, "the answer to the premature request is no (exit 3)", f"exit {code}: {err or out}")
        checks = _checks(out)
        for c in checks:
            self.line.detail(f"{c['name']}: {c['result']}: {c['detail']}")
        self.line.claim(any(c["result"] in ("not_proved", "failed") for c in checks),
                        "the answer says what is not proved", out[:300])
        self.line.claim(self.is_shut(), "B is still blocked after it")

    def fix(self):
        """The owner closes the form, and purges the queue by the doctor's plan; what stays is held until the unblock."""
        self.b_sent = self.b_stream.stop()
        mta = self.world.mta["b"]
        mta.hold(True)
        time.sleep(0.5)
        gone = None
        if self.guilty:
            gone = self._purge_by_plan()
        if gone is None:
            gone = mta.purge(lambda sender: sender not in (ABUSED_ACCOUNT, "MAILER-DAEMON", ""))
        mta.hold(True)
        self.deeds = ["stop: form closed", f"purge: {gone} messages deleted from the queue"]
        self.line.say(f"B is mended: the form is closed, {gone} messages deleted from the queue, {len(mta.queue())} held")

    def _purge_by_plan(self):
        """`postern doctor queue --plan`, then `--apply`; checked against what the lab knows of each message."""
        mta = self.world.mta["b"]
        good = {s.ident for s in self.b_sent if not s.is_spam}
        before = mta.queued_idents()
        plan = self.world.machines["b"].file("plan.json")
        code, out, err = self._doctor("queue", "--plan", plan, "--source", self.guilty, "--whole", "--json")
        if not self.line.claim(code == 0, "the doctor plans the purge of B's queue", f"exit {code}: {err or out}"):
            return None
        code, out, err = self._doctor("queue", "--apply", plan, "--json")
        if not self.line.claim(code == 0, "the plan is applied", f"exit {code}: {err or out}"):
            return None
        after = mta.queued_idents()
        spam_left = [i for i in after if i in before and i in {s.ident for s in self.b_sent if s.is_spam}]
        lost = [i for i in before & good if i not in after]
        self.line.claim(not spam_left, f"all {len(before) - len(before & good)} spam messages of the source are gone from B's queue",
                        f"{len(spam_left)} left")
        self.line.claim(not lost, f"all {len(before & good)} legitimate messages of B's owner still wait in it", f"{len(lost)} lost")
        return json.loads(out)["deleted"]

    def unblock(self, wait_s):
        self.line.say(f"the cool-down and quiet time are shortened by this demo's configuration (usual: 1 h and 10 min)")

        plea = ["--cause", "the web form let anybody choose the recipients", "--fix", "form closed, queue purged"]
        if self.is_reported and not self.world.starttls:
            plea = ["--from-report"]

        def ask():
            return self.guard.cli("case", "unblock", self.case, *plea, "--json")
        end = time.monotonic() + wait_s
        while True:
            code, out, err = ask()
            if code != 3 or time.monotonic() > end:
                break
            time.sleep(2)
        for c in _checks(out):
            self.line.detail(f"{c['name']}: {c['result']}: {c['detail']}")
        if not self.line.claim(code == 0, "the owner's request is granted", f"exit {code}: {err or out}"):
            raise Stop
        opened = wait_for(lambda: not self.is_shut(), 10)
        self.line.claim(opened, "B's sources are gone from the kernel's block", str(self.in_kernel("b")))
        self.line.say("B is unblocked")
        state = self.guard.json("case", "show", self.case)["state"]
        self.line.claim(state == "probation", "the case is in probation", state)

    def mail_flows(self):
        answers = self.world.try_connects("b", [(MX["mx1"][fam], port) for fam in ("v4", "v6") for port in (25, 465)])
        self.line.claim(answers == ["open"] * 4, "B's connections to ports 25 and 465 pass again", str(answers))
        mta = self.world.mta["b"]
        mta.hold(False)
        mta.flush()
        stream = mails.Stream(mta, 4, self._ham_of("b", "b after"), limit=6)
        after = stream.wait()
        held = [s for s in self.b_sent if not s.is_spam]
        came = wait_for(lambda: self._all_there(after + held), 25, 0.3)
        self.line.claim(came, f"B's mail is delivered: {len(after)} new messages and all {len(held)} legitimate ones of the bad hour")

    def end(self):
        """What must be true of A and C, whatever happened to B."""
        self.a_sent = self.a_stream.stop()
        came = wait_for(lambda: self._all_there(self.a_sent), 20)
        self.line.claim(came, f"A's {len(self.a_sent)} messages were all delivered")
        readers = wait_for(lambda: len(self.world.deliveries().get(self.newsletter_ident, [])) >= NEWSLETTER_RECIPIENTS, 60)
        count = len(self.world.deliveries().get(self.newsletter_ident, []))
        self.line.claim(readers and count == NEWSLETTER_RECIPIENTS,
                        f"C's newsletter reached {count} of {NEWSLETTER_RECIPIENTS} recipients")
        self._check_untouched()

    def _check_untouched(self):
        for key in ("a", "c"):
            touched = [e[3] for e in self.kernel.of(key) if is_touched(e[3])]
            touched += [name for name, _ in self.in_kernel(key) if is_touched(name)]
            self.line.claim(not touched, f"the kernel's table never held up {key.upper()}", str(touched[:3]))
            rung = self.guard.rung(key, self.family)
            self.line.claim(rung in ("pass", "watch"), f"{key.upper()} is on rung {rung}", str(rung))
            self.line.claim(not self.guard.cases(key), f"{key.upper()} has no case")

    def rates(self):
        """The filter's own rates on the folders of this run."""
        flagged, n = self.flagged_share(self.folders[1])
        wrong, m = self.flagged_share(self.folders[0])
        if n and m:
            self.line.say(f"the filter on these folders: flags {flagged} of {n} spam ({flagged / n:.0%}) and {wrong} of {m} "
                          f"legitimate ({wrong / m:.1%}, at most {wilson_upper(wrong, m):.1%} with 95 % confidence)")

    # ---- the whole play ----

    def play_all(self):
        try:
            self._play()
        except Stop:
            self.end()  # what must hold for A and C holds in any case
            raise

    def _play(self):
        self.begin()
        self.clean_phase()
        self.turn()
        if self.world.starttls:
            self.staff_block()
        self.wait_block()
        self.check_shut()
        if not self.world.starttls:
            self.check_let_out()
        self.order_times()
        self.wait_case()
        self.show_evidence()
        notice = self.wait_notice()
        self.check_inbound()
        self.premature_unblock()
        if notice:
            self.find_cause(notice)
        self.fix()
        if notice:
            self.report()
        self.unblock(60)
        self.mail_flows()
        self.end()
        self.rates()

    def stop(self):
        """Ends the streams; the world ends everything else."""
        for stream in (self.a_stream, self.b_stream):
            if stream is not None:
                stream.stopping.set()
                stream.join()


def w_established(world, key):
    return world.established(key, key) + world.established("net", key)


def _checks(out):
    """The checks in an answer, wherever they stand in it."""
    try:
        answer = json.loads(out)
    except ValueError:
        return []
    for place in (answer, answer.get("unblock") or {}, answer.get("answer") or {}, answer.get("case", {}).get("unblock", {})
                  if isinstance(answer.get("case"), dict) else {}):
        if isinstance(place, dict) and place.get("checks"):
            return place["checks"]
    return []


def _plain(message):
    """All text parts of a message, decoded."""
    import email
    import email.policy
    parts = []
    for part in email.message_from_bytes(message, policy=email.policy.default).walk():
        if part.get_content_type() in ("text/plain", "message/rfc822", "text/rfc822-headers"):
            try:
                parts.append(part.get_content() if part.get_content_maintype() == "text" else part.as_string())
            except (LookupError, UnicodeError):
                parts.append(part.as_string())
    return "\n".join(parts)
