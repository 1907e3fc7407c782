# SPDX-License-Identifier: Apache-2.0
"""Debian's Postfix as several machines: each its own configuration, queue and data folder."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

from .ns import HERE, LabError

MASTER = "/usr/lib/postfix/sbin/master"
MASTER_CF = """
smtp       inet       n - n - -  smtpd
pickup     unix       n - n 1 1  pickup
cleanup    unix       n - n - 0  cleanup
qmgr       unix       n - n 1 1  qmgr
tlsmgr     unix       - - n 300 1 tlsmgr
rewrite    unix       - - n - -  trivial-rewrite
bounce     unix       - - n - 0  bounce
defer      unix       - - n - 0  bounce
trace      unix       - - n - 0  bounce
verify     unix       - - n - 1  verify
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n - -  proxymap
proxywrite unix       - - n - 1  proxymap
smtp       unix       - - n - -  smtp
relay      unix       - - n - -  smtp
showq      unix       n - n - -  showq
error      unix       - - n - -  error
retry      unix       - - n - -  error
discard    unix       - - n - -  discard
local      unix       - n n - -  local
virtual    unix       - n n - -  virtual
anvil      unix       - - n - 1  anvil
scache     unix       - - n - 1  scache
postlog    unix-dgram n - n - 1  postlogd
"""

COMMON = {
    "compatibility_level": "3.7",
    "maillog_file": "/var/log/mail.log",
    "mynetworks": "127.0.0.0/8 [::1]/128",
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "biff": "no",
    "append_dot_mydomain": "no",
    "smtputf8_enable": "no",
    "virtual_mailbox_base": "/var/mail/virtual",
    "virtual_uid_maps": "static:65534",
    "virtual_gid_maps": "static:65534",
    "virtual_mailbox_limit": "0",
    "smtpd_recipient_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtp_tls_security_level": "may",
    "smtp_connect_timeout": "10s",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_client_connection_rate_limit": "0",
    "smtpd_hard_error_limit": "100",
    "smtpd_soft_error_limit": "100",
    "smtpd_error_sleep_time": "0",
    # A lab has no time for half an hour between attempts.
    "queue_run_delay": "3s",
    "minimal_backoff_time": "4s",
    "maximal_backoff_time": "8s",
    "bounce_queue_lifetime": "1h",
    "in_flow_delay": "0",
}


def program():
    """Where the package keeps its programs; a LabError when it is not installed."""
    if shutil.which("postfix", path="/usr/sbin:/sbin:/usr/bin") is None:
        raise LabError("no Postfix: apt-get install postfix")
    return "/usr/sbin/postfix"


# What `postfix check` would make, with owner, group and mode; its scripts take two seconds each.
QUEUE = {
    "active": ("postfix", "root", 0o700), "bounce": ("postfix", "root", 0o700),
    "corrupt": ("postfix", "root", 0o700), "defer": ("postfix", "root", 0o700),
    "deferred": ("postfix", "root", 0o700), "flush": ("postfix", "root", 0o700),
    "hold": ("postfix", "root", 0o700), "incoming": ("postfix", "root", 0o700),
    "private": ("postfix", "root", 0o700), "saved": ("postfix", "root", 0o700),
    "trace": ("postfix", "root", 0o700), "pid": ("root", "root", 0o755),
    "maildrop": ("postfix", "postdrop", 0o1730), "public": ("postfix", "postdrop", 0o2710),
}


class Postfix:
    """One Postfix on one machine. prepare() before the machine starts, start() after it."""

    def __init__(self, machine, settings, family="both"):
        self.machine = machine
        self.family = family
        self.services = []  # more lines of master.cf
        self.settings = dict(COMMON, myhostname=machine.hostname, **settings)

    def prepare(self):
        m = self.machine
        main = [f"{k} = {v}" for k, v in self.settings.items()]
        m.write("etc-postfix/main.cf", "\n".join(main) + "\n")
        master = MASTER_CF.lstrip()
        if self.family != "both":
            # Only the delivery agent keeps to one family; the server listens on both.
            only = {"4": "ipv4", "6": "ipv6"}[self.family]
            master = master.replace("-  smtp\n", f"-  smtp -o inet_protocols={only}\n")
        m.write("etc-postfix/master.cf", master + "".join(line + "\n" for line in self.services))
        for name in ("dynamicmaps.cf", "postfix-files", "postfix-script", "post-install"):
            if os.path.exists(f"/etc/postfix/{name}"):
                shutil.copy(f"/etc/postfix/{name}", m.file("etc-postfix", name))
        for name in glob.glob("/etc/postfix/*.d"):
            shutil.copytree(name, m.file("etc-postfix", os.path.basename(name)))
        # /var/mail holds the mailboxes; Debian's folder is only covered, never written to.
        for folder, target in (("etc-postfix", "/etc/postfix"), ("spool", "/var/spool/postfix"),
                               ("lib", "/var/lib/postfix"), ("log", "/var/log"), ("mail", "/var/mail")):
            os.makedirs(m.file(folder), exist_ok=True)
            m.bind(folder, target)
        os.makedirs(m.file("mail", "virtual"), exist_ok=True)
        os.chown(m.file("mail", "virtual"), 65534, 65534)
        shutil.chown(m.file("lib"), "postfix", "postfix")
        for name, (user, group, mode) in QUEUE.items():
            path = m.file("spool", name)
            os.makedirs(path, exist_ok=True)
            shutil.chown(path, user, group)
            os.chmod(path, mode)

    def start(self):
        """Start its master; wait_listening() says when it is there."""
        with open(self.machine.file("start.log"), "wb") as log:
            self.machine.popen([MASTER, "-w"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_listening(self, deadline_s=10):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if os.path.exists(self.machine.file("spool", "public", "qmgr")) and os.path.exists(
                    self.machine.file("lib", "master.lock")):
                return
            time.sleep(0.05)
        with open(self.machine.file("start.log"), encoding="utf-8") as text:
            said = text.read().strip() or self.log()[-400:]
        raise LabError(f"Postfix on {self.machine.name} did not start: {said}")

    def is_busy(self):
        """Is a mail being taken or delivered? What waits for its next attempt is at rest."""
        return any(files for part in ("maildrop", "incoming", "active")
                   for _, _, files in os.walk(self.machine.file("spool", part)))

    def set(self, **settings):
        """Change main.cf settings while it runs."""
        self.settings.update(settings)
        self.machine.run(["postconf", "-e", *[f"{k}={v}" for k, v in settings.items()]])
        with open(self.machine.file("spool", "pid", "master.pid"), encoding="ascii") as text:
            self.machine.run(["kill", "-HUP", text.read().strip()])

    def log(self):
        try:
            with open(self.machine.file("log", "mail.log"), encoding="utf-8", errors="replace") as text:
                return text.read()
        except FileNotFoundError:
            return ""

    def send(self, sender, recipients, message, verp=False):
        """Hand a message to this machine's own queue, as a program on it would."""
        args = ["sendmail", "-i", "-f", sender] + (["-V"] if verp else []) + ["--", *recipients]
        self.machine.run(args, input=message, text=False)

    def injector(self, user=None, script=None):
        """A program on this machine that sends much; see Injector."""
        return Injector(self.machine, user, script)

    def queue(self):
        """[(queue id, sender, [recipients])] of what waits."""
        found = []
        for line in self.machine.run(["postqueue", "-j"]).splitlines():
            item = json.loads(line)
            found.append((item["queue_id"], item["sender"], [r["address"] for r in item["recipients"]]))
        return found

    def queued_idents(self):
        """The Message-IDs of what waits: the queue's ids, looked up in the log, where the last one of an id counts."""
        ident_of = dict(re.findall(r"cleanup\[\d+\]: (\w+): message-id=(\S+)", self.log()))
        return {ident_of[q] for q, _, _ in self.queue() if q in ident_of}

    def purge(self, keep):
        """Delete from the queue what `keep(sender)` does not want; how many went."""
        gone = [q for q, sender, _ in self.queue() if not keep(sender)]
        if gone:
            self.machine.run(["postsuper", "-d", "-"], input="\n".join(gone) + "\n")
        return len(gone)

    def hold(self, on):
        """Hold all that waits, or let it go."""
        self.machine.run(["postsuper", "-h" if on else "-H", "ALL"])

    def flush(self):
        self.machine.run(["postqueue", "-f"])

    def mailbox_files(self, domain):
        """The files of what arrived for a domain."""
        found = []
        for part in ("new", "cur"):
            folder = self.machine.file("mail", "virtual", domain, part)
            if os.path.isdir(folder):
                found += [os.path.join(folder, f) for f in os.listdir(folder)]
        return found

    def mailbox(self, domain):
        """The messages that arrived for a domain, as octets, oldest first."""
        texts = []
        for path in sorted(self.mailbox_files(domain), key=lambda p: os.stat(p).st_mtime_ns):
            with open(path, "rb") as mail:
                texts.append(mail.read())
        return texts


class Injector:
    """Sends message after message through the machine's own queue: by SMTP over one connection, or, as a
    user, with the program sendmail, as this user's web site would: from a script, which PHP's log names."""

    def __init__(self, machine, user=None, script=None):
        command = [sys.executable, os.path.join(HERE, "injector.py")]
        if user is not None:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command, "program"]
        if script is not None:
            # Where PHP's mail.log usually is when it is switched on for all sites.
            machine.write("log/phpmail.log", "")
            shutil.chown(machine.file("log", "phpmail.log"), user, user)
            command += [script, "/var/log/phpmail.log"]
        self.process = machine.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, sender, recipients, message):
        head = json.dumps({"from": sender, "to": recipients, "size": len(message)})
        self.process.stdin.write(head.encode() + b"\n" + message)
        self.process.stdin.flush()
        said = self.process.stdout.readline().decode().strip()
        if said != "ok":
            raise LabError(f"the queue did not take a message: {said or 'the machine is gone'}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
