# SPDX-License-Identifier: Apache-2.0
"""The gate alone, on a router with real TCP through it, over IPv4 and IPv6."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import gate_net
import pytest
from gate_net import A, B, MX, ROUTER, SOURCE_A, SOURCE_B, Net

FAMILIES = pytest.mark.parametrize("family", [4, 6])


@pytest.fixture(scope="session", autouse=True)
def home():
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    gate_net.prepare()


@pytest.fixture
def net():
    made = Net()
    yield made
    made.down()


def open_ports(net, family, *ports):
    return [net.listen("m", family, p) for p in ports]


def is_open(result):
    if isinstance(result, str):
        return False
    result.close()
    return True


def ended(sock, timeout=3.0):
    """How a connection ends: 'reset', 'closed', or 'open' when it does not within the time."""
    sock.settimeout(timeout)
    try:
        while True:
            if sock.recv(65536) == b"":
                return "closed"
    except ConnectionResetError:
        return "reset"
    except (socket.timeout, TimeoutError):
        return "open"


@FAMILIES
def test_block_and_release(net, family):
    """New connections of the blocked customer are refused, nothing else is touched, and back."""
    servers = open_ports(net, family, 25, 465, 587, 80)
    net.start()
    assert is_open(net.connect("a", A[family], MX[family], 25))
    report = net.order("judge", 1, SOURCE_A[10 - family], "block")  # the other family's source of the same server
    assert report["apply_us"] > 0
    started = time.monotonic()
    assert net.connect("a", A[family], MX[family], 25) == "refused"
    assert time.monotonic() - started < 1
    assert net.connect("a", A[family], MX[family], 465) == "refused"
    assert is_open(net.connect("a", A[family], MX[family], 587))
    assert is_open(net.connect("a", A[family], MX[family], 80))
    assert is_open(net.connect("b", B[family], MX[family], 25))
    inbound = net.listen("a", family, 25)
    caller = net.connect("m", MX[family], A[family], 25)
    assert not isinstance(caller, str), "inbound mail must stay open"
    taken, _ = inbound.accept()
    caller.sendall(b"EHLO mx\r\n")
    assert taken.recv(100) == b"EHLO mx\r\n"
    taken.sendall(b"250 a\r\n")
    assert caller.recv(100) == b"250 a\r\n"
    assert net.report("judge", 1, "proved")["hits"] >= 2
    net.order("desk", 1, SOURCE_A[family], "pass", giver="staff", state="released")
    net.report("judge", 1, "released")
    assert is_open(net.connect("a", A[family], MX[family], 25))
    assert "192.0.2.20" not in net.nft("list", "set", "inet", "postern", "b_reset_4_25_465")
    assert "192.0.2.20" not in net.nft("list", "set", "inet", "postern", "back_reset_4_25_465")
    for s in servers + [inbound, taken, caller]:
        s.close()


class Busy(threading.Thread):
    """A client that sends every few milliseconds and a server that notes when the last octet came."""

    def __init__(self, client, server):
        super().__init__(daemon=True)
        self.client, self.server = client, server
        self.client_end = self.server_end = None
        self.last_octet = 0.0
        self.other = threading.Thread(target=self.read, daemon=True)

    def read(self):
        self.server.settimeout(5)
        try:
            while self.server.recv(4096):
                self.last_octet = time.monotonic()
            self.server_end = "closed"
        except ConnectionResetError:
            self.server_end = "reset"
        except (socket.timeout, TimeoutError):
            self.server_end = "open"

    def run(self):
        self.other.start()
        try:
            for _ in range(600):
                self.client.sendall(b"x" * 100)
                time.sleep(0.005)
            self.client_end = "open"
        except (ConnectionResetError, BrokenPipeError):
            self.client_end = "reset"
        self.other.join()


@FAMILIES
@pytest.mark.parametrize("feel", ["reset", "drop"])
def test_running_sessions_end_on_both_sides(family, feel):
    net = Net(feel=feel)
    try:
        server = net.listen("m", family, 25)
        pairs = []
        for who, own in (("a", A), ("a", A), ("b", B)):
            client = net.connect(who, own[family], MX[family], 25)
            pairs.append((client, server.accept()[0]))
        net.start()
        for client, _ in pairs:
            net.tell(f"flow {client.getsockname()[0]} {client.getsockname()[1]} {MX[family]} 25")
        busy = Busy(*pairs[0])
        busy.start()
        time.sleep(0.1)
        net.driver.stdin.write(f"order judge 1 0 {SOURCE_A[family]} block judge enforce 0\n".encode())
        net.wait_for(f"asked {SOURCE_A[family]}")  # the server's other family is asked for, too
        blocked_at = time.monotonic()
        net.tell("flows clear")  # the tap would see the resets
        idle_client, idle_server = pairs[1]
        assert ended(idle_client) == "reset"
        assert ended(idle_server) == "reset"
        busy.join(10)
        assert (busy.client_end, busy.server_end) == ("reset", "reset")
        assert busy.last_octet < blocked_at + 0.1
        # Each source of the server was asked for; the flows are those of this one.
        while int(net.wait_for("report judge judge 1").split()[7]) < 2:
            pass
        other_client, other_server = pairs[2]
        other_client.sendall(b"still here")
        assert other_server.recv(100) == b"still here"
        expected = "refused" if feel == "reset" else "timeout"
        assert net.connect("a", A[family], MX[family], 25, timeout=0.7) == expected
    finally:
        net.down()


@FAMILIES
def test_running_inbound_session_stays(net, family):
    inbound = net.listen("a", family, 25)
    net.start()
    caller = net.connect("m", MX[family], A[family], 25)
    taken, _ = inbound.accept()
    net.order("judge", 1, SOURCE_A[family], "block")
    for _ in range(3):
        caller.sendall(b"MAIL\r\n")
        assert taken.recv(100) == b"MAIL\r\n"
        taken.sendall(b"250\r\n")
        assert caller.recv(100) == b"250\r\n"
        time.sleep(0.05)


@FAMILIES
def test_throttle_limits_new_connections(net, family):
    server = net.listen("m", family, 25)
    net.start()
    net.order("judge", 1, SOURCE_A[family], "throttle")
    results = [net.connect("a", A[family], MX[family], 25, timeout=0.6) for _ in range(5)]
    assert [r if isinstance(r, str) else "open" for r in results] == ["open"] * 3 + ["timeout"] * 2
    results[0].sendall(b"EHLO a\r\n")  # what is open stays open
    assert server.accept()[0].recv(100) == b"EHLO a\r\n"
    assert is_open(net.connect("b", B[family], MX[family], 25))


@FAMILIES
def test_block_outlives_the_gate(net, family):
    """kill -9, a block stands; back again, it knows everything and repairs what was lost."""
    server = net.listen("m", family, 25)
    net.start()
    net.order("judge", 7, SOURCE_A[family], "block")
    net.order("desk", 3, SOURCE_B[family], "block", giver="staff")
    net.kill()
    assert net.connect("a", A[family], MX[family], 25) == "refused"
    net.start()
    assert "hello judge 7 3" in net.said
    assert net.connect("a", A[family], MX[family], 25) == "refused"
    net.kill()
    net.nft("flush", "ruleset")  # nobody protects the table while the gate is dead
    assert is_open(net.connect("a", A[family], MX[family], 25))
    net.start()
    assert net.connect("a", A[family], MX[family], 25) == "refused"
    assert net.connect("b", B[family], MX[family], 25) == "refused"
    net.order("judge", 7, SOURCE_A[family], "block")  # the same number again changes nothing
    net.order("judge", 8, SOURCE_A[family], "pass", state="released")
    net.stop()
    net.start()
    assert is_open(net.connect("a", A[family], MX[family], 25))
    assert net.connect("b", B[family], MX[family], 25) == "refused"
    server.close()


def test_foreign_flush_does_not_open(net):
    net.listen("m", 4, 25)
    net.start()
    net.order("judge", 1, SOURCE_A[4], "block")
    net.nft("add", "table", "inet", "others")
    net.nft("flush", "ruleset")
    until = time.monotonic() + 5
    while net.connect("a", A[4], MX[4], 25, timeout=1) != "refused":
        assert time.monotonic() < until, "the table was not restored"
    assert "others" not in net.nft("list", "tables")


def test_observe_changes_nothing():
    net = Net(mode="observe")  # both networks
    try:
        net.listen("m", 4, 25)
        net.start()
        net.order("judge", 1, SOURCE_A[4], "block", mode="observe", state="would")
        net.order("desk", 1, SOURCE_A[4], "block", giver="staff", mode="enforce", state="would")
        assert "postern" not in net.nft("list", "tables")
        assert is_open(net.connect("a", A[4], MX[4], 25))
    finally:
        net.down()


def test_precedence_expiry_and_never_block(net):
    net.listen("m", 4, 25)
    net.start()
    net.order("judge", 1, "192.0.2.99", "block", state="refused")
    net.order("judge", 2, SOURCE_A[4], "block")
    net.order("desk", 1, SOURCE_A[4], "pass", giver="staff", seconds=3)
    assert is_open(net.connect("a", A[4], MX[4], 25))
    net.order("judge", 3, SOURCE_A[4], "block", state="wanted")  # staff goes before
    assert is_open(net.connect("a", A[4], MX[4], 25))
    net.report("desk", 1, "released")
    net.report("judge", 3, "installed")
    assert net.connect("a", A[4], MX[4], 25) == "refused"
    net.order("desk", 2, SOURCE_B[4], "block", giver="staff", seconds=2)
    assert net.connect("b", B[4], MX[4], 25) == "refused"
    net.report("desk", 2, "released")
    assert is_open(net.connect("b", B[4], MX[4], 25))


@FAMILIES
def test_own_mail_of_the_machine(net, family):
    """A source that is an address of the router itself is blocked on the way out too, on its ports only."""
    net.listen("m", family, 25)
    net.listen("m", family, 465)
    net.start()
    assert is_open(net.connect("r", ROUTER[family], MX[family], 25))
    net.order("desk", 1, ROUTER[family], "block", giver="staff", network=1)
    assert net.connect("r", ROUTER[family], MX[family], 25) == "refused"
    assert is_open(net.connect("r", ROUTER[family], MX[family], 465))


# The router's own addresses inside what it blocks for a customer.
INSIDE = {4: ("192.0.2.240/28", "192.0.2.254"), 6: (SOURCE_A[6], "2001:db8:0:20::1")}


@FAMILIES
@pytest.mark.parametrize("feel", ["reset", "drop"])
def test_own_address_inside_a_blocked_source(feel, family):
    """The router's notices go out though the customer's prefix is blocked in which its own address lies."""
    net = Net(feel=feel)
    try:
        source, own = INSIDE[family]
        net.listen("m", family, 25)
        net.start()
        net.order("desk", 1, source, "block", giver="staff")
        if family == 6:
            assert not is_open(net.connect("a", A[6], MX[6], 25))
        assert is_open(net.connect("r", own, MX[family], 25))
    finally:
        net.down()


def test_orders_wait_for_the_desk(net):
    net.start(desk=False)
    net.order("judge", 1, SOURCE_A[4], "block")
    net.order("judge", 2, SOURCE_A[4], "pass", state="released")
    net.kill()
    net.start(desk=False)
    net.tell("desk on")
    assert net.wait_for("hello desk") == "hello desk 2 0"
    net.driver.stdin.write(b"after 0 0\n")
    assert net.wait_for("journaled judge 1").endswith("192.0.2.20 block")
    assert net.wait_for("report desk judge 1").split()[5] == "released"
    net.wait_for("journaled judge 2")
    net.tell("committed judge 1")
    net.tell("committed judge 2")
    net.stop()
    net.start(desk=False)
    net.tell("desk on")
    net.wait_for("hello desk")
    net.said.clear()
    net.tell("after 2 0")
    net.driver.stdin.write(f"order judge 3 0 {SOURCE_B[4]} block judge enforce 0\n".encode())
    net.wait_for("journaled judge 3")
    assert not [l for l in net.said if l.startswith(("journaled judge 1", "journaled judge 2"))]


def test_torn_journal(net):
    net.listen("m", 4, 25)
    net.start()
    net.order("judge", 1, SOURCE_A[4], "block")
    net.kill()
    with open(os.path.join(net.state, "gate", "journal"), "ab") as journal:
        journal.write(b"\x00\x00\x01\x00half a record")
    net.nft("flush", "ruleset")
    net.start()
    assert net.connect("a", A[4], MX[4], 25) == "refused"
    assert "torn_bytes=17" in net.read_log()


def logged(net, word, timeout=10.0):
    until = time.monotonic() + timeout
    while word not in net.read_log():
        assert time.monotonic() < until, net.read_log()
        time.sleep(0.1)


def test_full_disk_forgets_no_order():
    """Orders that a full disk did not take are written when it does, whatever came between; until then it is said once."""
    net = Net(disk="64k")
    try:
        net.start()
        net.order("judge", 1, SOURCE_A[4], "block")
        with open(net.on_disk("filler"), "wb", buffering=0) as filler:
            with pytest.raises(OSError):
                while True:
                    filler.write(bytes(4096))
        for seq in range(2, 81):
            net.order("judge", seq, f"192.0.2.{seq + 100}", "block")
        logged(net, "gate.journal ")
        assert "errno=28" in net.read_log()
        os.unlink(net.on_disk("filler"))
        logged(net, "gate.journal_whole")
        assert net.read_log().count("gate.journal ") == 1
        net.order("judge", 81, "192.0.2.181", "block")
        net.kill()
        net.nft("flush", "ruleset")
        net.said.clear()
        net.start()
        assert "hello judge 81 0" in net.said
        net.report_known("judge", 81)
        told = [line.split()[2] for line in net.said if line.startswith("journaled judge ")]
        assert told == [str(seq) for seq in range(1, 82)]
        assert net.nft("list", "set", "inet", "postern", "b_reset_4_25_465").count("192.0.2.") == 81
    finally:
        net.down()


def test_panic_file_opens_everything(net):
    net.listen("m", 4, 25)
    net.start()
    net.order("judge", 1, SOURCE_A[4], "block")
    panic = os.path.join(net.state, "panic")
    with open(panic, "w", encoding="ascii"):
        pass
    net.report("judge", 1, "wanted")
    assert "postern" not in net.nft("list", "tables")
    assert is_open(net.connect("a", A[4], MX[4], 25))
    net.order("judge", 2, SOURCE_B[4], "block", state="refused")
    net.kill()
    net.start()
    assert "postern" not in net.nft("list", "tables")
    os.unlink(panic)
    net.report("judge", 1, "installed")
    assert net.connect("a", A[4], MX[4], 25) == "refused"
    assert is_open(net.connect("b", B[4], MX[4], 25))


def panic_open(net, *words):
    program = os.path.join(gate_net.build_folder(), "src", "cli", "postern")
    done = subprocess.run(["ip", "netns", "exec", net.names["r"], program, "panic-open", "--json", "--state", net.state, *words],
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--dry-run" not in words else done.stdout


@pytest.mark.parametrize("gate_is", ["alive", "stuck", "dead"])
def test_panic_open_command(net, gate_is):
    """Works beside a gate that owns its table, one that does not answer, and none."""
    net.listen("m", 4, 25)
    net.start()
    net.order("judge", 1, SOURCE_A[4], "block")
    if gate_is == "stuck":
        os.kill(net.pid, signal.SIGSTOP)
    elif gate_is == "dead":
        net.kill()
    assert "would remove table" in panic_open(net, "--dry-run")
    assert net.connect("a", A[4], MX[4], 25) == "refused"
    answer = panic_open(net)
    assert answer["panic_open"] and os.path.exists(answer["file"])
    assert answer["ended_process"] == (net.pid if gate_is == "stuck" else None)
    assert "postern" not in net.nft("list", "tables")
    assert is_open(net.connect("a", A[4], MX[4], 25))
    if gate_is == "stuck":
        net.wait_for("ended")
    if gate_is != "alive":
        net.start()
    time.sleep(0.5)
    assert is_open(net.connect("a", A[4], MX[4], 25))
    assert panic_open(net)["changed"] is False
    assert panic_open(net, "--lift")["changed"] is True
    net.report("judge", 1, "installed", "proved")  # by what it refused before, if the gate had seen that
    assert net.connect("a", A[4], MX[4], 25) == "refused"
    assert panic_open(net, "--lift")["changed"] is False


def test_table_lists_as_written(net):
    """What our netlink makes is what the nft program understands: it lists, and the list says what we mean."""
    net.start()
    net.order("judge", 1, SOURCE_A[4], "block")
    net.order("judge", 2, SOURCE_B[6], "throttle")
    table = net.nft("list", "table", "inet", "postern")
    for line in ("type filter hook forward priority filter - 10; policy accept;", "tcp dport @ports goto out",
                 "tcp sport @ports goto back", "ip saddr @b_reset_4_25_465 goto b_reset_4_25_465",
                 "ip6 saddr & ffff:ffff:ffff:ffff:: == @throttle_6_64_6_3_25_465 fib saddr type != local goto throttle_6_64_6_3_25_465",
                 "ip daddr @back_reset_4_25_465 goto cut_25_465", "tcp dport != @ports_25_465 accept",
                 "update @hit4 { ip saddr counter }", "meta l4proto tcp reject with tcp reset",
                 "tcp flags != syn / syn,ack accept", "elements = { 25, 465, 587 }",
                 "update @lim6_64 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate 6/minute burst 3 packets } accept"):
        assert line in table, f"{line}\n{table}"
