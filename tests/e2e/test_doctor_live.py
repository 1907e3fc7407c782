# SPDX-License-Identifier: Apache-2.0
"""A program that mails past the mail server, in a namespace of its own: seen by its user, not its name."""
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

POSTFIX = "2026-11-20T10:0{n}:00+00:00 m postfix/qmgr[7]: 4ABCDE123{n}: from=<a@b.example>, size=900, nrcpt=1 (queue active)\n"

# Argument: uid, then "address port" pairs. Says when all are tried, then keeps them.
TALKER = """
import os, socket, sys, time
os.setgid(65534); os.setuid(int(sys.argv[1]))
kept = []
for host, port in zip(sys.argv[2::2], sys.argv[3::2]):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setblocking(False)
    try:
        s.connect((host, int(port)))
    except BlockingIOError:
        pass
    kept.append(s)
print("tried", flush=True)
time.sleep(60)
"""


@pytest.fixture
def room(features, tmp_path):
    """A machine of its own: network, mounts, /var/log. Connections to 192.0.2.0/24 and 2001:db8::/64 get no answer."""
    script = (f"mount --make-rprivate / && mount --bind {tmp_path}/log /var/log && mount --bind {tmp_path}/passwd /etc/passwd && "
              "ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip link add far type veth peer name deaf && "
              "ip link set far up && ip link set deaf up && ip addr add 198.51.100.1/24 dev far && ip addr add 2001:db8:9::1/64 dev far nodad && "
              "ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev far && ip neigh add 2001:db8:9::9 lladdr 02:00:00:00:00:09 dev far && "
              "ip route add 192.0.2.0/24 via 198.51.100.9 && ip route add 2001:db8::/64 via 2001:db8:9::9 && echo ready && exec sleep 300")
    (tmp_path / "log").mkdir()
    now = time.time()
    (tmp_path / "log" / "mail.log").write_text("".join(
        f"{time.strftime('%Y-%m-%dT%H:%M:%S+00:00', time.gmtime(now - 60 * (9 - n)))} m postfix/{line}\n" for n in range(9)
        for line in (f"smtpd[5]: 4ABCDE123{n}: client=mx.example[192.0.2.99]", f"cleanup[6]: 4ABCDE123{n}: message-id=<{n}@b.example>",
                     f"qmgr[7]: 4ABCDE123{n}: from=<a@b.example>, size=900, nrcpt=1 (queue active)")))
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\npostfix:x:801:801::/:/bin/false\nsite7:x:802:802::/:/bin/false\n")
    holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    yield Room(holder, tmp_path)
    for process in [*Room.started, holder]:
        process.kill()
        process.wait()
        process.stdout.close()
    Room.started.clear()


class Room:
    started = []

    def __init__(self, holder, folder):
        self.enter = ["nsenter", "-t", str(holder.pid), "-n", "-m", "--"]
        self.folder = folder

    def talk(self, uid, *pairs, name="python3"):
        """Connections of a user; the program may call itself anything."""
        p = subprocess.Popen([*self.enter, "sh", "-c", 'exec "$0" "$@"', sys.executable, "-c", TALKER, str(uid), *pairs],
                             stdout=subprocess.PIPE, text=True, cwd="/")
        Room.started.append(p)
        assert p.stdout.readline() == "tried\n"
        return p

    def talk_as(self, name, uid, *pairs):
        copy = self.folder / name
        shutil.copy(os.path.realpath(sys.executable), copy)
        p = subprocess.Popen([*self.enter, str(copy), "-c", TALKER, str(uid), *pairs], stdout=subprocess.PIPE, text=True, cwd="/")
        Room.started.append(p)
        assert p.stdout.readline() == "tried\n"
        return p

    def doctor(self, built, *arguments, user=()):
        began = time.monotonic()
        done = subprocess.run([*self.enter, *user, os.path.join(built, "src", "cli", "postern"), "doctor", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), time.monotonic() - began


def test_the_mail_servers_own_connections_accuse_nobody(room, built):
    room.talk(801, *[x for n in range(8) for x in (f"192.0.2.{n + 10}", "25")])
    answer, _ = room.doctor(built, "--json")
    assert answer["accused"] == [] and answer["verdict"] == "clean"
    assert answer["live"]["by_mail_server"] == 8 and answer["live"]["sockets"] == []


def test_a_message_that_is_in_no_log_and_a_connection(room, built):
    p = room.talk_as("smtpd", 802, "192.0.2.7", "25", "2001:db8::7", "25", "192.0.2.8", "587", "127.0.0.1", "25", "192.0.2.1", "25")
    alone, _ = room.doctor(built, "--json")
    assert alone["accused"] == [] and len(alone["live"]["sockets"]) == 3, "one or two connections alone accuse nobody"
    answer, seconds = room.doctor(built, "--json", "nowhere@b.example")
    assert seconds < 20
    guilty = answer["accused"][0]
    assert (guilty["kind"], guilty["name"], guilty["cause"]) == ("user", "site7", "direct") and answer["verdict"] == "abused"
    assert guilty["confidence"] > 0.9 and guilty["first"] is None
    assert answer["ids"] == [{"id": "nowhere@b.example", "found": False, "queue_id": None, "source": None, "coverage": "covered"}]
    sockets = {(s["remote"], s["port"]): s for s in answer["live"]["sockets"]}
    assert set(sockets) == {("192.0.2.7", 25), ("2001:db8::7", 25), ("192.0.2.8", 587)}
    s = sockets["192.0.2.7", 25]
    assert s["state"] == "syn_sent" and s["uid"] == 802 and s["user"] == "site7"
    assert s["process"]["pid"] == p.pid and s["process"]["exe"] == str(room.folder / "smtpd") and s["process"]["cwd"] == "/"
    assert "smtpd -c" in s["process"]["cmdline"] and s["parent"]["pid"] == os.getpid()


def test_many_connections_need_no_message(room, built):
    room.talk(802, *[x for n in range(6) for x in (f"192.0.2.{n + 10}", "25")])
    answer, _ = room.doctor(built, "--json")
    assert answer["accused"][0]["name"] == "site7" and answer["accused"][0]["cause"] == "direct"
    room_user, _ = room.doctor(built, "--json", "--mta-user", "site7")
    assert room_user["accused"] == []


def test_watching_sees_what_comes_later(room, built):
    watcher = subprocess.Popen([*room.enter, os.path.join(built, "src", "cli", "postern"), "doctor", "--json", "nowhere@b.example"],
                               stdout=subprocess.PIPE)
    time.sleep(2)
    assert watcher.poll() is None, "it goes on looking while the message is explained by nothing"
    room.talk(803, "192.0.2.9", "25")
    answer = json.loads(watcher.communicate(timeout=60)[0])
    assert answer["accused"][0]["name"] == "uid 803" and 1 <= answer["live"]["seconds"] < 30
    later, seconds = room.doctor(built, "--json", "--watch", "2")
    assert 2 <= seconds < 15 and later["live"]["seconds"] == 2


def test_without_rights_it_says_so(room, built):
    room.talk(802, "192.0.2.7", "25")
    answer, _ = room.doctor(built, "--json", "--watch", "0", user=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    assert answer["live"]["all_seen"] is False and answer["live"]["sockets"][0]["process"] is None


def test_a_copy_of_proc_is_read_too(built, tmp_path):
    for name in ("etc", "var/log", "proc/net"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("shop:x:900:900::/:/bin/sh\nbroken\nx:y:z\n:::\n")
    (tmp_path / "var/log/mail.log").write_text("".join(POSTFIX.format(n=n) for n in range(9)))
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   0: 0A0200C0:{port:04X} {far}0200C0:0019 0{st} 00000000:00000000 00:00000000 00000000   {uid}        0 {inode} 1 x 100 0 0 10 0\n"
    rows = [row.format(port=40000 + n, far=f"{n + 20:02X}", st=1 + n % 2, uid=900, inode=77 + n) for n in range(7)]
    table = tmp_path / "proc/net/tcp"

    def doctor(*arguments):
        done = subprocess.run([os.path.join(built, "src", "cli", "postern"), "doctor", "--root", str(tmp_path), "--json", *arguments],
                              stdout=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == 0
        return json.loads(done.stdout)
    assert doctor()["live"] is None
    table.write_text(head + "".join(rows))
    answer = doctor()
    assert answer["accused"][0]["name"] == "shop" and len(answer["live"]["sockets"]) == 7
    assert answer["live"]["sockets"][0]["process"] is None and answer["live"]["sockets"][0]["remote"] == "192.0.2.20"
    text = (head + "".join(rows)).encode()
    for cut in range(0, len(text), 37):
        table.write_bytes(text[:cut] + bytes([cut % 256]) + text[cut:][::-1])
        doctor()
