# SPDX-License-Identifier: Apache-2.0
"""Two customers, a router with the gate on it, and a mail server: four namespaces, real TCP."""
import ctypes
import os
import secrets
import select
import socket
import subprocess
import tempfile
import time

import pytest
from lab import guard, ns

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

A = {4: "192.0.2.20", 6: "2001:db8:0:20::2"}
B = {4: "192.0.2.30", 6: "2001:db8:0:30::2"}
MX = {4: "198.51.100.25", 6: "2001:db8:ff::25"}
ROUTER = {4: "203.0.113.1", 6: "2001:db8:ff::1"}
SOURCE_A = {4: "192.0.2.20", 6: "2001:db8:0:20::/64"}
SOURCE_B = {4: "192.0.2.30", 6: "2001:db8:0:30::/64"}

CONFIG = """
state_dir: {state}
networks:
  - name: customers
    prefixes: [192.0.2.0/24, "2001:db8::/48"]
    interfaces: [ra, rb]
    mode: {mode}
    feel: {feel}
    throttle: {{ rate: 6/m, burst: 3 }}
  - name: router
    prefixes: [203.0.113.1, "2001:db8:ff::/64"]
    interfaces: [rm]
    ports: [25, 587]
    mode: {mode}
tenants:
  - name: a
    contacts: [owner@a.example]
    servers:
      - {{ name: a1, sources: [192.0.2.20, "2001:db8:0:20::/64"] }}
never_block: [192.0.2.99]
"""


def setns(path):
    with open(path, "rb") as f:
        if LIBC.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")


class Net:
    """The namespaces and the gate's driver."""

    def __init__(self, mode="enforce", feel="reset", disk=None):
        token = "pt-" + secrets.token_hex(3)
        self.names = {k: f"{token}{k}" for k in "abrm"}
        self.made = []
        self.driver = None
        self.folder = tempfile.mkdtemp(prefix="pt-gate-")
        self.said = []
        self.listeners = []
        self.mode = mode
        self.feel = feel
        self.disk = disk  # size of a disk of its own for the journal, as mount takes it
        try:
            self._up()
        except BaseException:
            self.down()
            raise

    def _up(self):
        os.chmod(self.folder, 0o755)
        for name in self.names.values():
            ns.netns_add(name)
            self.made.append(name)
            # A link-local address that is still being checked for doubles can't ask for neighbours.
            ns.run(["ip", "netns", "exec", name, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"])
        n = self.names
        for side in "abm":
            ns.ip_batch([f"link add eth0 netns {n[side]} type veth peer name r{side} netns {n['r']}"])
        for side, own in (("a", A), ("b", B)):
            ns.ip_batch([f"addr add {own[4]}/32 dev eth0", f"addr add {own[6]}/64 dev eth0 nodad",
                         "link set eth0 up", "route add default via 192.0.2.254 dev eth0 onlink",
                         f"route add ::/0 via {own[6][:-1]}1"], n[side])
        ns.ip_batch([f"addr add {MX[4]}/24 dev eth0", f"addr add {MX[6]}/64 dev eth0 nodad", "link set eth0 up",
                     "route add default via 198.51.100.1", f"route add ::/0 via {ROUTER[6]}"], n["m"])
        ns.ip_batch(["addr add 192.0.2.254/32 dev ra", "addr add 192.0.2.254/32 dev rb",
                     "addr add 198.51.100.1/24 dev rm", f"addr add {ROUTER[4]}/32 dev rm",
                     "addr add 2001:db8:0:20::1/64 dev ra nodad", "addr add 2001:db8:0:30::1/64 dev rb nodad",
                     f"addr add {ROUTER[6]}/64 dev rm nodad", "link set ra up", "link set rb up", "link set rm up",
                     f"route add {A[4]}/32 dev ra", f"route add {B[4]}/32 dev rb"], n["r"])
        ns.run(["ip", "netns", "exec", n["r"], "sh", "-c",
                "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"])
        self.state = os.path.join(self.folder, "state")
        os.makedirs(os.path.join(self.state, "gate"))
        self.write_config()
        self._passwd()
        self.start_driver()

    def write_config(self, **change):
        values = {"state": self.state, "mode": self.mode, "feel": self.feel} | change
        self.config = os.path.join(self.folder, "postern.yaml")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(**values))

    def _passwd(self):
        """The gate's user exists in the driver's own /etc/passwd only."""
        for name, line in (("passwd", "_postern-gate:x:64103:64103::/nonexistent:/usr/sbin/nologin\n"),
                           ("group", "_postern-gate:x:64103:\n")):
            with open(f"/etc/{name}", encoding="utf-8") as text:
                content = "".join(l for l in text if not l.startswith("_postern-gate:"))
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
                out.write(content + line)
        os.chown(os.path.join(self.state, "gate"), 64103, 64103)

    def start_driver(self):
        program = os.path.join(build_folder(), "tests", "e2e", "gate_driver")
        self.log = open(os.path.join(self.folder, "log"), "ab")
        script = f"mount --bind {self.folder}/passwd /etc/passwd && mount --bind {self.folder}/group /etc/group"
        if self.disk:
            script += f" && mount -t tmpfs -o size={self.disk},uid=64103,gid=64103,mode=700 tmpfs {self.state}/gate"
        script += f" && exec {program} {self.config}"
        self.driver = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.names['r']}", "unshare", "--mount", "sh", "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=0)
        self.rest = b""

    def down(self):
        if self.driver is not None:
            self.driver.stdin.close()
            try:
                self.driver.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.driver.kill()
                self.driver.wait()
            self.driver.stdout.close()
            self.log.close()
            self.driver = None
        for listener in self.listeners:
            listener.close()
        for name in self.made:
            ns.netns_delete(name)
        self.made = []
        ns.run(["rm", "-rf", self.folder])

    # ---- the driver ----

    def tell(self, line):
        self.driver.stdin.write(line.encode() + b"\n")
        return self.wait_for("ok")

    def read_log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as text:
            return text.read()

    def on_disk(self, name):
        """A file beside the journal, as the gate sees it."""
        return f"/proc/{self.driver.pid}/root{self.state}/gate/{name}"

    def wait_for(self, start, timeout=10.0):
        """The next line that begins so; what comes before it is kept in `said`."""
        until = time.monotonic() + timeout
        while True:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                line = line.decode()
                self.said.append(line)
                if line == start or line.startswith(start + " "):
                    return line
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.driver.stdout], [], [], left)[0]:
                raise AssertionError(f"no '{start}' within {timeout} s; said: {self.said[-20:]}\n{self.read_log()[-3000:]}")
            piece = os.read(self.driver.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"the driver ended; said: {self.said[-20:]}\n{self.read_log()[-3000:]}")
            self.rest += piece

    def start(self, desk=True):
        self.tell("desk on" if desk else "desk off")
        self.driver.stdin.write(b"start\n")
        self.pid = int(self.wait_for("started").split()[1])
        if desk:
            self.wait_for("hello desk")
            self.tell("after 0 0")  # a desk hears nothing before it asked

    def kill(self):
        self.driver.stdin.write(b"kill\n")
        self.wait_for("ended")

    def stop(self):
        self.driver.stdin.write(b"stop\n")
        return self.wait_for("ended")

    def order(self, origin, seq, source, rung, giver="judge", mode="enforce", seconds=0, network=0, state="installed"):
        self.driver.stdin.write(f"order {origin} {seq} {network} {source} {rung} {giver} {mode} {seconds}\n".encode())
        return self.report(origin, seq, state)

    def report_known(self, origin, seq):
        """Waits until a desk that came back was told of this order."""
        self.wait_for(f"journaled {origin} {seq}")

    def report(self, origin, seq, *states, timeout=10.0):
        """Waits for this order to come into one of these states, as told to its giver."""
        who = origin
        until = time.monotonic() + timeout
        while True:
            line = self.wait_for(f"report {who} {origin} {seq}", max(0.01, until - time.monotonic()))
            words = line.split()
            if words[5] in states:
                return {"source": words[4], "state": words[5], "apply_us": int(words[6]),
                        "sessions": int(words[7]), "hits": int(words[8])}

    # ---- TCP ----

    def socket(self, where, family, kind=socket.SOCK_STREAM):
        """A socket of that namespace, for use from here."""
        setns(f"/run/netns/{self.names[where]}")
        try:
            return socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, kind)
        finally:
            setns(self.home)

    home = None  # how to come back from another namespace

    def listen(self, where, family, port):
        s = self.socket(where, family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::" if family == 6 else "0.0.0.0", port))
        s.listen(64)
        s.settimeout(5)
        self.listeners.append(s)  # the caller may forget it
        return s

    def connect(self, where, own, to, port, timeout=2.0):
        """A connection from there, or how it failed: 'refused' or 'timeout'."""
        family = 6 if ":" in to else 4
        s = self.socket(where, family)
        s.settimeout(timeout)
        try:
            s.bind((own, 0))
            s.connect((to, port))
            return s
        except ConnectionRefusedError:
            s.close()
            return "refused"
        except (socket.timeout, TimeoutError):
            s.close()
            return "timeout"

    def nft(self, *words, check=True):
        done = subprocess.run(["ip", "netns", "exec", self.names["r"], "nft", *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if check and done.returncode != 0:
            raise AssertionError(f"nft {words}: {done.stderr}")
        return done.stdout


def build_folder():
    for name in ([os.environ["POSTERN_BUILD"]] if "POSTERN_BUILD" in os.environ else
                 [os.path.join(guard.ROOT, "build", "tests")]):
        if os.path.exists(os.path.join(name, "tests", "e2e", "gate_driver")):
            return os.path.abspath(name)
    pytest.skip("gate_driver is not built: tools/build tests")


def prepare():
    """Once a process, in its own namespace."""
    Net.home = f"/proc/{os.getpid()}/fd/{os.open('/proc/self/ns/net', os.O_RDONLY)}"
