# SPDX-License-Identifier: Apache-2.0
"""A scenario written down as the logs of servers that do not run here; and logs in other wrappings.

The renderers follow the servers' own grammar. Times are spread over `span_s` seconds.
"""
import bz2
import datetime
import gzip
import lzma
import os
import random
import re
import struct
import subprocess

from scenario import HOST_V4, refusal_draw

UTC = datetime.timezone.utc
UIDS = {"root": 0, "daemon": 1, "bin": 2, "nobody": 65534}


def at(seconds):
    return datetime.datetime.fromtimestamp(seconds, UTC)


def rfc3164(seconds):
    t = at(seconds)
    return f"{t:%b} {t.day:2} {t:%H:%M:%S}"


class Render:
    """Common to all forms: who is dead or slow, ids, process numbers, lines that mix."""

    def __init__(self, sc, begin_s, span_s):
        self.sc, self.begin, self.span = sc, begin_s, span_s
        self.rng = random.Random(f"{sc.seed}-render")
        self.lines = []   # (seconds, n, text)
        self.ids = {}     # what was staged: [Message-ID as it left, or None]
        self.hits = []

    def when(self, t):
        return self.begin + t * self.span

    def add(self, seconds, text):
        self.lines.append((seconds, len(self.lines), text))

    def done(self):
        return [text for _, _, text in sorted(self.lines)]

    def uid(self, mail):
        return UIDS.get(mail["user"], None) if mail["user"] in UIDS else self.sc.users[mail["user"]]["uid"]

    def message_id(self, mail):
        return f"{random.Random(str(mail)).getrandbits(64):x}$a@{mail['sender'].split('@')[1]}" if mail["with_id"] else ""

    def left(self, mail, message_id):
        """Note the id of a staged mail that came to somebody, as a notice would have it."""
        if mail.get("staged") and any(self.fate(mail, r) == "sent" for r, _ in self.targets(mail)[0]):
            self.ids.setdefault(mail["staged"], []).append(message_id)

    def reply(self, rcpt, fate):
        """(DSN, text) that the server of this recipient gives for this fate."""
        if fate == "sent":
            return "2.0.0", "250 2.0.0 queued"
        known = self.sc.habits.replies[fate]
        dsn, text = known[sum(rcpt.split("@")[1].encode()) % len(known)]
        return dsn, text.format(r=rcpt)

    def is_local(self, rcpt):
        return rcpt.split("@")[1] in self.sc.domains

    def fate(self, mail, rcpt):
        if rcpt in self.sc.dead:
            return "dead"
        if rcpt in self.sc.slow:
            return "slow"
        for rule in self.sc.refused:
            if rule["word"] in mail["body"] and refusal_draw(mail["body"], rcpt, mail["sender"]) < rule["share"]:
                return "refused"
        return "sent"

    def targets(self, mail):
        """[(recipient, what stood before it or None)] outside; and those without a mailbox here."""
        outside, nobody = [], []
        for r in mail["rcpts"]:
            if r in self.sc.aliases:
                outside.append((self.sc.aliases[r], r))
            elif not self.is_local(r):
                outside.append((r, None))
            elif r not in self.sc.mailboxes and r not in self.sc.accounts:
                nobody.append(r)
        return outside, nobody

    def all(self):
        for mail in self.sc.mails:
            if mail["via"] == "direct":
                self.left(mail, self.message_id(mail) or "x@y.test")
            else:
                self.one(mail, self.when(mail["t"]) + self.rng.random())
        return self.done()


class Postfix(Render):
    def line(self, t, program, text):
        self.add(t, f"{rfc3164(t)} {self.sc.host.split('.')[0]} postfix/{program}[{self.rng.randint(300, 32000)}]: {text}")

    def queue_id(self):
        return f"{self.rng.getrandbits(20):05X}{self.rng.getrandbits(24):06X}"

    STATUS = {"sent": "sent", "dead": "bounced", "slow": "deferred", "refused": "bounced"}
    AFTER = {"dead": "RCPT TO", "slow": "RCPT TO", "refused": "end of DATA"}

    def one(self, mail, t):
        q = self.queue_id()
        if mail["via"] in ("smtp", "inbound"):
            name = "localhost" if mail["ip"] == "127.0.0.1" else "unknown"
            sasl = f", sasl_method=PLAIN, sasl_username={mail['auth']}" if mail["auth"] else ""
            self.line(t, "submission/smtpd" if mail["auth"] else "smtpd", f"{q}: client={name}[{mail['ip']}]{sasl}")
        else:
            self.line(t, "pickup", f"{q}: uid={self.uid(mail)} from=<{mail['sender']}>")
        mid = self.message_id(mail) or f"{at(t):%Y%m%d%H%M%S}.{q}@{self.sc.host}"
        self.line(t + .01, "cleanup", f"{q}: message-id=<{mid}>")
        self.queued(q, mail, t, mail["sender"])
        self.left(mail, mid)

    def queued(self, q, mail, t, sender):
        outside, nobody = self.targets(mail)
        self.line(t + .02, "qmgr", f"{q}: from=<{sender}>, size=900, nrcpt={len(mail['rcpts'])} (queue active)")
        waits = failed = False
        for rcpt, before in outside:
            fate = self.fate(mail, rcpt)
            dsn, text = self.reply(rcpt, fate)
            host = f"mx.{rcpt.split('@')[1]}[198.51.100.{self.rng.randint(11, 22)}]"
            if fate != "sent":
                text = f"host {host} said: {text} (in reply to {self.AFTER[fate]} command)"
            orig = f" orig_to=<{before}>," if before else ""
            for again in range(1 + (fate == "slow") * self.rng.randint(0, 3)):
                self.line(t + 1 + again * 300, "smtp",
                          f"{q}: to=<{rcpt}>,{orig} relay={host}:25, delay=1.2, delays=0.1/0/0.4/0.7, dsn={dsn}, "
                          f"status={self.STATUS[fate]} ({text})")
            waits, failed = waits or fate == "slow", failed or fate in ("dead", "refused")
        for rcpt in nobody:
            self.line(t + 1, "virtual", f"{q}: to=<{rcpt}>, relay=virtual, delay=0.1, delays=0.1/0/0/0, dsn=5.1.1, "
                                        f'status=bounced (unknown user: "{rcpt}")')
            failed = True
        for rcpt in mail["rcpts"]:
            if self.is_local(rcpt) and rcpt not in nobody and rcpt not in self.sc.aliases:
                self.line(t + 1, "virtual", f"{q}: to=<{rcpt}>, relay=virtual, delay=0.1, delays=0.1/0/0/0, "
                                            f"dsn=2.0.0, status=sent (delivered to maildir)")
        if failed and sender:
            self.bounce(q, sender, t + 1.1, mail.get("staged"))
        if not waits:
            self.line(t + 1.2, "qmgr", f"{q}: removed")

    def bounce(self, q, sender, t, staged):
        b = self.queue_id()
        self.line(t, "cleanup", f"{b}: message-id=<{at(t):%Y%m%d%H%M%S}.{b}@{self.sc.host}>")
        self.line(t + .01, "bounce", f"{q}: sender non-delivery notification: {b}")
        notice = {"rcpts": [sender], "body": "", "sender": "", "staged": staged}
        self.queued(b, notice, t, "")
        if staged == "backscatter":
            self.left(notice, f"{at(t):%Y%m%d%H%M%S}.{b}@{self.sc.host}")

    def finish(self):
        for login in self.sc.logins:
            t = self.when(login["t"])
            self.line(t, "submission/smtpd", f"warning: unknown[{login['ip']}]: SASL PLAIN authentication failed: "
                                             f"(reason unavailable), sasl_username={login['user']}")

    def all(self):
        self.finish()
        return super().all()


class Exim(Render):
    def line(self, t, text):
        self.add(t, f"{at(t):%Y-%m-%d %H:%M:%S} {text}")

    def queue_id(self, t):
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

        def base62(n, width):
            out = ""
            for _ in range(width):
                n, d = divmod(n, 62)
                out = digits[d] + out
            return out
        if self.sc.seed_long_ids:
            return f"{base62(int(t), 6)}-{base62(self.rng.getrandbits(40), 11)}-{base62(self.rng.getrandbits(20), 4)}"
        return f"{base62(int(t), 6)}-{base62(self.rng.getrandbits(30), 6)}-{base62(self.rng.randint(0, 3000), 2)}"

    def one(self, mail, t):
        q = self.queue_id(t)
        mid = self.message_id(mail)
        tail = f" id={mid}" if mid else ""
        if self.sc.seed_subjects:
            text = mail["subject"].replace("\\", "\\\\").replace('"', '\\"')
            tail += f' T="{text}"'
        if mail["via"] in ("smtp", "inbound"):
            auth = f"a A=dovecot_login:{mail['auth']}" if mail["auth"] else ""
            self.line(t, f"{q} <= {mail['sender']} H=(x) [{mail['ip']}] P=esmtp{auth} S=600{tail}")
        else:
            if self.sc.exim_arguments:
                self.line(t - .001, f"cwd={mail['cwd']} 3 args: /usr/sbin/sendmail -t -i")
            self.line(t, f"{q} <= {mail['sender']} U={mail['user']} P=local S=600{tail}")
        self.queued(q, mail, t, mail["sender"])
        self.left(mail, mid or f"E{q}@{self.sc.host}")

    def queued(self, q, mail, t, sender):
        outside, nobody = self.targets(mail)
        waits = failed = False
        for rcpt, before in outside:
            fate = self.fate(mail, rcpt)
            host = f"H={rcpt.split('@')[1]} [198.51.100.{self.rng.randint(11, 22)}]"
            orig = f" <{before}>" if before else ""
            how = f"{rcpt}{orig} R=dnslookup T=remote_smtp {host}"
            if fate == "sent":
                self.line(t + 1, f'{q} => {how} C="250 2.0.0 queued"')
            elif fate == "slow":
                self.line(t + 1, f"{q} == {rcpt}{orig} R=dnslookup T=remote_smtp defer (-44) {host}: SMTP error from "
                                 f"remote mail server after RCPT TO:<{rcpt}>: {self.reply(rcpt, fate)[1]}")
                waits = True
            else:
                said = {"dead": f"RCPT TO:<{rcpt}>: ", "refused": "end of data: "}[fate] + self.reply(rcpt, fate)[1]
                self.line(t + 1, f"{q} ** {how}: SMTP error from remote mail server after {said}")
                failed = True
        for rcpt in nobody:
            self.line(t + 1, f"{q} ** {rcpt}: Unknown user")
            failed = True
        for rcpt in mail["rcpts"]:
            if self.is_local(rcpt) and rcpt not in nobody and rcpt not in self.sc.aliases:
                self.line(t + 1, f"{q} => {rcpt.split('@')[0]} <{rcpt}> R=virtual_user T=virtual_userdelivery")
        if failed and sender:
            b = self.queue_id(t)
            self.line(t + 1.1, f"{b} <= <> R={q} U=Debian-exim P=local S=2000")
            notice = {"rcpts": [sender], "body": "", "sender": "", "staged": mail.get("staged")}
            self.queued(b, notice, t + 1.1, "")
            if mail.get("staged") == "backscatter":
                self.left(notice, f"E{b}@{self.sc.host}")
        if not waits:
            self.line(t + 1.2, f"{q} Completed")


class Qmail(Render):
    """qmail-send through multilog, or as Plesk has it in syslog."""

    def __init__(self, sc, begin_s, span_s, plesk):
        super().__init__(sc, begin_s, span_s)
        self.plesk = plesk
        self.message, self.delivery = 9000000, 0

    def line(self, t, text, program="qmail"):
        if self.plesk:
            self.add(t, f"{rfc3164(t)} {self.sc.host.split('.')[0]} {program}: {int(t)}.{self.rng.randint(0, 999999):06} {text}"
                     if program == "qmail" else f"{rfc3164(t)} {self.sc.host.split('.')[0]} {program}: {text}")
        elif program == "qmail":
            self.add(t, f"@{2**62 + int(t) + 10:016x}{self.rng.randint(0, 10**9 - 1):08x} {text}")

    def one(self, mail, t):
        if mail["auth"]:
            self.line(t - .2, f"SMTP user {mail['auth']} : /var/qmail/mailnames/{mail['auth'].split('@')[1]}/"
                              f"{mail['auth'].split('@')[0]} logged in from (null)@(null) [{mail['ip']}]",
                      f"smtp_auth[{self.rng.randint(300, 32000)}]")
        uid = self.uid(mail) if mail["via"] not in ("smtp", "inbound") else 2020
        self.queued(mail, t, mail["sender"], uid)

    def queued(self, mail, t, sender, uid):
        self.message += self.rng.randint(1, 3)
        m, qp = self.message, self.rng.randint(300, 32000)
        self.line(t, f"new msg {m}")
        self.line(t + .01, f"info msg {m}: bytes 900 from <{sender}> qp {qp} uid {uid}")
        outside, nobody = self.targets(mail)
        failed = waits = False
        rows = [(r, "remote", self.fate(mail, r)) for r, _ in outside] + [(r, "local", "dead") for r in nobody]
        rows += [(r, "local", "sent") for r in mail["rcpts"] if self.is_local(r) and r not in nobody
                 and r not in self.sc.aliases]
        for rcpt, where, fate in rows:
            self.delivery += 1
            self.line(t + .5, f"starting delivery {self.delivery}: msg {m} to {where} {rcpt}")
            said = {"sent": "success: 198.51.100.11_accepted_message.", "dead": "failure: 198.51.100.11_does_not_like_recipient.",
                    "slow": "deferral: 198.51.100.11_does_not_like_recipient.",
                    "refused": "failure: 198.51.100.11_failed_after_I_sent_the_message."}[fate]
            text = self.reply(rcpt, fate)[1].replace(" ", "_")
            self.line(t + 1, f"delivery {self.delivery}: {said}/Remote_host_said:_{text}/")
            failed, waits = failed or fate in ("dead", "refused"), waits or fate == "slow"
        if failed and sender:
            self.line(t + 1.1, f"bounce msg {m} qp {qp + 1}")
            self.queued({"rcpts": [sender], "body": "", "sender": ""}, t + 1.2, "", 2022)
        if not waits:
            self.line(t + 1.3, f"end msg {m}")


class Sendmail(Render):
    def line(self, t, q, text, program="sm-mta"):
        self.add(t, f"{rfc3164(t)} {self.sc.host.split('.')[0]} {program}[{self.rng.randint(300, 32000)}]: {q}: {text}")

    def queue_id(self, t):
        return f"{'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'[int(t) % 36]}BR{self.rng.choice('AbCdEfGhIjKl')}" \
               f"{self.rng.choice('mnopqRSTUV')}{self.rng.choice('abcXYZ')}{self.rng.randint(100000, 999999):08}"

    def one(self, mail, t):
        q = self.queue_id(t)
        mid = self.message_id(mail) or f"{at(t):%Y%m%d%H%M}.{q}@{self.sc.host}"
        head = f"size=900, class=0, nrcpts={len(mail['rcpts'])}, msgid=<{mid}>"
        if mail["via"] in ("smtp", "inbound"):
            name = "localhost" if mail["ip"] == "127.0.0.1" else f"host.{mail['ip'].replace('.', '-')}.test"
            if mail["auth"]:
                self.line(t - .01, q, f"AUTH=server, relay={name} [{mail['ip']}], authid={mail['auth']}, mech=PLAIN, bits=0")
            self.line(t, q, f"from=<{mail['sender']}>, {head}, proto=ESMTP, daemon=MTA-v4, relay={name} [{mail['ip']}]")
            ctl = ""
        else:
            user, uid = mail["user"], self.uid(mail)
            first = self.queue_id(t)
            self.line(t - .02, first, f"from={mail['sender']}, {head}, relay={user}@localhost", "sendmail")
            self.line(t, q, f"from=<{mail['sender']}>, {head}, proto=ESMTP, daemon=MTA-v4, relay=localhost [127.0.0.1]")
            for r in mail["rcpts"]:
                self.line(t + .02, first, f"to={r}, ctladdr={user} ({uid}/33), delay=00:00:01, xdelay=00:00:00, "
                                          f"mailer=relay, pri=30000, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, "
                                          f"stat=Sent ({q} Message accepted for delivery)", "sendmail")
            ctl = f" ctladdr=<{user}@{self.sc.host}> ({uid}/33),"
        self.deliver(q, mail, t, ctl)
        self.left(mail, mid)

    def stat(self, rcpt, fate):
        """Of a refusal sendmail keeps its own words: by the code, and by what was refused."""
        dsn, text = self.reply(rcpt, fate)
        if fate == "dead":
            return dsn, "User unknown" if text[:3] in ("550", "551", "553") else "Service unavailable"
        return dsn, {"sent": f"Sent ({text})", "slow": f"Deferred: {text}", "refused": "Service unavailable"}[fate]

    def deliver(self, q, mail, t, ctl):
        outside, nobody = self.targets(mail)
        failed = False
        for rcpt, before in outside:
            fate = self.fate(mail, rcpt)
            dsn, stat = self.stat(rcpt, fate)
            self.line(t + 1, q, f"to=<{rcpt}>,{f' ctladdr=<{before}> (1/0),' if before else ctl} delay=00:00:01, "
                                f"xdelay=00:00:01, mailer=esmtp, pri=30000, relay=mx.{rcpt.split('@')[1]}. "
                                f"[198.51.100.{self.rng.randint(11, 22)}], dsn={dsn}, stat={stat}")
            failed = failed or fate in ("dead", "refused")
        for rcpt in nobody:
            self.line(t + 1, q, f"to=<{rcpt}>, delay=00:00:00, mailer=local, pri=30000, dsn=5.1.1, stat=User unknown")
            failed = True
        for rcpt in mail["rcpts"]:
            if self.is_local(rcpt) and rcpt not in nobody and rcpt not in self.sc.aliases:
                self.line(t + 1, q, f"to=<{rcpt}>, delay=00:00:00, mailer=local, pri=30000, dsn=2.0.0, stat=Sent")
        if failed and mail["sender"]:
            b = self.queue_id(t)
            self.line(t + 1.1, q, f"{b}: DSN: User unknown")
            self.deliver(b, {"rcpts": [mail["sender"]], "body": "", "sender": ""}, t + 1.1, "")


def render(form, sc, begin_s, span_s):
    """(lines of the mail log, {cause: Message-IDs that came somewhere})"""
    sc.seed_long_ids = random.Random(f"{sc.seed}l").random() < 0.5
    sc.seed_subjects = random.Random(f"{sc.seed}s").random() < 0.5
    kind = {"postfix": Postfix, "exim": Exim, "sendmail": Sendmail}.get(form)
    r = kind(sc, begin_s, span_s) if kind else Qmail(sc, begin_s, span_s, form == "plesk-qmail")
    return r.all(), r.ids


def php_logs(sc, begin_s, span_s):
    """{path: lines} of the sites' mail.log."""
    found = {}
    for mail in sc.mails:
        if mail["via"] == "php" and sc.php_log:
            when = at(begin_s + mail["t"] * span_s)
            path = f"{sc.users[mail['user']]['home']}/logs/mail.log"
            found.setdefault(path, []).append(
                f"[{when:%d-%b-%Y %H:%M:%S} UTC] mail() on [{mail['script']}:1]: To: {', '.join(mail['rcpts'])} -- "
                f"Headers: From: <{mail['sender']}> -- Subject: {mail['subject']}")
    return found


def access_logs(sc, begin_s, span_s, moment=None):
    """{domain: lines} in Apache's combined form; visitors' own requests among them."""
    rng = random.Random(f"{sc.seed}-web")
    rows = []
    for hit in sc.hits:
        when = moment(hit["t"]) if moment else begin_s + hit["t"] * span_s
        rows.append((when - 0.5, hit["domain"], hit["ip"], hit["request"], '"-" "python-requests/2.31"'))
    for domain in sc.domains:
        for _ in range(rng.randint(20, 60)):
            page = rng.choice(("/", "/shop", "/style.css", "/wp-cron.php?doing_wp_cron", "/about"))
            verb = "POST" if page.startswith("/wp-cron") or rng.random() < 0.05 else "GET"
            rows.append((begin_s + rng.random() * span_s, domain, f"198.19.7.{rng.randint(1, 250)}",
                         f"{verb} {page} HTTP/1.1", f'"https://{domain}/" "Mozilla/5.0 (X11) \\"odd\\" Firefox"'))
    found = {}
    for when, domain, ip, request, tail in sorted(rows):
        found.setdefault(domain, []).append(
            f'{ip} - - [{at(when):%d/%b/%Y:%H:%M:%S +0000}] "{request}" 200 {rng.randint(100, 9999)} {tail}')
    return found


# ---- the same log in other wrappings ----

STAMPS = (re.compile(r"^(?P<t>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) "),
          re.compile(r"^(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?( [+-]\d{4})? "),
          re.compile(r"^\[(?P<t>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d) UTC\] "))
FORMS = ("%Y %b %d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S")


def stamp_of(line, year):
    """(where its time stands, that time's form, seconds); None: it has none."""
    for stamp, form in zip(STAMPS, FORMS):
        m = stamp.match(line)
        if m:
            text = f"{year} {m['t']}" if form.startswith("%Y %b") else m["t"]
            return m, form, datetime.datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    return None


def stretch(lines, moment, year):
    """A log of seconds as one of hours or days: moment(second as written) is the second it becomes."""
    out = []
    for line in lines:
        found = stamp_of(line, year)
        if found is not None:
            m, form, second = found
            t = at(moment(second))
            new = rfc3164(t.timestamp()) if form.startswith("%Y %b") else f"{t:{form}}"
            line = line[:m.start("t")] + new + line[m.end("t"):]
        out.append(line)
    return out


QUEUE_ID = re.compile(r"\]: (\w{6,20}): | (\w{6}-\w{6,11}-\w{2,4}) ")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]*\w")


def stretch_scripts(lines, mail_lines, moment, year):
    """PHP's log of mails, stretched as the mail log is; but a mail stays as near to its own arrival there as it was,
    though a busy machine took some seconds for it."""
    begun, arrived = {}, {}
    for line in mail_lines:
        found, ident = stamp_of(line, year), QUEUE_ID.search(line)
        if found is None or ident is None:
            continue
        begin = begun.setdefault(ident[1] or ident[2], found[2])
        for address in ADDRESS.findall(line):
            arrived.setdefault(address, set()).add(begin)
    out = []
    for line in lines:
        to = ADDRESS.search(line, line.find("]: To: "))
        near = arrived.get(to[0], ()) if to else ()

        def beside(second, near=near):
            mail = min(near, key=lambda t: abs(t - second), default=second)
            return moment(mail) + second - mail if abs(second - mail) < 60 else moment(second)
        out += stretch([line], beside, year)
    return out


def rotate(lines, folder, name, rng):
    """The log as a rotated set in several compressions; the newest part is plain."""
    os.makedirs(folder, exist_ok=True)
    cuts = sorted(rng.sample(range(1, len(lines)), min(3, len(lines) - 1)))
    parts = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)])]
    packs = [".gz", ".xz", ".zst", ".bz2"]
    rng.shuffle(packs)
    for age, part in zip(range(len(parts) - 1, -1, -1), parts):
        data = ("\n".join(part) + "\n").encode("utf-8", "surrogateescape")
        path = os.path.join(folder, name)
        if age > 0:
            pack = packs[age - 1]
            # multilog names a full file by the time of its last line.
            path = os.path.join(folder, f"{part[-1][:25]}.s{pack}") if name == "current" else path + f".{age}{pack}"
            if pack == ".zst":
                data = subprocess.run(["zstd", "-q", "-c"], input=data, check=True, stdout=subprocess.PIPE).stdout
            else:
                data = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}[pack](data)
        with open(path, "wb") as out:
            out.write(data)


TAG = re.compile(r"^[^ ]+ (?P<tag>[^\[: ]+)(\[(?P<pid>\d+)\])?: (?P<text>.*)$")


def journal_export(lines, year, host, rng):
    """Syslog or Exim lines as `journalctl -o export` writes them; some messages as sized octets."""
    out = []
    for n, line in enumerate(lines):
        for stamp, form in zip(STAMPS[:2], FORMS):
            m = stamp.match(line)
            if m:
                break
        if not m:
            continue
        text = f"{year} {m['t']}" if form.startswith("%Y %b") else m["t"]
        micro = int(datetime.datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * 1000000 + n % 1000000
        rest = line[m.end():]
        tag = TAG.match(rest) if form.startswith("%Y %b") else None
        name, pid, body = (tag["tag"], tag["pid"] or "1", tag["text"]) if tag else ("exim", str(rng.randint(2, 9999)), rest)
        body = body.encode("utf-8", "surrogateescape")
        fields = [b"__CURSOR=s=abc;i=%x" % n, b"__REALTIME_TIMESTAMP=%d" % micro, b"__MONOTONIC_TIMESTAMP=%d" % (n + 1),
                  b"_BOOT_ID=0123456789abcdef0123456789abcdef", b"PRIORITY=6", b"SYSLOG_FACILITY=2",
                  b"SYSLOG_IDENTIFIER=" + name.encode(), b"SYSLOG_PID=" + pid.encode(), b"_PID=" + pid.encode(),
                  b"_UID=0", b"_HOSTNAME=" + host.encode()]
        if rng.random() < 0.1:
            fields.insert(rng.randint(4, len(fields)), b"MESSAGE\n" + struct.pack("<Q", len(body)) + body)
        else:
            fields.insert(rng.randint(4, len(fields)), b"MESSAGE=" + body)
        out.append(b"\n".join(fields) + b"\n\n")
    return b"".join(out)
