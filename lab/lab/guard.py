# SPDX-License-Identifier: Apache-2.0
"""posternd on the lab's gateway, its command line, and its work as the kernel shows it."""
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

from . import ns
from .ns import LabError
from .world import CUSTOMERS, GATEWAY, NETS, customer_interface

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROCESSES = ("tap", "judge", "gate", "desk")
SOCKET = "/run/postern/api.sock"
API = "127.0.0.1:8025"


def build_folder():
    """Where the programs are: $POSTERN_BUILD, else the newest of the usual folders."""
    given = os.environ.get("POSTERN_BUILD")
    folders = [os.path.abspath(given)] if given else [os.path.join(ROOT, "build", n) for n in ("release", "tests")]
    found = [f for f in folders if os.path.exists(os.path.join(f, "src", "daemon", "posternd"))
             and os.path.exists(os.path.join(f, "src", "cli", "postern"))]
    if not found:
        raise LabError("postern is not built: tools/build release")
    return max(found, key=lambda f: os.stat(os.path.join(f, "src", "daemon", "posternd")).st_mtime)


def config(world, **change):
    """The gateway's configuration as text; `change` replaces values by their name."""
    v = {
        "state": os.path.join(world.folder, "postern"), "mode": "enforce", "feel": "reset", "content": "all",
        "unblock": "checked", "cool_down": "[20s, 20s, 20s]", "quiet": "10s", "probation": "1h",
        "smtp": "127.0.0.1:25", "interfaces": "[" + ", ".join(customer_interface(k) for k in CUSTOMERS) + "]",
        "extra": "", "sandbox": "required", "api": API, "socket": SOCKET,
    }
    v.update(change)
    tenants = "".join(f"""  - name: {key}
    contacts: [owner@{c['domain']}]
    language: en
    servers:
      - {{ name: {key}1, sources: [{c['v4']}, "{c['net6']}"] }}
""" for key, c in CUSTOMERS.items())
    return f"""state_dir: {v['state']}
listen: {{ api: "{v['api']}", socket: {v['socket']} }}
networks:
  - name: customers
    prefixes: [{NETS['v4']}, "{NETS['v6']}"]
    interfaces: {v['interfaces']}
    ports: [25, 465]
    posture: open
    mode: {v['mode']}
    feel: {v['feel']}
    content: {v['content']}
    unblock: {v['unblock']}
    v6_source: 64
tenants:
{tenants}never_block: [{GATEWAY['customers4']}]
notices: {{ smtp: "{v['smtp']}", from: abuse@{GATEWAY['domain']}, portal: "https://abuse.{GATEWAY['domain']}" }}
unblock: {{ cool_down: {v['cool_down']}, probation: {v['probation']}, quiet: {v['quiet']} }}
gate: {{ backend: nft }}
sandbox: {v['sandbox']}
{v['extra']}"""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Guard:
    """posternd and `postern` on the gateway."""

    def __init__(self, world, **change):
        self.world = world
        self.gw = world.machines["gw"]
        self.build = build_folder()
        self.state = os.path.join(world.folder, "postern")
        self.conf = os.path.join(world.folder, "postern.yaml")
        self.log = os.path.join(self.state, "posternd.log")
        self.configure(**change)
        world.at_end.append(self.stop)

    def configure(self, **change):
        with open(self.conf, "w", encoding="utf-8") as out:
            out.write(config(self.world, **change))

    def start(self, wait_s=30):
        """Start it in the background, where a keeper starts its parent again; wait until all is there."""
        code, out, err = self.gw.try_run(
            ["timeout", str(wait_s), os.path.join(self.build, "src", "daemon", "posternd"), "-c", self.conf])
        if code != 0:
            raise LabError(f"posternd did not start: exit {code}: {(err or out).strip()}\n{self.log_tail()}")
        end = time.monotonic() + wait_s
        said = ""
        while time.monotonic() < end:
            code, out, said = self.cli("status", "--json")
            if code == 0 and self.is_complete(json.loads(out)):
                return
            time.sleep(0.1)
        raise LabError(f"posternd is not complete after {wait_s} s: {sorted(self.pids())}: {said.strip()}\n{self.log_tail()}")

    def is_complete(self, status):
        """All processes are there and the gate has its table."""
        return len(self.pids()) == len(PROCESSES) and bool(status) and self.has_table()

    def has_table(self):
        return any(o.get("table", {}).get("name") == "postern" for o in self.world.ruleset())

    def log_tail(self, octets=3000):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as text:
                return text.read()[-octets:]
        except FileNotFoundError:
            return ""

    def stop(self):
        """End it as `make stop` does, the hard way after 15 s."""
        for how, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            above = self.parents()
            for pid in above[:1] if how == signal.SIGTERM else [*above, *self.pids().values()]:
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if not self.processes():
                    return
                time.sleep(0.05)

    # ---- processes ----

    def processes(self):
        """{pid as seen from here: name} of everything that runs the program posternd."""
        found = {}
        for pid in ns.descendants(self.gw.pid) if self.gw.pid else []:
            try:
                if os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)").endswith("/posternd"):
                    with open(f"/proc/{pid}/comm", encoding="utf-8") as text:
                        found[pid] = text.read().strip()
            except OSError:
                continue
        return found

    def pids(self):
        """{process name: pid} of the children that run now."""
        return {name: pid for pid, name in self.processes().items() if name in PROCESSES}

    def parents(self):
        """The pids above the children, outermost (the keeper) first."""
        mine = {pid for pid, name in self.processes().items() if name not in PROCESSES}
        return sorted(mine, key=lambda pid: -sum(p in mine for p in ns.descendants(pid)))

    # ---- the command line ----

    def cli(self, *args):
        """(exit code, stdout, stderr) of `postern ARGS` on the gateway."""
        return self.gw.try_run([os.path.join(self.build, "src", "cli", "postern"), "--socket", SOCKET, *args])

    def json(self, *args):
        """What `postern ARGS --json` prints, as one document; a failure is a LabError."""
        code, out, err = self.cli(*args, "--json")
        if code != 0:
            raise LabError(f"postern {' '.join(args)}: exit {code}: {err.strip() or out.strip()}")
        return json.loads(out)

    def get(self, path):
        """The octets of a page, by the local socket."""
        connection = _UnixConnection(self.gw.file("run", "postern", "api.sock"))
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise LabError(f"GET {path}: {answer.status}: {text[:300].decode(errors='replace')}")
        return text

    def api(self, path):
        """A document of the API."""
        return json.loads(self.get(f"/api/v1{path}"))

    def items(self, path):
        """All items of a list, page by page."""
        found, cursor = [], None
        while True:
            page = self.api(path + (f"{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""))
            found += page["items"]
            cursor = page.get("next")
            if not cursor:
                return found

    def orders(self):
        return self.items("/orders")

    def source(self, key, family):
        """The name of a customer's source in postern's words."""
        c = CUSTOMERS[key]
        return c["v4"] if family == "4" else c["net6"]

    def cases(self, key=None):
        """All cases, open and closed; of one customer if `key` is given."""
        items = self.items("/cases?state=all")
        return [c for c in items if key is None or c.get("tenant") == key]

    def rung(self, key, family):
        code, out, _ = self.cli("source", "show", self.source(key, family), "--json")
        if code == 4:
            return "pass"  # nothing was ever seen of it
        return json.loads(out)["rung"] if code == 0 else None


ADDRESS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")


def is_block(text):
    """Does this name of a set, or line about an element of one, refuse a source's mail?"""
    return re.search(r"\bb_[a-z]", text) is not None


def is_touched(text):
    """Does it hold up a source's mail in any way?"""
    return is_block(text) or re.search(r"\bthrottle_", text) is not None


def elements(ruleset, key):
    """[(set or map, what is said about it)]: where a customer's addresses stand in a ruleset."""
    c = CUSTOMERS[key]
    net6 = c["net6"].split("/")[0]
    names = {c["v4"], c["v6"], net6}
    found = []

    def mentions(thing):
        if isinstance(thing, str):
            return thing in names
        if isinstance(thing, dict):
            return any(mentions(v) for v in thing.values())
        return isinstance(thing, list) and any(mentions(v) for v in thing)

    for item in ruleset:
        for kind in ("set", "map"):
            if kind in item and item[kind].get("table") == "postern":
                for element in item[kind].get("elem", []):
                    if mentions(element):
                        found.append((item[kind]["name"], json.dumps(element)))
        if "element" in item and mentions(item["element"]):
            found.append((item["element"]["name"], json.dumps(item["element"])))
    return found


class KernelWatch:
    """Listens to the gateway's nf_tables and notes when a customer's address appears or goes."""

    def __init__(self, world):
        self.events = []  # (time, "add" | "delete", customer, text)
        self.raw = []     # (time, "add" | "delete", address, text) of everything
        self.process = world.machines["gw"].popen(
            ["stdbuf", "-oL", "nft", "monitor"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.names = {k: (c["v4"], c["net6"].split("/")[0], c["v6"]) for k, c in CUSTOMERS.items()}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        world.at_end.append(self.stop)

    def _read(self):
        for line in self.process.stdout:
            now = time.time()
            words = line.split()
            if len(words) < 3 or words[1] != "element":
                continue
            self.raw += [(now, words[0], a, line.strip()) for a in ADDRESS.findall(line)]
            for key, names in self.names.items():
                if any(f" {n} " in f" {line.replace(',', ' ')} " for n in names):
                    self.events.append((now, words[0], key, line.strip()))

    def of(self, key, what="add"):
        return [e for e in self.events if e[1] == what and e[2] == key]

    def stop(self):
        for pid in ns.descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


class WireWatch:
    """Records what of a customer reaches the internet's side for ports 25 and 465, by tcpdump."""

    def __init__(self, world, key):
        c = CUSTOMERS[key]
        self.path = os.path.join(world.folder, f"wire-{key}.pcap")
        self.process = world.machines["mx1"].popen(
            ["tcpdump", "--immediate-mode", "-i", "eth0", "-n", "-U", "-s", "128", "-Z", "root", "-w", self.path,
             f"(src host {c['v4']} or src host {c['v6']}) and (tcp dst port 25 or tcp dst port 465)"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()  # "listening on …"
        world.at_end.append(self.stop)

    def _frames(self):
        """(wall time, frame) of all that was recorded."""
        with open(self.path, "rb") as capture:
            data = capture.read()
        at = 24
        while at + 16 <= len(data):
            sec, usec, caplen, _ = struct.unpack_from("<IIII", data, at)
            frame = data[at + 16:at + 16 + caplen]
            at += 16 + caplen
            yield sec + usec / 1e6, frame

    def payloads(self):
        """Wall times of the frames that carried octets of the client."""
        return [t for t, frame in self._frames() if _tcp(frame)[0] > 0]

    def resets(self):
        """Wall times of the resets that went to the far side."""
        return [t for t, frame in self._frames() if _tcp(frame)[1] & 4]

    def stop(self):
        for pid in ns.descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stderr.close()


def _tcp(frame):
    """(octets of TCP payload, flags) of an Ethernet frame, as its headers say."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800:
        head = (frame[14] & 15) * 4
        total = struct.unpack_from("!H", frame, 16)[0]
    else:
        head, total = 40, 40 + struct.unpack_from("!H", frame, 18)[0]
    return total - head - (frame[14 + head + 12] >> 4) * 4, frame[14 + head + 13]
