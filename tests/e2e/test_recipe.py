# SPDX-License-Identifier: Apache-2.0
"""The Linux recipes in force: only the mail server's user reaches a peer's port 25, until --undo.

Each runs as it is printed, in namespaces of its own and with a copy of /etc, so that this machine
keeps its rules and files. systemd and apt are stood in for by programs that note their call.
"""
import os
import secrets
import shutil
import subprocess
import sys

import pytest

MAIL_USER = "mail"
MAIL_UID, OTHER_UID = 8, 65534
PEERS = ("192.0.2.2", "2001:db8:77::2")
HOSTS = ("192.0.2.3", "2001:db8:77::3")
LISTEN = """
import selectors, socket
s = selectors.DefaultSelector()
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    for port in (25, 80):
        l = socket.socket(family)
        l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            l.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        l.bind((address, port))
        l.listen(16)
        s.register(l, 1)
print("ready", flush=True)
while True:
    for key, _ in s.select():
        key.fileobj.accept()[0].close()
"""
CONNECT = """
import os, socket, sys
os.setgroups([]); os.setuid(int(sys.argv[1]))
try:
    socket.create_connection((sys.argv[2], int(sys.argv[3])), 5).close()
except OSError as problem:
    print(problem); sys.exit(1)
"""


def run(*words, **kw):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw).stdout


class Pair:
    """A server and its peer, joined by a wire."""

    def __init__(self, folder):
        token = secrets.token_hex(3)
        self.server, self.peer = f"pt-rs{token}", f"pt-rp{token}"
        self.etc, self.bin = os.path.join(folder, "etc"), os.path.join(folder, "bin")
        self.calls = os.path.join(folder, "calls")
        self.listeners = []
        shutil.copytree("/etc", self.etc, symlinks=True)
        os.mkdir(self.bin)
        for name in ("systemctl", "apt-get", "netfilter-persistent"):
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n')
            os.chmod(path, 0o755)

    def up(self):
        for name in (self.server, self.peer):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "r0", "netns", self.server, "type", "veth", "peer", "name", "r0", "netns", self.peer)
        for name, v4, v6 in ((self.server, ["192.0.2.1"], ["2001:db8:77::1"]),
                             (self.peer, [PEERS[0], HOSTS[0]], [PEERS[1], HOSTS[1]])):
            for address in [a + "/24" for a in v4] + [a + "/64" for a in v6]:
                how = ["nodad"] if ":" in address else []
                if address.split("/")[0] in HOSTS:
                    how += ["preferred_lft", "0"]  # never the peer's own choice of a source
                run("ip", "-n", name, "addr", "add", address, "dev", "r0", *how)
            run("ip", "-n", name, "link", "set", "r0", "up")
        for name in (self.server, self.peer):
            child = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, "-c", LISTEN], stdout=subprocess.PIPE)
            self.listeners.append(child)
            assert child.stdout.readline() == b"ready\n"

    def down(self):
        for child in self.listeners:
            child.kill()
            child.wait()
        for name in (self.server, self.peer):
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)

    def script(self, text):
        """Run it on the server, over the copy of /etc."""
        run("ip", "netns", "exec", self.server, "unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc && exec sh -s', self.etc,
            input=text, env={**os.environ, "PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"})

    def passes(self, uid, address, port=25, where=None):
        done = subprocess.run(["ip", "netns", "exec", where or self.server, sys.executable, "-c", CONNECT, str(uid), address, str(port)],
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.stderr == "", done.stderr
        assert done.returncode == 0 or "refused" in done.stdout, done.stdout
        return done.returncode == 0


@pytest.fixture
def pair(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    missing = [t for t in ("ip", "unshare", "nft") if shutil.which(t, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    it = Pair(str(tmp_path))
    try:
        try:
            it.up()
        except subprocess.CalledProcessError as problem:
            pytest.skip(f"no namespaces here: {problem.output.strip()}")
        yield it
    finally:
        it.down()


@pytest.mark.parametrize("platform", ["nftables", "debian"])
def test_only_the_mail_server_mails(built, pair, platform):
    if platform == "debian":
        try:
            for tool in ("iptables", "ip6tables"):
                run("ip", "netns", "exec", pair.server, tool, "-w", "-A", "OUTPUT", "-m", "owner", "--uid-owner", "1")
                run("ip", "netns", "exec", pair.server, tool, "-w", "-D", "OUTPUT", "-m", "owner", "--uid-owner", "1")
        except (OSError, subprocess.CalledProcessError) as problem:
            pytest.skip(f"no iptables that matches users: {getattr(problem, 'output', problem)}")
    words = [os.path.join(built, "src", "cli", "postern"), "recipe", platform, "--direction", "both", "--allow", MAIL_USER]
    for host in HOSTS:
        words += ["--allow", host]
    tools = [["nft", "list", "ruleset"]]
    if platform == "debian":
        tools = [["iptables", "-S"], ["ip6tables", "-S"]]

    def state():
        return [run("ip", "netns", "exec", pair.server, *tool) for tool in tools]

    before = state()
    for address in PEERS:
        assert pair.passes(OTHER_UID, address)

    pair.script(run(*words))
    for address in PEERS:
        assert not pair.passes(OTHER_UID, address)
        assert not pair.passes(0, address)
        assert pair.passes(MAIL_UID, address)
        assert pair.passes(OTHER_UID, address, port=80)
    for address in HOSTS:
        assert pair.passes(OTHER_UID, address)
    for address in ("127.0.0.1", "::1"):
        assert pair.passes(OTHER_UID, address)
    for address in ("192.0.2.1", "2001:db8:77::1"):
        assert not pair.passes(0, address, where=pair.peer)
        assert pair.passes(0, address, port=80, where=pair.peer)
    with open(pair.calls, encoding="ascii") as file:
        calls = file.read()
    assert ("systemctl enable --now postern-recipe.service" if platform == "nftables" else "netfilter-persistent save") in calls

    pair.script(run(*words, "--undo"))
    for address in PEERS:
        assert pair.passes(OTHER_UID, address)
    assert pair.passes(0, "2001:db8:77::1", where=pair.peer)
    assert state() == before
    assert not os.path.exists(os.path.join(pair.etc, "postern-recipe.nft"))
    assert not os.path.exists(os.path.join(pair.etc, "systemd", "system", "postern-recipe.service"))


def test_unknown_words(built):
    postern = os.path.join(built, "src", "cli", "postern")
    for words, known in ((["plan9"], "almalinux"), (["debian", "--ports", "80"], "2525"), (["debian", "--family", "5"], "both"),
                         (["debian", "--allow", "a;id"], "postfix"), (["debian", "--allow", "relay.example"], "192.0.2.25")):
        done = subprocess.run([postern, "recipe", *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 2 and done.stdout == "" and known in done.stderr, done
