# SPDX-License-Identifier: Apache-2.0
"""Mail to send: folders of RFC 5322 files, made fit for a new journey, and streams of them."""
import os
import random
import threading
import time
from email.utils import formatdate

from .ns import LabError
from .world import DOMAINS, USERS

# What earlier journeys left, and what each journey has anew.
DROPPED = (b"received:", b"return-path:", b"delivered-to:", b"x-original-to:", b"x-spam", b"x-virus",
           b"authentication-results:", b"x-ms-exchange", b"arc-", b"dkim-signature:", b"bcc:", b"cc:",
           b"to:", b"date:", b"message-id:", b"errors-to:", b"sender:", b"x-mail-from:", b"from ")


class Mail:
    """One file of a folder."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        with open(path, "rb") as text:
            raw = text.read().replace(b"\r\n", b"\n")
        head, _, self.body = raw.partition(b"\n\n")
        self.head = []
        keep = True
        for line in head.split(b"\n"):
            if not line.startswith((b" ", b"\t")):
                keep = not line.lower().startswith(DROPPED)
            if keep:
                self.head.append(line)

    def prepared(self, recipient, ident):
        """Octets to send, with its own Message-ID, date and recipient."""
        new = [f"To: {recipient}", f"Date: {formatdate(localtime=False)}", f"Message-ID: {ident}"]
        return b"\n".join([*self.head, *(line.encode() for line in new)]) + b"\n\n" + self.body


def load(folder):
    """All mails of a folder in order of their names."""
    if not os.path.isdir(folder):
        raise LabError(f"no folder {folder}")
    names = sorted(n for n in os.listdir(folder) if not n.startswith("."))
    mails = [Mail(os.path.join(folder, n)) for n in names if os.path.isfile(os.path.join(folder, n))]
    mails = [m for m in mails if m.head]
    if not mails:
        raise LabError(f"no mail in {folder}")
    return mails


class Deck:
    """Draws mails in a shuffled order, all of them before one comes again."""

    def __init__(self, mails, rng):
        self.mails, self.rng, self.left = mails, rng, []

    def draw(self):
        if not self.left:
            self.left = list(self.mails)
            self.rng.shuffle(self.left)
        return self.left.pop()


def known(rng, count, domain=None):
    """Addresses that exist, in one domain."""
    domain = domain or rng.choice(DOMAINS)
    return [f"{u}@{domain}" for u in rng.sample(USERS, count)]


def partly_unknown(rng, count, share):
    """Addresses in one domain, each unknown there with the given probability."""
    domain = rng.choice(DOMAINS)
    names = rng.sample(USERS, count)
    return [f"{n}{rng.randrange(100, 999)}@{domain}" if rng.random() < share else f"{n}@{domain}" for n in names]


class Sent:
    """One message that was handed to a queue."""

    def __init__(self, ident, is_spam, name, recipients):
        self.ident, self.is_spam, self.name, self.recipients = ident, is_spam, name, recipients
        self.at = time.time()


class Stream(threading.Thread):
    """Sends through one Postfix's queue until told to stop: what a customer's programs do."""

    def __init__(self, mta, rate, draw, limit=None, spam_user=None, spam_script=None):
        """draw() gives (mail, is_spam, envelope sender, recipients). Spam is sent by a user of the machine, if one is
        named, from a script of his site, else as all else is."""
        super().__init__(daemon=True)
        self.mta, self.rate, self.draw, self.limit = mta, rate, draw, limit
        self.spam_user, self.spam_script = spam_user, spam_script
        self.sent = []
        self.error = None
        self.stopping = threading.Event()
        self.start()

    def run(self):
        due = time.monotonic()
        injector = self.mta.injector()
        spammer = injector if self.spam_user is None else self.mta.injector(self.spam_user, self.spam_script)
        try:
            while not self.stopping.is_set() and (self.limit is None or len(self.sent) < self.limit):
                mail, is_spam, sender, recipients = self.draw()
                ident = f"<{os.urandom(9).hex()}@{sender.split('@')[1]}>"
                record = Sent(ident, is_spam, mail.name, recipients)
                (spammer if is_spam else injector).send(sender, recipients, mail.prepared(recipients[0], ident))
                self.sent.append(record)
                due += 1 / self.rate
                self.stopping.wait(max(0, due - time.monotonic()))
        except (LabError, OSError) as problem:
            self.error = problem
        finally:
            for each in {injector, spammer}:
                each.close()

    def stop(self):
        self.stopping.set()
        self.join()
        if self.error:
            raise self.error
        return self.sent

    def wait(self):
        """For a stream with a limit."""
        self.join()
        return self.stop()


def seeded(seed, name):
    """A generator of its own for each purpose, so that one more draw here changes nothing there."""
    return random.Random(f"{seed}/{name}")
