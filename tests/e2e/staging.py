# SPDX-License-Identifier: Apache-2.0
"""Debian's own Postfix, Exim and PHP carry a scenario in namespaces, to a sink that answers as the world does.

Postfix is the installed one. Exim and PHP come from their packages (packages.py), shown in the machine's own
mounts only. Nothing leaves the namespace: it has no way out.
"""
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import time

from lab import ns
from lab.mta import Postfix
from packages import Unavailable, show_libraries, unpacked
from scenario import HOST_V4

HERE = os.path.dirname(os.path.abspath(__file__))
ACTOR = os.path.join(HERE, "staging_actor.py")
SINKS = [f"198.51.100.{n}" for n in range(11, 23)]
AUTH_PORT = 12345

EXIM = """
exim_path = /usr/sbin/sendmail
primary_hostname = {host}
pid_file_path = /var/spool/exim4/exim.pid
local_interfaces = {v4} : 127.0.0.1
daemon_smtp_ports = 25 : 587
log_selector = {selector}
tls_advertise_hosts =
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 10000
recipients_max = 0
message_size_limit = 10M
domainlist local_domains = {domains}
hostlist relay_from_hosts = 127.0.0.1 : {relay}
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  accept authenticated = *
  accept hosts = +relay_from_hosts
  accept domains = +local_domains
  deny message = relay not permitted
begin routers
aliases:
  driver = redirect
  data = ${{lookup{{$local_part@$domain}}lsearch{{/etc/exim-aliases}}}}
mailboxes:
  driver = accept
  condition = ${{lookup{{$local_part@$domain}}lsearch{{/etc/exim-mailboxes}}{{yes}}{{no}}}}
  transport = mailbox
unknown:
  driver = redirect
  domains = +local_domains
  allow_fail
  data = :fail: Unknown user
world:
  driver = manualroute
  route_list = * $domain byname
  transport = remote_smtp
  self = send
begin transports
remote_smtp:
  driver = smtp
  hosts_avoid_tls = *
  hosts_avoid_esmtp =
mailbox:
  driver = appendfile
  file = /var/mail/virtual/$local_part@$domain
  user = nobody
begin retry
* * F,4d,1h
begin rewrite
begin authenticators
{auth}:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{right}}}}
  server_set_id = $auth2
"""


class Server:
    """One machine with a mail server, for one scenario after the other."""

    def __init__(self, mta, folder):
        self.mta, self.folder = mta, folder
        self.netns = f"{ns.PREFIX}st{os.urandom(3).hex()}"
        # Mail servers sync each file to the disk; in memory that costs nothing.
        base = "/dev/shm" if os.path.isdir("/dev/shm") else folder
        self.machine = ns.Machine(self.netns, mta, "staged.example", os.path.join(base, self.netns))
        self.postfix = None
        self.sink = self.actor = None

    def _etc(self):
        m = self.machine
        os.makedirs(m.file("etc"))
        for name in ("nsswitch.conf", "localtime", "ld.so.cache", "services", "protocols"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", m.file("etc"))
        for name in ("alternatives", "ssl", "ld.so.conf.d"):
            if os.path.isdir(f"/etc/{name}"):
                shutil.copytree(f"/etc/{name}", m.file("etc", name), symlinks=True, ignore_dangling_symlinks=True,
                                ignore=shutil.ignore_patterns("private"))
        m.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        m.write("etc/resolv.conf", "nameserver 127.0.0.1\n")
        for name in ("passwd", "group"):
            with open(f"/etc/{name}", encoding="utf-8") as text:
                m.write(f"etc/{name}", text.read())
        with open(m.file("etc", "passwd"), "a", encoding="ascii") as out:
            out.write("Debian-exim:x:9999:9999::/var/spool/exim4:/usr/sbin/nologin\n")
        with open(m.file("etc", "group"), "a", encoding="ascii") as out:
            out.write("Debian-exim:x:9999:\n")
        os.makedirs(m.file("etc", "exim4"))
        os.makedirs(m.file("etc", "postfix"))

    def up(self):
        ns.netns_add(self.netns)
        lines = [f"addr add {HOST_V4}/32 dev lo"] + [f"addr add {a}/32 dev lo" for a in SINKS]
        lines += ["route add local 198.18.0.0/15 dev lo"]
        ns.ip_batch(lines, self.netns)
        m = self.machine
        self._etc()
        m.write("rules.json", "{}")
        os.makedirs(m.file("www"))
        os.makedirs(m.file("home"))
        for name, target in (("etc", "/etc"), ("www", "/var/www"), ("home", "/home")):
            m.bind(name, target)
        if not os.path.isdir("/var/www"):
            os.makedirs("/var/www", exist_ok=True)
        if self.mta == "postfix":
            self._prepare_postfix()
        else:
            self._prepare_exim()
        m.start()
        m.wait_ready()
        self.sink = m.popen([sys.executable, ACTOR, "sink", m.file("rules.json"), m.file("seen.jsonl"), *SINKS],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.sink.stdout.readline().strip() != "ready":
            raise ns.LabError("the sink did not start")
        self.actor = m.popen([sys.executable, ACTOR, "act", str(AUTH_PORT)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        if self.actor.stdout.readline().strip() != "ready":
            raise ns.LabError("the actor did not start")

    def _prepare_postfix(self):
        self.postfix = Postfix(self.machine, {
            "inet_interfaces": f"{HOST_V4}, 127.0.0.1", "inet_protocols": "ipv4",
            "smtpd_peername_lookup": "no", "smtp_host_lookup": "native", "smtp_dns_support_level": "disabled",
            "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": f"inet:127.0.0.1:{AUTH_PORT}",
            "smtpd_sasl_auth_enable": "yes", "mynetworks": "cidr:/etc/postfix/nets", "smtpd_tls_security_level": "none",
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination",
            "virtual_mailbox_domains": "texthash:/etc/postfix/domains",
            "virtual_mailbox_maps": "texthash:/etc/postfix/mailboxes", "smtpd_reject_unlisted_recipient": "no",
            "virtual_alias_maps": "texthash:/etc/postfix/aliases-virtual", "smtp_tls_security_level": "none",
            "queue_run_delay": "300s", "minimal_backoff_time": "300s", "maximal_backoff_time": "600s"})
        self.postfix.services += ["submission inet n - n - - smtpd -o syslog_name=postfix/submission"]
        self.postfix.prepare()

    def _prepare_exim(self):
        m = self.machine
        binary = os.path.join(unpacked("exim"), "usr", "sbin", "exim4")
        # Not in memory: there no program runs as another user.
        program = os.path.join(self.folder, "sendmail")
        shutil.copy(binary, program)
        os.chmod(program, 0o4755)
        for name, target in (("log", "/var/log"), ("spool", "/var/spool"), ("mail", "/var/mail")):
            os.makedirs(m.file(name), exist_ok=True)
            m.bind(name, target)
        for name in ("log/exim4", "spool/exim4", "mail/virtual"):
            os.makedirs(m.file(name))
            os.chown(m.file(name), 9999, 9999)
        os.chmod(m.file("mail", "virtual"), 0o1777)
        m.binds += [program, "/usr/sbin/sendmail"]
        show_libraries(m, "exim")

    def log_path(self):
        return self.machine.file("log", "mail.log" if self.mta == "postfix" else "exim4/mainlog")

    # ---- one scenario ----

    def _configure(self, sc):
        m = self.machine
        hosts = "".join(f"{a} {d}\n" for a, d in zip(SINKS, sc.remote))
        m.write("etc/hosts", f"127.0.0.1 localhost\n{HOST_V4} {sc.host}\n{hosts}")
        with open(m.file("etc", "passwd"), "a", encoding="ascii") as out:
            for name, user in sc.users.items():
                out.write(f"{name}:x:{user['uid']}:33::{user['home']}:/bin/false\n")
        nets = ["127.0.0.1", *sc.open_nets]
        if self.mta == "postfix":
            m.write("etc-postfix/nets", "".join(f"{n}/32 OK\n" for n in nets))
            m.write("etc-postfix/domains", "".join(f"{d} x\n" for d in sc.domains))
            m.write("etc-postfix/mailboxes", "".join(f"{b} {b}/\n" for b in [*sc.mailboxes, *sc.accounts]) or "x y\n")
            m.write("etc-postfix/aliases-virtual", "".join(f"{k} {v}\n" for k, v in sc.aliases.items()))
            long_ids = random.Random(sc.seed).random() < 0.5
            self.postfix.settings.update({"myhostname": sc.host, "enable_long_queue_ids": "yes" if long_ids else "no"})
            m.write("etc-postfix/main.cf", "".join(f"{k} = {v}\n" for k, v in self.postfix.settings.items()))
        else:
            extra = random.Random(sc.seed).choice(("", " +pid", " +subject +received_recipients", " +millisec"))
            m.write("etc/exim-aliases", "".join(f"{k}: {v}\n" for k, v in sc.aliases.items()))
            m.write("etc/exim-mailboxes", "".join(f"{b}: y\n" for b in [*sc.mailboxes, *sc.accounts]))
            m.write("etc/exim4/exim4.conf", EXIM.format(
                host=sc.host, v4=HOST_V4, domains=" : ".join(sc.domains), relay=" : ".join(nets),
                auth=random.Random(sc.seed).choice(("dovecot_login", "plain", "fixed_plain")),
                selector=("+arguments" if sc.exim_arguments else "-queue_run") + extra))

    def _start_mta(self):
        open(self.log_path(), "a", encoding="ascii").close()
        if self.mta == "postfix":
            os.truncate(self.log_path(), 0)
            self.postfix.start()
        else:
            os.chown(self.log_path(), 9999, 9999)
            self.machine.run(["/usr/sbin/sendmail", "-bd"])
        self.machine.run([sys.executable, ACTOR, "wait", HOST_V4, "25"])

    def _stop_mta(self):
        path = self.machine.file("spool", "pid/master.pid" if self.mta == "postfix" else "exim4/exim.pid")
        with open(path, encoding="ascii") as text:
            pid = text.read().strip()
        self.machine.try_run(["kill", pid])
        end = time.monotonic() + 60
        while self.machine.try_run(["kill", "-0", pid])[0] == 0:
            if time.monotonic() > end:
                raise ns.LabError("the mail server does not end")
            time.sleep(0.05)

    def run(self, sc, look=None):
        """Carry a scenario. Gives the mail log's lines, the mails as they left, and the sites' own logs.

        look(machine, pid) is called while all still runs, with the number of the program that bypasses the server.
        """
        m = self.machine
        self._configure(sc)
        m.write("rules.json", json.dumps({"dead": sorted(sc.dead), "slow": sorted(sc.slow), "refused": sc.refused}))
        open(m.file("seen.jsonl"), "w", encoding="ascii").close()
        php = self._sites(sc)
        self._start_mta()
        bots = [self._start_bot(sc, truth) for truth in sc.truths if truth["cause"] == "direct"]
        work = [self._action(sc, mail, php) for mail in sc.mails if mail["via"] != "direct"]
        work += [{"do": "login", "t": l["t"], "ip": l["ip"], "to": HOST_V4, "port": 587, "user": l["user"]}
                 for l in sc.logins]
        for item in sorted(work, key=lambda w: w["t"]):
            self.actor.stdin.write(json.dumps(item) + "\n")
        self.actor.stdin.write("\n")
        self.actor.stdin.flush()
        done = json.loads(self.actor.stdout.readline())
        if done["failed"]:
            raise ns.LabError(f"{len(done['failed'])} mails were not handed in: {done['failed'][:3]}")
        self._wait_quiet()
        try:
            if look is not None:
                look(m, *[pid for _, pid in bots])
        finally:
            for process, _ in bots:
                process.communicate(timeout=10)
        self._stop_mta()
        with open(self.log_path(), encoding="utf-8", errors="surrogateescape") as text:
            lines = text.read().splitlines()
        with open(m.file("seen.jsonl"), encoding="utf-8") as text:
            seen = [json.loads(line) for line in text]
        php_lines = self._php_lines(sc)
        self._empty()
        return lines, seen, php_lines, done["times"]

    def _start_bot(self, sc, truth):
        """A program of a site's user mails by itself, from the site's folder; it and its number, once all is sent."""
        program = self._real(truth["program"])
        os.makedirs(os.path.dirname(program), exist_ok=True)
        shutil.copy(os.path.realpath(sys.executable), program)
        os.chmod(program, 0o755)
        work = [self._action(sc, mail, None) for mail in sc.mails if mail["via"] == "direct"]
        process = self.machine.popen(
            ["sh", "-c", 'cd "$0" && exec "$@"', truth["cwd"], truth["program"], ACTOR, "bot", str(truth["uid"])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.write(json.dumps(work) + "\n")
        process.stdin.flush()
        said = process.stdout.readline().strip()
        if not said.isdigit():
            process.kill()
            process.communicate()
            raise ns.LabError(f"the program that bypasses the mail server did not run: {said}")
        return process, int(said)

    def _is_busy(self):
        """Is a mail on its way? Exim has a process for each, beside its daemon."""
        if self.mta == "postfix":
            return self.postfix.is_busy()
        names = []
        for pid in ns.descendants(self.machine.pid):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as text:
                    names.append(text.read().strip())
            except OSError:
                pass  # it is gone
        return names.count("sendmail") > 1

    def _wait_quiet(self):
        """Until all was tried once and the log says so. A mail that goes from one program to the next may not be
        seen, so one look is not enough."""
        end, last, calm = time.monotonic() + 120, -1, 0
        while time.monotonic() < end:
            size = os.stat(self.log_path()).st_size
            calm = 0 if self._is_busy() or size != last else calm + 1
            if calm == 5:
                return
            last = size
            time.sleep(0.1)
        raise ns.LabError("the mail server does not come to rest")

    def _empty(self):
        spool = self.machine.file("spool")
        folders = ["active", "deferred", "defer", "incoming", "bounce"] if self.mta == "postfix" else ["exim4/input",
                                                                                                  "exim4/msglog",
                                                                                                  "exim4/db"]
        for folder in folders:
            for name in glob.glob(os.path.join(spool, folder, "*")):
                (shutil.rmtree if os.path.isdir(name) else os.unlink)(name)
        os.truncate(self.log_path(), 0)

    def _sites(self, sc):
        """Folders and programs of the sites; the PHP to run them with, or None."""
        m = self.machine
        for mail in sc.mails:
            if not mail["script"]:
                continue
            for path in (mail["script"], os.path.join(mail["cwd"], "x")):
                real = self._real(path)
                os.makedirs(os.path.dirname(real), exist_ok=True)
            with open(self._real(mail["script"]), "w", encoding="ascii") as out:
                # As a mailer does: one mail for each line of its input.
                out.write('<?php while (($l = fgets(STDIN)) !== false) { $m = json_decode($l, true);\n'
                          'mail($m["to"], $m["subject"], $m["body"], $m["headers"], "-f".$m["from"]); }\n')
        for user in sc.users.values():
            home = self._real(user["home"])
            os.makedirs(os.path.join(home, "logs"), exist_ok=True)
            os.chown(os.path.join(home, "logs"), user["uid"], 33)
        try:
            php = os.path.join(unpacked("php"), "usr", "bin", "php8.2")
        except Unavailable:
            return None
        return php

    def _real(self, path):
        top = {"/var/www/": "www", "/home/": "home"}
        for prefix, name in top.items():
            if path.startswith(prefix):
                return self.machine.file(name, path[len(prefix):])
        raise ValueError(path)

    def _php_lines(self, sc):
        """{path: lines} of the sites' mail.log."""
        found = {}
        for user in sc.users.values():
            path = f"{user['home']}/logs/mail.log"
            if os.path.exists(self._real(path)):
                with open(self._real(path), encoding="utf-8") as text:
                    found[path] = text.read().splitlines()
                os.unlink(self._real(path))
        return found

    def _action(self, sc, mail, php):
        head = f"From: <{mail['sender']}>\nTo: {', '.join(mail['rcpts'])}\nSubject: {mail['subject']}\n"
        if mail["with_id"]:
            tail = mail["sender"].split("@")[1]
            head += f"Message-ID: <{random.Random(str(mail)).getrandbits(64):x}$a@{tail}>\n"
        item = {"t": mail["t"], "from": mail["sender"], "rcpts": mail["rcpts"], "data": f"{head}\n{mail['body']}\n"}
        via = mail["via"]
        if via in ("smtp", "inbound"):
            port = 25 if via == "inbound" or not mail["auth"] else 587
            to = "127.0.0.1" if mail["ip"] == "127.0.0.1" else HOST_V4
            return dict(item, do="smtp", ip=mail["ip"], to=to, port=port, auth=mail["auth"])
        uid = {"root": 0, "daemon": 1, "bin": 2, "nobody": 65534}.get(mail["user"])
        uid = sc.users[mail["user"]]["uid"] if uid is None else uid
        if via == "direct":
            to = dict(zip(sc.remote, SINKS))[mail["rcpts"][0].split("@")[1]]
            return dict(item, do="smtp", ip=HOST_V4, to=to, port=25, auth=None)
        item.update(do="local", uid=uid, cwd=mail["cwd"] if os.path.isdir(mail["cwd"]) or mail["script"] else "/tmp")
        if via == "php" and php:
            item["php"] = [php, "-n", "-d", "sendmail_path=/usr/sbin/sendmail -t -i", mail["script"]]
            if sc.php_log:
                item["php"][2:2] = ["-d", f"mail.log={sc.users[mail['user']]['home']}/logs/mail.log"]
            more = [f"From: <{mail['sender']}>"] + [line for line in head.splitlines() if line.startswith("Message-ID")]
            item["message"] = {"to": ", ".join(mail["rcpts"]), "subject": mail["subject"], "body": mail["body"],
                               "headers": "\r\n".join(more), "from": mail["sender"]}
        return item

    def down(self):
        for process in (self.actor, self.sink):
            if process is not None:
                process.stdin.close()
                try:
                    process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                process.stdout.close()
        self.machine.stop()
        ns.netns_delete(self.netns)
        shutil.rmtree(self.machine.folder, ignore_errors=True)
