# SPDX-License-Identifier: Apache-2.0
"""A server with a firewall of its own, a guest on its bridge, and a peer: three namespaces.

The server has its own mounts too: a copy of /etc, an empty /run and /var/log, and over /usr what
tools/unpack-firewalls brought. systemd and apt are stood in for by programs that note their call.
"""
import os
import re
import secrets
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNPACKED = os.path.join(ROOT, "build", "firewalls", "root")
SERVER = ("192.0.2.1", "2001:db8:77::1")
PEERS = ("192.0.2.2", "2001:db8:77::2")
RELAYS = ("192.0.2.3", "2001:db8:77::3")  # the peer's too
GUEST = ("192.0.2.4", "2001:db8:77::4")
PATHS = "/usr/sbin:/usr/bin:/sbin:/bin"
LISTEN = """
import selectors, socket
s = selectors.DefaultSelector()
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    for port in (25, 80, 587):
        l = socket.socket(family)
        l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            l.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        l.bind((address, port))
        l.listen(256)
        s.register(l, 1)
print("ready", flush=True)
while True:
    for key, _ in s.select():
        key.fileobj.accept()[0].close()
"""
# uid, address, port, source each, all at once; a line each: "passes", "refused", or what went wrong.
# A socket belongs to whom its maker was when it was made.
CONNECT = """
import errno, os, select, socket, sys
os.setgroups([])
tries = []
for n in range(1, len(sys.argv), 4):
    uid, address, port, source = sys.argv[n:n + 4]
    os.seteuid(int(uid))
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    os.seteuid(0)
    s.setblocking(False)
    if source:
        s.bind((source, 0))
    s.connect_ex((address, int(port)))
    tries.append(s)
for s in tries:
    done = select.select([], [s], [], 20)[1]
    word = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if done else errno.ETIMEDOUT
    print({0: "passes", errno.ECONNREFUSED: "refused"}.get(word, os.strerror(word)))
"""
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/></policy></busconfig>
"""
# Everything below is seen by the server alone.
MOUNTS = """
set -eu
if [ -d "$1" ]; then mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr; fi
mount --bind "$2" /etc
for dir in /run /var/log; do mount -t tmpfs tmpfs $dir; done
mkdir /run/dbus
echo ready
exec sleep 3600
"""


def run(*words, **kw):
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **kw)
    assert done.returncode == 0, f"{' '.join(words)}: {done.returncode}: {done.stdout}"
    return done.stdout


def has_tool(name):
    return shutil.which(name, path=f"{UNPACKED}/usr/sbin:{UNPACKED}/usr/bin:{PATHS}") is not None


class Host:
    """The namespaces; `enter` runs a command on the server."""

    def __init__(self, folder):
        token = secrets.token_hex(3)
        self.names = {k: f"pt-h{k}{token}" for k in ("server", "peer", "guest")}
        self.etc, self.bin = os.path.join(folder, "etc"), os.path.join(folder, "bin")
        self.calls = os.path.join(folder, "calls")
        self.holder = None
        self.children = []
        self.env = {**os.environ, "PATH": f"{self.bin}:{PATHS}", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        shutil.copytree("/etc", self.etc, symlinks=True)
        if os.path.isdir(UNPACKED):
            shutil.copytree(os.path.join(UNPACKED, "etc"), self.etc, symlinks=True, dirs_exist_ok=True)
        os.mkdir(self.bin)
        for name in ("systemctl", "apt-get"):
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(f'#!/bin/sh\ncat >/dev/null\necho "{name} $*" >>{self.calls}\n')
            os.chmod(path, 0o755)

    def child(self, *words, ready=None):
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.env)
        self.children.append(child)
        if ready:
            line = child.stdout.readline()
            assert line == ready, line + child.stdout.read()
        return child

    def up(self):
        server, peer, guest = (self.names[k] for k in ("server", "peer", "guest"))
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", server, "link", "add", "br0", "type", "bridge")
        for name in (peer, guest):
            port = "u" + name[:6][-1]
            run("ip", "link", "add", port, "netns", server, "type", "veth", "peer", "name", "e0", "netns", name)
            run("ip", "-n", server, "link", "set", port, "master", "br0", "up")
        for name, device, addresses in ((server, "br0", SERVER), (peer, "e0", PEERS + RELAYS), (guest, "e0", GUEST)):
            for address in addresses:
                how = ["nodad"] if ":" in address else []
                if address in RELAYS:
                    how += ["preferred_lft", "0"]  # never the peer's own choice of a source
                run("ip", "-n", name, "addr", "add", address + ("/64" if ":" in address else "/24"), "dev", device, *how)
            run("ip", "-n", name, "link", "set", device, "up")
        self.holder = self.child("ip", "netns", "exec", server, "unshare", "-m", "sh", "-c", MOUNTS, "sh", UNPACKED, self.etc,
                                 ready=b"ready\n")
        for name in (server, peer):
            self.child("ip", "netns", "exec", name, sys.executable, "-c", LISTEN, ready=b"ready\n")

    def down(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()
            child.stdout.close()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)

    def enter(self, *words, **kw):
        return run("nsenter", "-t", str(self.holder.pid), "-m", "-n", *words, env=self.env, **kw)

    def script(self, text, shell=("sh", "-s")):
        """Run it on the server as if it were pasted or piped into a shell."""
        return self.enter(*shell, input=text)

    def tries(self, wanted, where="server"):
        """Connections as (uid, address, port, source or ""): those that did not end as `wanted` says."""
        words = [str(w) for key in wanted for w in key]
        said = run("ip", "netns", "exec", self.names[where], sys.executable, "-c", CONNECT, *words).splitlines()
        assert len(said) == len(wanted), said
        return {key: got for (key, want), got in zip(wanted.items(), said) if got != want}

    def rules(self):
        """All rules without their counters, and without what says nothing: the order of chains, chains of a hook with no rule."""
        found = set()
        table = ""
        for block in re.split(r"\n(?=\t[a-z]+ \S+ \{|table )", self.enter("nft", "-s", "list", "ruleset")):
            lines = [line.strip() for line in block.splitlines() if line.strip(" \t}") and line[0] != "#"]
            if lines and lines[0].startswith("table "):
                table = lines[0]
            elif lines and not (len(lines) == 2 and lines[1].endswith("policy accept;")):
                found.add((table, *lines))
        for tool in ("iptables-save", "ip6tables-save"):  # nft does not show what an iptables match says
            chains = {}
            for line in self.enter(tool).splitlines():
                if line.startswith("-A "):
                    chains.setdefault(line.split()[1], []).append(line)
            found.update((tool, *lines) for lines in chains.values())
        return found

    def files(self):
        """Every file in the server's /etc with its content."""
        found = {}
        for folder, _, names in os.walk(self.etc):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, self.etc)] = file.read()
        return found

    def forget(self):
        """What the kernel knows at a start: nothing."""
        self.enter("nft", "flush", "ruleset")
        assert self.enter("nft", "list", "ruleset") == ""


class Plain:
    """No firewall of its own: the recipe's table is loaded by its unit."""
    tools = ("nft",)

    def __init__(self, host):
        self.host = host

    def start(self, is_first):
        if is_first:
            return
        with open(os.path.join(self.host.etc, "systemd", "system", "postern-recipe.service"), encoding="ascii") as unit:
            command = re.search(r"^ExecStart=(.*)$", unit.read(), re.M).group(1)
        self.host.enter(*command.split())

    def stop(self):
        pass


class Debian(Plain):
    tools = ("iptables", "netfilter-persistent")

    def start(self, is_first):
        for tool in ("iptables", "ip6tables") if is_first else ():
            self.host.enter(tool, "-w", "-A", "INPUT", "-p", "udp", "--dport", "9", "-j", "DROP")  # somebody's own rule
        if not is_first:
            self.host.enter("netfilter-persistent", "start")


class Ufw(Plain):
    tools = ("iptables", "ufw")

    def start(self, is_first):
        if not is_first:
            self.host.enter("/lib/ufw/ufw-init", "start", "quiet")
            return
        # what the package's postinst does
        for name in ("before", "before6", "after", "after6", "user", "user6"):
            shutil.copy(os.path.join(UNPACKED, f"usr/share/ufw/iptables/{name}.rules"), os.path.join(self.host.etc, "ufw"))
        for name in ("ufw.conf", "before.init", "after.init"):
            shutil.copy(os.path.join(UNPACKED, "usr/share/ufw", name), os.path.join(self.host.etc, "ufw"))
        self.host.enter("ufw", "allow", "25,80,587,2525/tcp")
        self.host.enter("ufw", "--force", "enable")


class Firewalld(Plain):
    tools = ("iptables", "dbus-daemon", "firewalld")

    def __init__(self, host):
        super().__init__(host)
        self.daemon = None

    def start(self, is_first):
        enter = ("nsenter", "-t", str(self.host.holder.pid), "-m", "-n")
        if is_first:
            with open(os.path.join(self.host.etc, "bus.conf"), "w", encoding="ascii") as file:
                file.write(BUS)
            self.host.child(*enter, "dbus-daemon", "--config-file=/etc/bus.conf", "--nofork", "--nopidfile", "--print-address",
                            ready=None).stdout.readline()
            self.host.enter("firewall-offline-cmd", "--zone=public", "--add-service=smtp", "--add-service=http",
                            "--add-service=smtp-submission")
        self.daemon = self.host.child(*enter, "firewalld", "--nofork", "--nopid")
        for _ in range(120):
            done = subprocess.run([*enter, "firewall-cmd", "--state"], env=self.host.env, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            if done.returncode == 0:
                return
            assert self.daemon.poll() is None, self.daemon.stdout.read()
            time.sleep(0.2)
        raise AssertionError(done.stdout)

    def stop(self):
        self.daemon.kill()
        self.daemon.wait()


FIREWALLS = {"nftables": Plain, "debian": Debian, "ubuntu": Ufw, "almalinux": Firewalld}
