# SPDX-License-Identifier: Apache-2.0
"""The whole lab: three customers, a gateway, and an internet with mail exchangers and a resolver.

    alder  203.0.113.10 ──┐                     ┌── mx1.relay-one.example  198.51.100.25
    birch  203.0.113.20 ──┤ gateway (forwards,  ├── mx2.relay-two.example  198.51.100.26
    cedar  203.0.113.30 ──┘ runs posternd) ─────┴── resolver               198.51.100.53

Each has IPv6 too. Everything lives in namespaces named pt-TOKEN-… and one folder, and is gone
after down(), which also runs when the program is interrupted.
"""
import atexit
import fcntl
import json
import os
import re
import shutil
import signal
import secrets
import sys
import tempfile
import threading
import time

from . import ns
from .dns import Resolver
from .mta import Postfix, program
from .ns import LabError, Machine

CUSTOMERS = {
    "a": {"host": "mail.alder.example", "domain": "alder.example", "v4": "203.0.113.10",
          "v6": "2001:db8:c000:a::25", "net6": "2001:db8:c000:a::/64"},
    "b": {"host": "mail.birch.example", "domain": "birch.example", "v4": "203.0.113.20",
          "v6": "2001:db8:c000:b::25", "net6": "2001:db8:c000:b::/64"},
    "c": {"host": "mail.cedar.example", "domain": "cedar.example", "v4": "203.0.113.30",
          "v6": "2001:db8:c000:c::25", "net6": "2001:db8:c000:c::/64"},
}
GATEWAY = {"host": "gw.provider.example", "domain": "provider.example", "v4": "198.51.100.1",
           "v6": "2001:db8:f000::1", "customers4": "203.0.113.1", "link6": "fe80::1"}
PORTAL = "abuse." + GATEWAY["domain"]
MX = {
    "mx1": {"host": "mx1.relay-one.example", "v4": "198.51.100.25", "v6": "2001:db8:f000::25",
            "domains": ["harbour.example", "lantern.example", "meadow.example", "orchard.example",
                        "post.test", "quarry.example"]},
    "mx2": {"host": "mx2.relay-two.example", "v4": "198.51.100.26", "v6": "2001:db8:f000::26",
            "domains": ["river.example", "summit.example", "tannery.example", "upland.example",
                        "valley.test", "windmill.example"]},
}
DNS = {"v4": "198.51.100.53", "v6": "2001:db8:f000::53"}
DOMAINS = [d for mx in MX.values() for d in mx["domains"]]
USERS = """adele albert anna arthur astrid beatrice bernd carla carlos cecile clara daniel david
elena emil emma erik eva felix fiona frank georg greta hanna helga henri ida ingrid jan jonas
judith karin klara laura leo lina lucas maria marta max mia nina olga oscar paula peter rosa
simon sofia theo""".split()
assert len(set(USERS)) * len(DOMAINS) >= 500
NETS = {"v4": "203.0.113.0/24", "v6": "2001:db8:c000::/48"}
UPLINK = "up0"
PROBE = os.path.join(ns.HERE, "probe.py")
POSTERN_PROCESSES = ("tap", "judge", "gate", "desk")


def customer_interface(key):
    return f"cust-{key}"


def check_features():
    """Say what is missing here, once and before anything is made."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and runs mail servers")
    for tool, package in (("ip", "iproute2"), ("nsenter", "util-linux"), ("unshare", "util-linux"),
                          ("nft", "nftables"), ("dig", "dnsutils"), ("openssl", "openssl")):
        if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            raise LabError(f"no program '{tool}': apt-get install {package}")
    program()
    probe = f"{ns.PREFIX}{secrets.token_hex(3)}-probe"
    try:
        ns.netns_add(probe)
        ns.ip_batch(["link add dev pt0 type veth peer name pt1"], probe)
    finally:
        ns.netns_delete(probe)


def sweep():
    """Remove what labs left whose program is gone (killed with SIGKILL, say)."""
    base = tempfile.gettempdir()
    for name in os.listdir(base):
        found = re.fullmatch(r"pt-([0-9a-f]{6})-lab", name)
        if not found:
            continue
        folder = os.path.join(base, name)
        try:
            lock = os.open(os.path.join(folder, "lock"), os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # its lab lives
        finally:
            os.close(lock)
        _remove(found.group(1), folder)


def _remove(token, folder):
    if os.path.isdir(ns.NETNS_DIR):
        for name in os.listdir(ns.NETNS_DIR):
            if name.startswith(f"{ns.PREFIX}{token}-"):
                ns.netns_delete(name)
    shm = f"/dev/shm/pt-{token}"
    ns.remove_tree(shm)
    ns.remove_tree(folder)


class World:
    """One lab. `with World(...) as w:` builds it and takes it away again.

    family    "4", "6" or "both": what the customers' mail servers send over
    starttls  whether the mail exchangers offer STARTTLS
    """

    def __init__(self, family="both", starttls=False):
        self.family = family
        self.starttls = starttls
        self.token = secrets.token_hex(3)
        self.folder = None
        self.lock = None
        self.machines = {}
        self.mta = {}
        self.resolver = None
        self.keep = False
        self.at_end = []  # functions to call first when the lab goes down
        self.up_s = None
        self._seen = {}  # mailbox file: (Message-ID, recipient)

    # ---- building ----

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()

    def netns(self, name):
        return f"{ns.PREFIX}{self.token}-{name}"

    def up(self):
        began = time.monotonic()
        check_features()
        sweep()
        atexit.register(self.down)
        self.folder = os.path.join(tempfile.gettempdir(), f"pt-{self.token}-lab")
        os.mkdir(self.folder, 0o755)
        self.lock = os.open(os.path.join(self.folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self._make_networks()
        self._make_machines()
        for mta in self.mta.values():
            mta.prepare()
        for machine in self.machines.values():
            machine.start()
        for machine in self.machines.values():
            machine.wait_ready()
        self.resolver.start()
        for mta in self.mta.values():
            mta.start()
        self.resolver.wait_ready(MX["mx1"]["host"])
        for mta in self.mta.values():
            mta.wait_listening()
        self.up_s = time.monotonic() - began

    def _make_networks(self):
        names = ["gw", "net", *CUSTOMERS]
        for name in names:
            ns.netns_add(self.netns(name))
        gw, net = self.netns("gw"), self.netns("net")
        links = [f"link add {UPLINK} netns {gw} type veth peer name eth0 netns {net}"]
        links += [f"link add {customer_interface(k)} netns {gw} type veth peer name eth0 netns {self.netns(k)}"
                  for k in CUSTOMERS]
        ns.ip_batch(links)
        up = [f"addr add {GATEWAY['v4']}/24 dev {UPLINK}", f"addr add {GATEWAY['v6']}/64 dev {UPLINK} nodad",
              f"link set {UPLINK} up"]
        for key, c in CUSTOMERS.items():
            dev = customer_interface(key)
            up += [f"addr add {GATEWAY['customers4']}/32 dev {dev}", f"addr add {GATEWAY['link6']}/64 dev {dev} nodad",
                   f"link set {dev} up", f"route add {c['v4']}/32 dev {dev}", f"route add {c['net6']} dev {dev}"]
        ns.ip_batch(up, gw)
        inside = ["link set eth0 up"]
        for host in [*MX.values(), DNS]:
            inside += [f"addr add {host['v4']}/24 dev eth0", f"addr add {host['v6']}/64 dev eth0 nodad"]
        inside += [f"route add default via {GATEWAY['v4']}", f"route add ::/0 via {GATEWAY['v6']}"]
        ns.ip_batch(inside, net)
        for key, c in CUSTOMERS.items():
            ns.ip_batch([f"addr add {c['v4']}/32 dev eth0", f"addr add {c['v6']}/64 dev eth0 nodad",
                         "link set eth0 up",
                         f"route add {GATEWAY['customers4']}/32 dev eth0 src {c['v4']}",
                         f"route add default via {GATEWAY['customers4']} dev eth0 src {c['v4']}",
                         f"route add ::/0 via {GATEWAY['link6']} dev eth0"], self.netns(key))
        ns.run(["ip", "netns", "exec", gw, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1",
                "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0",
                "net.ipv4.conf.default.rp_filter=0"])

    def _machine(self, key, netns, hostname):
        # Queues and mailboxes live in memory where there is room: a lab is about mail, not disks.
        shm = f"/dev/shm/pt-{self.token}"
        if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK):
            os.makedirs(shm, exist_ok=True)
            folder = os.path.join(shm, key)
        else:
            folder = os.path.join(self.folder, key)
        machine = Machine(self.netns(netns), key, hostname, folder)
        machine.write("resolv.conf", f"nameserver {DNS['v4']}\nnameserver {DNS['v6']}\n")
        machine.write("hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {hostname}\n")
        machine.write("aliases", "")
        machine.bind("resolv.conf", os.path.realpath("/etc/resolv.conf"))
        machine.bind("hosts", "/etc/hosts")
        self.machines[key] = machine
        return machine

    def _make_machines(self):
        for key, c in CUSTOMERS.items():
            machine = self._machine(key, key, c["host"])
            self._mta(machine, {
                "inet_interfaces": "all", "inet_protocols": "all", "mydomain": c["domain"],
                "myorigin": c["domain"], "virtual_mailbox_domains": c["domain"],
                "virtual_mailbox_maps": f"static:{c['domain']}/",
                "smtp_address_preference": "any",
                "smtp_bind_address": c["v4"], "smtp_bind_address6": c["v6"],
                # C's newsletter must not take all of a small machine for itself.
                "smtp_destination_concurrency_limit": "2" if key == "c" else "20",
                "default_destination_concurrency_failed_cohort_limit": "10",
            }, family=self.family)
        gw = self._machine("gw", "gw", GATEWAY["host"])
        self._users(gw)
        self._mta(gw, {"inet_interfaces": "loopback-only", "inet_protocols": "all",
                       "myorigin": GATEWAY["domain"], "virtual_mailbox_domains": GATEWAY["domain"],
                       "virtual_mailbox_maps": f"static:{GATEWAY['domain']}/",
                       "smtp_address_preference": "any"}, family=self.family)
        self._make_exchangers()
        dns = self._machine("dns", "net", "resolver.example")
        hosts = {c["host"]: [c["v4"], c["v6"]] for c in CUSTOMERS.values()}
        hosts |= {GATEWAY["host"]: [GATEWAY["v4"], GATEWAY["v6"], GATEWAY["customers4"]]}
        hosts |= {m["host"]: [m["v4"], m["v6"]] for m in MX.values()}
        hosts |= {"resolver.example": [DNS["v4"], DNS["v6"]]}
        mail = {c["domain"]: c["host"] for c in CUSTOMERS.values()}
        mail |= {d: m["host"] for m in MX.values() for d in m["domains"]}
        mail |= {GATEWAY["domain"]: GATEWAY["host"]}
        self.resolver = Resolver(dns, [DNS["v4"], DNS["v6"]], hosts, mail,
                                 {PORTAL: [GATEWAY["v4"], GATEWAY["v6"]]})

    def _users(self, machine):
        """posternd's users exist on the gateway only, in its own passwd; and it has its own /run."""
        with open("/etc/passwd", encoding="utf-8") as text:
            passwd = text.read()
        with open("/etc/group", encoding="utf-8") as text:
            group = text.read()
        for number, name in enumerate(("postern", *(f"_postern-{p}" for p in POSTERN_PROCESSES))):
            if f"\n{name}:" not in passwd:
                passwd += f"{name}:x:{64100 + number}:{64100 + number}::/nonexistent:/usr/sbin/nologin\n"
            if f"\n{name}:" not in group:
                group += f"{name}:x:{64100 + number}:\n"
        machine.write("passwd", passwd)
        machine.write("group", group)
        machine.bind("passwd", "/etc/passwd")
        machine.bind("group", "/etc/group")
        os.makedirs(machine.file("run"))
        machine.bind("run", "/run")

    def _make_exchangers(self):
        for key, mx in MX.items():
            machine = self._machine(key, "net", mx["host"])
            users = "".join(f"{u}@{d} {d}/\n" for d in mx["domains"] for u in USERS)
            machine.write("etc-postfix/users", users)
            settings = {
                "inet_interfaces": f"{mx['v4']}, [{mx['v6']}]", "inet_protocols": "all",
                "virtual_mailbox_domains": " ".join(mx["domains"]),
                "virtual_mailbox_maps": "texthash:/etc/postfix/users",
                "mynetworks": f"{mx['v4']}/32 [{mx['v6']}]/128",
                "unknown_virtual_mailbox_reject_code": "550",
                # Postfix waits a second before it answers "unknown", so that in the first seconds
                # only messages without unknown recipients come to their end.
                "smtpd_error_sleep_time": "0",
                "smtpd_tls_security_level": "may" if self.starttls else "none",
                "smtpd_tls_cert_file": "/etc/postfix/cert.pem",
                "smtpd_tls_key_file": "/etc/postfix/key.pem",
            }
            self._certificate(machine, mx["host"])
            self._mta(machine, settings).services.append(
                "465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt")

    def start_portal(self, api_port):
        """https://PORTAL on the gateway, in front of posternd's API. Gives the file that customers trust."""
        gw = self.machines["gw"]
        files = [gw.file("portal-cert.pem"), gw.file("portal-key.pem")]
        self._certificate(gw, PORTAL, *files)
        portal = gw.popen([sys.executable, os.path.join(ns.HERE, "portal.py"), *files, str(api_port)], stdout=-1, text=True)
        if portal.stdout.readline() != "ready\n":
            raise LabError("the portal did not start")
        return files[0]

    def _certificate(self, machine, host, cert=None, key=None):
        ns.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
                "-keyout", key or machine.file("etc-postfix", "key.pem"), "-out", cert or machine.file("etc-postfix", "cert.pem")])

    def _mta(self, machine, settings, family="both"):
        mta = Postfix(machine, settings, family)
        self.mta[machine.name] = mta
        return mta

    # ---- taking away ----

    def down(self):
        """Remove everything; may be called at any time and more than once."""
        if self.folder is None and not self.machines:
            return
        before = signal.signal(signal.SIGINT, signal.SIG_IGN) if _in_main_thread() else None
        try:
            while self.at_end:
                try:
                    self.at_end.pop()()
                except (LabError, OSError) as problem:
                    print(f"lab: {problem}", file=sys.stderr)
            for machine in self.machines.values():
                machine.stop()
            if self.keep:
                print(f"kept: {self.folder} and /dev/shm/pt-{self.token}")
                for name in os.listdir(ns.NETNS_DIR):
                    if name.startswith(self.netns("")):
                        ns.netns_delete(name)
            elif self.folder is not None:
                _remove(self.token, self.folder)
            if self.lock is not None:
                os.close(self.lock)
            self.lock, self.folder, self.machines = None, None, {}
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)
            atexit.unregister(self.down)

    # ---- looking at it from outside ----

    def deliveries(self):
        """{Message-ID: [recipients]} of all that the exchangers have in their mailboxes."""
        for key, mx in MX.items():
            for domain in mx["domains"]:
                for path in self.mta[key].mailbox_files(domain):
                    if path not in self._seen:
                        with open(path, "rb") as text:
                            self._seen[path] = _identity(text.read())
        found = {}
        for ident, to in self._seen.values():
            found.setdefault(ident, []).append(to)
        return found

    def try_connects(self, key, targets):
        """What connections from a customer's machine meet: ["open", "refused", "timeout", …]"""
        words = [str(w) for target in targets for w in target]
        return self.machines[key].run([sys.executable, PROBE, "connect", *words]).split()

    def try_connect(self, key, address, port):
        return self.try_connects(key, [(address, port)])[0]

    def established(self, where, key, dport=25):
        """Running connections of a customer to port 25, as the kernel of `where` sees them."""
        c = CUSTOMERS[key]
        found = []
        out = ns.run(["ip", "netns", "exec", self.netns(where), "ss", "-Htn", "state", "established"])
        for line in out.splitlines():
            near, far = line.split()[2:4]
            if where == "net":
                near, far = far, near
            if far.rsplit(":", 1)[1] == str(dport) and near.rsplit(":", 1)[0].strip("[]") in (c["v4"], c["v6"]):
                found.append((near, far))
        return found

    def ruleset(self):
        """The gateway's whole nft ruleset as JSON objects."""
        out = ns.run(["ip", "netns", "exec", self.netns("gw"), "nft", "-j", "list", "ruleset"])
        return json.loads(out).get("nftables", [])


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()


def _identity(text):
    head = text.split(b"\n\n", 1)[0].replace(b"\r", b"").replace(b"\n ", b" ").replace(b"\n\t", b" ")
    ident = to = ""
    for line in head.split(b"\n"):
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"message-id" and not ident:
            ident = value.strip().decode("latin-1")
        if name == b"delivered-to" and not to:
            to = value.strip().decode("latin-1")
    return ident, to


def catch_signals(ending=None):
    """SIGTERM and SIGHUP end the program the way ^C does, so that labs are taken away.

    With `ending` that is raised instead of an exit: pytest takes SystemExit for a failure of one test.
    """
    def stop(number, _frame):
        raise SystemExit(128 + number) if ending is None else ending
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
