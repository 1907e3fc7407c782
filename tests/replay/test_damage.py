# SPDX-License-Identifier: Apache-2.0
"""Captures that are cut, damaged, noise, missing, joined or mixed: what was readable is said, and the rest
is told by the exit code. The captures are made here, so that these tests need nothing from elsewhere."""
import gzip
import os
import random
import struct
import subprocess

import pytest

from conftest import ROOT, Scan, capture, captures, check_shape, run

MAKE = os.path.join(ROOT, "tests", "bench", "wire", "make-capture")
HEADER = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "mail.pcap"
    subprocess.run([MAKE, str(path), "1", "7"], check=True, stdout=subprocess.DEVNULL)
    return path


def frames_of(octets):
    """[(seconds, microseconds, frame)]"""
    at, found = HEADER, []
    while at < len(octets):
        s, us, n, _ = struct.unpack_from("<IIII", octets, at)
        found.append((s, us, octets[at + 16:at + 16 + n]))
        at += 16 + n
    return found


def write_frames(path, head, frames):
    with open(path, "wb") as out:
        out.write(head)
        for n, (s, us, frame) in enumerate(frames):
            out.write(struct.pack("<IIII", s, us, len(frame), len(frame)) + frame)
    return str(path)


def essence(scan):
    """What must not depend on how frames came: messages of each connection, in order."""
    keep = ("client", "sport", "destination", "mail_from", "rcpt_to", "rcpt_accepted", "message_id", "subject", "size_bytes",
            "reply_code", "reply", "state", "lost_bytes", "score", "flagged")
    rows = [tuple(str(m[k]) for k in keep) for m in scan.messages]
    return sorted(rows)


def few(made, count):
    """The frames of the first connections only: small enough to be read hundreds of times."""
    head = made.read_bytes()[:HEADER]
    frames = frames_of(made.read_bytes())
    ports = []
    picked = []
    for s, us, frame in frames:
        v6 = frame[12:14] == b"\x86\xdd"
        tcp = frame[54:] if v6 else frame[34:]
        sport, dport = struct.unpack_from(">HH", tcp)
        key = (v6, frame[22:54] if v6 else frame[26:34], sport, dport)
        both = frozenset([key[1][:len(key[1]) // 2] + struct.pack(">H", sport), key[1][len(key[1]) // 2:] + struct.pack(">H", dport)])
        if both not in ports and len(ports) < count:
            ports.append(both)
        if both in ports:
            picked.append((s, us, frame))
    return head, picked


def test_the_whole_is_read(made):
    scan = Scan(str(made))
    assert scan.status == 0
    check_shape(scan.objects)
    assert len(scan.messages) > 50 and {m["state"] for m in scan.messages} == {"accepted"}
    assert scan.summary["lost_bytes"] == 0
    piped = Scan("-", stdin=made.read_bytes())
    assert essence(piped) == essence(scan)
    packed = Scan("-", stdin=gzip.compress(made.read_bytes()))
    assert essence(packed) == essence(scan)


def test_every_cut_says_what_was_before_it(made, tmp_path):
    head, frames = few(made, 1)
    path = write_frames(tmp_path / "one.pcap", head, frames[:14])
    octets = open(path, "rb").read()
    records = {HEADER}
    for _, _, frame in frames_of(octets):
        records.add(max(records) + 16 + len(frame))
    for n in sorted({*range(0, len(octets), len(octets) // 40), *range(0, HEADER + 20, 5), *records}):
        scan = Scan("--no-score", "-", stdin=octets[:n])
        if n < HEADER:
            assert (scan.status, scan.objects) == (1, []), n
            assert "octet" in scan.errors
            continue
        assert scan.status == (0 if n in records else 7), (n, scan.errors)
        assert scan.summary["truncated"] == (n not in records)
        assert scan.status == 0 or "octet" in scan.errors
        check_shape(scan.objects)


@pytest.mark.skipif(not captures(), reason="no captures of others here")
@pytest.mark.parametrize("name", ["zeek/smtp__smtp-bdat-cmd-invalid.pcapng", "zeek/smtp__smtp-many-addresses.pcap.gz", "arkime/smtp-zip.pcap"])
def test_real_captures_cut_anywhere(name):
    octets = open(capture(name), "rb").read()
    step = max(1, len(octets) // 20)
    for n in range(0, len(octets), step):
        scan = Scan("--no-score", "-", stdin=octets[:n])
        assert scan.status in (0, 1, 7), (n, scan.errors)
        if scan.objects:
            check_shape(scan.objects)


def test_noise(tmp_path, made):
    rng = random.Random(3)
    for n in range(12):
        path = tmp_path / "noise.pcap"
        path.write_bytes(rng.randbytes(rng.randrange(0, 5000)))
        status, out, errors = run("scan", "--json", str(path))
        assert (status, out) == (1, b"")
        assert len(errors.splitlines()) == 1 and "noise.pcap" in errors
    # Noise behind a good header, and within good frames.
    good = made.read_bytes()
    path.write_bytes(good[:HEADER] + rng.randbytes(3000))
    assert Scan(str(path)).status == 7
    for seed in range(6):
        rng = random.Random(seed)
        octets = bytearray(good[:200000])
        for _ in range(200):
            octets[rng.randrange(HEADER, len(octets))] = rng.randrange(256)
        path.write_bytes(octets)
        scan = Scan(str(path))
        assert scan.status in (0, 7), scan.errors
        check_shape(scan.objects)


def test_files_that_are_missing_or_one_of_many(made, tmp_path):
    assert run("scan", str(tmp_path / "none"))[0] == 4
    assert run("scan")[0] == 2
    assert run("scan", "--policy", str(tmp_path / "none"), str(made))[0] == 4
    scan = Scan(str(made), str(tmp_path / "none"))
    assert scan.status == 7 and len(scan.of("summary")) == 1
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run("scan", str(folder))[0] == 1


def test_join_reads_several_files_as_one(made, tmp_path):
    head, frames = few(made, 6)
    whole = Scan(write_frames(tmp_path / "whole.pcap", head, frames))
    middle = len(frames) // 2
    parts = [write_frames(tmp_path / f"{n}.pcap", head, part) for n, part in enumerate((frames[:middle], frames[middle:]))]
    joined = Scan("--join", *parts)
    assert joined.status == 0 and len(joined.of("summary")) == 1
    assert essence(joined) == essence(whole)
    apart = Scan(*parts)
    assert len(apart.of("summary")) == 2


def mixed(rng, frames):
    """Frames doubled, and moved a little, as a mirror of two directions does."""
    keyed = []
    for n, frame in enumerate(frames):
        for _ in range(2 if rng.random() < 0.1 else 1):
            keyed.append((n + rng.random() * 3, frame))
    keyed.sort(key=lambda k: k[0])
    return [f for _, f in keyed]


@pytest.mark.parametrize("seed", range(5))
def test_mixed_and_doubled_frames_say_the_same(made, tmp_path, seed):
    rng = random.Random(seed)
    head, frames = few(made, 8)
    whole = Scan(write_frames(tmp_path / "whole.pcap", head, frames))
    assert len(whole.messages) >= 8
    other = Scan(write_frames(tmp_path / "mixed.pcap", head, mixed(rng, frames)))
    assert other.status == 0
    assert essence(other) == essence(whole)


@pytest.mark.parametrize("seed", range(4))
def test_lost_frames_are_counted(made, tmp_path, seed):
    """A body without one of its frames: its octets are lost, the session goes on."""
    rng = random.Random(seed)
    head, frames = few(made, 1)
    full = [n for n, (_, _, f) in enumerate(frames) if len(f) > 1400]
    if len(full) < 3:
        pytest.skip("a short mail")
    gone = rng.choice(full[1:-1])
    left = [f for n, f in enumerate(frames) if n != gone]
    scan = Scan(write_frames(tmp_path / "gap.pcap", head, left))
    assert scan.status == 0
    assert sum(m["lost_bytes"] for m in scan.messages) == scan.summary["lost_bytes"] == 1448
    assert {m["state"] for m in scan.messages} == {"accepted"}


def test_one_side_alone(made, tmp_path):
    head, frames = few(made, 5)

    def from_client(frame):
        tcp = frame[54:] if frame[12:14] == b"\x86\xdd" else frame[34:]
        return struct.unpack_from(">H", tcp)[0] != 25

    both = Scan(write_frames(tmp_path / "both.pcap", head, frames))
    client = Scan(write_frames(tmp_path / "client.pcap", head, [f for f in frames if from_client(f[2])]))
    assert {m["state"] for m in client.messages} == {"unanswered"}
    assert sorted(m["message_id"] for m in client.messages) == sorted(m["message_id"] for m in both.messages)
    assert all(s["rung"] in ("pass", "watch", "throttle") for s in client.of("source"))
    server = Scan(write_frames(tmp_path / "server.pcap", head, [f for f in frames if not from_client(f[2])]))
    assert server.status == 0 and len(server.sessions) == 5
