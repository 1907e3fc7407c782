# SPDX-License-Identifier: Apache-2.0
"""The Linux recipes in force: only whom they allow reaches a mail port, until --undo.

Each runs as it is printed, with the real nft, iptables, netfilter-persistent, ufw and firewalld, in
namespaces of its own. A restart is played by emptying the kernel and starting from the files.
"""
import os
import pty
import re
import select
import subprocess

import host_net
import pytest
from host_net import FIREWALLS, GUEST, PEERS, RELAYS, SERVER, Host, has_tool

def quick(*platforms):
    """All platforms, the others in the long suite only: ufw and firewalld take their time for each command."""
    return [name if name in platforms else pytest.param(name, marks=pytest.mark.slow) for name in FIREWALLS]


SOME = quick("nftables", "debian")
MAIL_USER = "mail"
MAIL_UID, OTHER_UID = 8, 65534
PORTS = (25, 80, 587)
LOOPBACK = ("127.0.0.1", "::1")


@pytest.fixture
def host(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    it = Host(str(tmp_path))
    try:
        try:
            it.up()
        except AssertionError as problem:
            pytest.skip(f"no namespaces, bridge or overlay here: {problem}")
        yield it
    finally:
        it.down()


def firewall(host, platform):
    made = FIREWALLS[platform](host)
    missing = [tool for tool in ("nft", *made.tools) if not has_tool(tool)]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)} (tools/unpack-firewalls)")
    made.start(True)
    return made


def recipe(built, *words):
    return host_net.run(os.path.join(built, "src", "cli", "postern"), "recipe", *words)


class Wish:
    """What is asked for, and what must be refused then."""

    def __init__(self, direction, family="both", ports="25", user=True, hosts=True):
        self.ways = ("in", "out") if direction == "both" else (direction,)
        self.families = (4, 6) if family == "both" else (int(family),)
        self.ports = [int(p) for p in ports.split(",")]
        self.user = user and direction != "in"
        self.hosts = [h for h in RELAYS if (6 if ":" in h else 4) in self.families] if hosts else []
        self.words = ["--direction", direction, "--family", family, "--ports", ports]
        self.words += ["--allow", MAIL_USER] if self.user else []
        for address in self.hosts:
            self.words += ["--allow", address]

    def is_refused(self, way, uid, other, port):
        return (way in self.ways and (6 if ":" in other else 4) in self.families and port in self.ports and other not in LOOPBACK
                and other not in SERVER and other not in self.hosts and not (self.user and way == "out" and uid == MAIL_UID))

    def tries(self, in_force):
        def word(*args):
            return "refused" if in_force and self.is_refused(*args) else "passes"

        leaving = {(uid, to, port, ""): word("out", uid, to, port) for uid in (MAIL_UID, OTHER_UID, 0)
                   for to in PEERS + RELAYS + LOOPBACK + SERVER for port in PORTS if uid or port == 25}
        coming = {(0, to, port, source): word("in", 0, source, port) for at in (PEERS, RELAYS)
                  for to, source in zip(SERVER, at) for port in PORTS}
        return leaving, coming


def wrong(host, wish, in_force):
    leaving, coming = wish.tries(in_force)
    return host.tries(leaving), host.tries(coming, where="peer")


RIGHT = ({}, {})
# Written by netfilter-persistent with what is in force, recipe or not.
SAVED = ("iptables/rules.v4", "iptables/rules.v6")
# firewalld's own leftovers of its direct interface: nothing, and its backup of what was.
DIRECT = {"firewalld/direct.xml": b'<?xml version="1.0" encoding="utf-8"?>\n<direct>\n</direct>\n'}


def changed(before, after):
    return {p: after.get(p) for p in before.keys() | after.keys()
            if p not in SAVED + ("firewalld/direct.xml.old",) and after.get(p) not in (before.get(p), DIRECT.get(p))}


def whole_life(built, host, platform, wish):
    wall = firewall(host, platform)
    text, undo = recipe(built, platform, *wish.words), recipe(built, platform, *wish.words, "--undo")
    rules, files = host.rules(), host.files()
    assert wrong(host, wish, False) == RIGHT

    host.script(text)
    assert wrong(host, wish, True) == RIGHT
    in_force = host.rules()
    host.script(text)  # twice is once
    assert host.rules() == in_force
    assert wrong(host, wish, True) == RIGHT

    wall.stop()
    host.forget()
    wall.start(False)
    assert wrong(host, wish, True) == RIGHT

    for _ in range(2):
        host.script(undo)
        assert wrong(host, wish, False) == RIGHT
        assert host.rules() == rules
        assert changed(files, host.files()) == {}
    if platform != "nftables":
        wall.stop()
        host.forget()
        wall.start(False)
        assert host.rules() == rules


@pytest.mark.parametrize("platform", quick("nftables", "debian", "ubuntu"))
def test_only_the_mail_server_mails(built, host, platform):
    whole_life(built, host, platform, Wish("both"))


@pytest.mark.slow
def test_firewalld_policies(built, host):
    whole_life(built, host, "almalinux", Wish("both", user=False))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["4", "6", "both"])
@pytest.mark.parametrize("direction", ["in", "out", "both"])
@pytest.mark.parametrize("platform", FIREWALLS)
def test_every_way(built, host, platform, direction, family):
    whole_life(built, host, platform, Wish(direction, family, ports="25,587", hosts=family != "both"))


@pytest.mark.parametrize("platform", quick("nftables", "debian", "almalinux"))
def test_another_wish_replaces_the_first(built, host, platform):
    """Fewer exceptions, other ports: nothing of the first recipe stays, and the second's undo finds all."""
    wall = firewall(host, platform)
    rules, files = host.rules(), host.files()
    first, second = Wish("out", ports="25,587"), Wish("both", ports="25", user=False)
    host.script(recipe(built, platform, *first.words))
    assert wrong(host, first, True) == RIGHT
    host.script(recipe(built, platform, *second.words))
    assert wrong(host, second, True) == RIGHT
    wall.stop()
    host.forget()
    wall.start(False)
    assert wrong(host, second, True) == RIGHT
    host.script(recipe(built, platform, *second.words, "--undo"))
    assert host.rules() == rules
    assert changed(files, host.files()) == {}


def test_a_guest_is_not_covered(built, host):
    """What the recipe says of bridged guests is true."""
    firewall(host, "nftables")
    host.script(recipe(built, "nftables", *Wish("both").words))
    assert host.tries({(OTHER_UID, address, 25, ""): "passes" for address in PEERS}, where="guest") == {}
    assert host.tries({(OTHER_UID, address, 25, ""): "refused" for address in PEERS}) == {}
    assert host.tries({(0, address, 25, GUEST[i]): "refused" for i, address in enumerate(SERVER)}, where="guest") == {}


# Fills the pipe, closes, and is gone while its bytes are still on their way.
SENDER = """
import os, socket, sys
os.setgroups([]); os.setuid(int(sys.argv[1]))
s = socket.create_connection((sys.argv[2], 2525), 5)
print("open", flush=True)
sys.stdin.readline()
s.setblocking(False)
n = 0
try:
    while n < 4 << 20:
        n += s.send(b"x" * 65536)
except BlockingIOError:
    pass
print(n, flush=True)
"""
READER = """
import socket, sys
l = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
l.bind((sys.argv[1], 2525)); l.listen(1)
print("ready", flush=True)
c = l.accept()[0]
sys.stdin.readline()
n = 0
try:
    while True:
        got = c.recv(65536)
        if not got: break
        n += len(got)
    print(n, flush=True)
except OSError as problem:
    print(problem, flush=True)
"""


def sent_and_read(host, uid, address, after_open):
    """(octets that the sender handed over, what the reader got), the sender being gone before it is read."""
    def start(name, code, *words):
        command = ["ip", "netns", "exec", host.names[name], "/usr/bin/python3", "-c", code, *words]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        host.children.append(child)
        return child

    reader = start("peer", READER, address)
    assert reader.stdout.readline() == "ready\n"
    sender = start("server", SENDER, str(uid), address)
    assert sender.stdout.readline() == "open\n"
    after_open()
    sent = sender.communicate("go\n", timeout=20)[0].strip()
    got = reader.communicate("go\n", timeout=60)[0].strip()
    return sent, got


@pytest.mark.parametrize("platform", ["nftables", "debian"])
@pytest.mark.parametrize("address", PEERS)
def test_a_closed_connection_is_delivered(built, host, platform, address):
    """A closed socket has no user any more: what the mail server left in it must not be refused for that."""
    firewall(host, platform)
    host.script(recipe(built, platform, *Wish("out", ports="25,2525").words))
    sent, got = sent_and_read(host, MAIL_UID, address, lambda: None)
    assert int(sent) > 0 and got == sent


def test_what_was_open_goes_on(built, host):
    """As the recipe says: rules hold for new connections."""
    firewall(host, "nftables")
    text = recipe(built, "nftables", *Wish("out", ports="25,2525").words)
    sent, got = sent_and_read(host, OTHER_UID, PEERS[0], lambda: host.script(text))
    assert got == sent
    assert "open already" in text


@pytest.mark.parametrize("platform", SOME)
def test_replies_to_a_high_port_pass(built, host, platform):
    """A client that happens to call from port 2525 gets its answer."""
    firewall(host, platform)
    host.script(recipe(built, platform, *Wish("both", ports="25,2525", user=False, hosts=False).words))
    code = ("import socket,sys\ns=socket.socket(socket.AF_INET)\ns.bind((sys.argv[1],2525))\n"
            "s.settimeout(5)\ns.connect((sys.argv[2],80))\n")
    host_net.run("ip", "netns", "exec", host.names["peer"], "/usr/bin/python3", "-c", code, PEERS[0], SERVER[0])


def test_pasted_into_a_terminal(built, host):
    """Line by line into an interactive shell: comments and here documents too; the shell lives on."""
    firewall(host, "nftables")
    wish = Wish("both")
    leader, follower = pty.openpty()
    shell = subprocess.Popen(["nsenter", "-t", str(host.holder.pid), "-m", "-n", "sh", "-i"], stdin=follower, stdout=follower,
                             stderr=follower, env={**host.env, "PS1": "$ "}, start_new_session=True)
    host.children.append(shell)
    os.close(follower)
    shell.stdout = os.fdopen(leader, "rb", buffering=0)
    said = b""
    for line in (recipe(built, "nftables", *wish.words) + "echo do''ne $?\n").splitlines(keepends=True):
        os.write(leader, line.encode())
        while select.select([leader], [], [], 0.01)[0]:
            said += os.read(leader, 65536)
    while not re.search(rb"done \d+\s", said) and select.select([leader], [], [], 60)[0]:
        said += os.read(leader, 65536)
    assert re.search(rb"done 0\s", said), said
    assert wrong(host, wish, True) == RIGHT


@pytest.mark.parametrize("platform", SOME)
def test_a_failure_leaves_no_half(built, host, platform):
    """A user that is not on this server: an error, and no rule is changed."""
    firewall(host, platform)
    rules = host.rules()
    with pytest.raises(AssertionError):
        host.script(recipe(built, platform, "--allow", "nobody-of-this-name"))
    assert host.rules() == rules


def test_unknown_words(built):
    postern = os.path.join(built, "src", "cli", "postern")
    for words, known in ((["plan9"], "almalinux"), (["debian", "--ports", "80"], "2525"), (["debian", "--family", "5"], "both"),
                         (["debian", "--allow", "a;id"], "postfix"), (["debian", "--allow", "relay.example"], "192.0.2.25")):
        done = subprocess.run([postern, "recipe", *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 2 and done.stdout == "" and known in done.stderr, done
