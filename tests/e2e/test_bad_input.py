# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind gives one clear message with its place, and the documented exit code.

Run with each build that is there: in the sanitized one nothing may crash either.
"""
import gzip
import os
import random
import re
import struct
import subprocess

import pytest

from conftest import ROOT
from lab import guard, world

BUILDS = [n for n in ("release", "tests", "sanitize") if os.path.exists(os.path.join(ROOT, "build", n, "src", "cli", "postern"))]
GOOD = """state_dir: {state}
listen: {{ api: "127.0.0.1:8025", socket: {state}/api.sock }}
networks:
  - name: customers
    prefixes: [192.0.2.0/24]
    interfaces: [lo]
tenants:
  - name: a
    contacts: [owner@a.example]
    servers:
      - {{ name: a1, sources: [192.0.2.10] }}
"""
# What is wrong: (text to replace, by what, line of the mistake, words of the message)
CONFIGS = {
    "unknown key": ("    interfaces: [lo]", "    interfaces: [lo]\n    postur: open", 7, ["postur", "posture"]),
    "wrong type": ("    prefixes: [192.0.2.0/24]", "    prefixes: yes please", 5, ["prefixes"]),
    "tab": ("    interfaces: [lo]", "\tinterfaces: [lo]", 6, ["tab"]),
    "prefix of two tenants": ("      - {{ name: a1, sources: [192.0.2.10] }}".replace("{{", "{").replace("}}", "}"),
                              "      - { name: a1, sources: [192.0.2.10] }\n  - name: b\n    contacts: [owner@b.example]\n"
                              "    servers:\n      - { name: b1, sources: [192.0.2.10] }", 15, ["192.0.2.10", ":11"]),
}


@pytest.fixture(params=BUILDS or ["none"])
def build(request):
    if request.param == "none":
        pytest.skip("postern is not built")
    return os.path.join(ROOT, "build", request.param)


def postern(build, *args, stdin=subprocess.DEVNULL):
    return subprocess.run([os.path.join(build, "src", "cli", "postern"), *args], stdin=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)


def one_message(text, *words, mark=""):
    """Exactly one line that is not empty (and has the mark), with these words."""
    assert "AddressSanitizer" not in text and "runtime error" not in text
    lines = [line for line in text.splitlines() if line.strip() and mark in line]
    assert len(lines) == 1, text
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize("what", CONFIGS)
def test_config(build, tmp_path, what):
    old, new, line, words = CONFIGS[what]
    good = GOOD.format(state=tmp_path)
    assert old in good
    conf = tmp_path / "postern.yaml"
    conf.write_text(good)
    assert postern(build, "config", "check", str(conf)).returncode == 0
    conf.write_text(good.replace(old, new))
    done = postern(build, "config", "check", str(conf))
    assert done.returncode == 1
    one_message(done.stdout + done.stderr, *words, mark=": error: ")
    assert re.search(rf"postern\.yaml:{line}:\d+: error", done.stdout), done.stdout


@pytest.mark.parametrize("what", CONFIGS)
def test_config_stops_the_daemon(build, tmp_path, what):
    old, new, line, words = CONFIGS[what]
    conf = tmp_path / "postern.yaml"
    conf.write_text(GOOD.format(state=tmp_path).replace(old, new))
    daemon = os.path.join(build, "src", "daemon", "posternd")
    done = subprocess.run([daemon, "-f", "-c", str(conf)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    assert done.returncode == 2
    one_message(done.stderr, f"postern.yaml:{line}:", *words, mark=": error: ")


def test_config_with_a_missing_interface_is_a_warning(build, tmp_path):
    conf = tmp_path / "postern.yaml"
    conf.write_text(GOOD.format(state=tmp_path).replace("[lo]", "[lo, nosuch0]"))
    done = postern(build, "config", "check", str(conf))
    assert done.returncode == 0
    one_message(done.stdout, "nosuch0", "postern.yaml:6:", mark=": warning: ")


def capture(frames):
    """A pcap file of Ethernet frames."""
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for number, frame in enumerate(frames):
        out += struct.pack("<IIII", 1700000000 + number, 0, len(frame), len(frame)) + frame
    return out


def test_scan_of_a_truncated_capture(build, tmp_path):
    whole = capture([bytes(60)] * 5)
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[:-20])
    done = postern(build, "scan", "--json", str(path))
    assert done.returncode == 7
    one_message(done.stderr, "cut.pcap")
    assert '"truncated":true' in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_scan_of_noise(build, tmp_path, pack):
    path = tmp_path / "noise.pcap"
    path.write_bytes(pack(random.Random(25).randbytes(100000)))
    done = postern(build, "scan", "--json", str(path))
    assert done.returncode == 1
    one_message(done.stderr, "noise.pcap")


def test_scan_of_noise_behind_a_good_head(build, tmp_path):
    """Frames of noise are frames all the same: counted, ignored, no crash."""
    rng = random.Random(465)
    path = tmp_path / "frames.pcap"
    path.write_bytes(capture([rng.randbytes(rng.randrange(1, 1500)) for _ in range(2000)]))
    done = postern(build, "scan", "--json", str(path))
    assert done.returncode in (0, 7)
    assert '"frames":2000' in done.stdout.splitlines()[-1]


def test_scan_of_no_file(build, tmp_path):
    done = postern(build, "scan", "--json", str(tmp_path / "nosuch.pcap"))
    assert done.returncode == 4
    one_message(done.stderr, "nosuch.pcap")


# ---- the daemon, on a gateway of its own ----

@pytest.fixture(scope="module")
def gateway(features, built):
    with world.World() as lab:
        yield lab


def posternd(lab, build, conf_text, name="bad.yaml"):
    """(exit code, stderr) of a start that is expected to end by itself."""
    conf = os.path.join(lab.folder, name)
    with open(conf, "w", encoding="utf-8") as out:
        out.write(conf_text)
    code, _, err = lab.machines["gw"].try_run(
        ["timeout", "-s", "TERM", "30", os.path.join(build, "src", "daemon", "posternd"), "-f", "-c", conf])
    assert "AddressSanitizer" not in err
    return code, err


def test_start_without_any_interface(gateway, build):
    code, err = posternd(gateway, build, guard.config(gateway, interfaces="[nosuch0, nosuch1]"))
    assert code == 1
    assert "nosuch0" in err


def test_start_on_a_busy_port(gateway, build):
    holder = gateway.machines["gw"].popen(
        ["/usr/bin/python3", "-c", "import socket,sys; s=socket.create_server(('127.0.0.1',8025)); print('up',flush=True);"
         "sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"up\n"
        code, err = posternd(gateway, build, guard.config(gateway))
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
    assert code == 1
    assert "8025" in err and "in use" in err


def test_start_on_a_full_disk(gateway, build):
    gw = gateway.machines["gw"]
    place = os.path.join(gateway.folder, f"full-{os.path.basename(build)}")
    os.makedirs(place)
    gw.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place])
    gw.run(["sh", "-c", f"dd if=/dev/zero of={place}/fill bs=4k 2>/dev/null || true"])
    try:
        code, err = posternd(gateway, build, guard.config(gateway, state=f"{place}/state"))
    finally:
        gw.run(["umount", place])
    assert code == 1
    assert "No space left" in err and place in err


def test_nothing_is_left_of_failed_starts(gateway, build):
    """A start that failed leaves no process behind, and nobody shut."""
    posternd(gateway, build, guard.config(gateway, interfaces="[nosuch0]"))
    assert not [o for o in gateway.ruleset() if "set" in o and o["set"]["name"].startswith("b_") and "elem" in o["set"]]
    assert "posternd" not in gateway.machines["gw"].run(["ps", "ax", "-o", "comm"])


