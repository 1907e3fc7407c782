# SPDX-License-Identifier: Apache-2.0
"""`postern origin` from outside: exit codes, JSON, text."""
import json
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FROM_WEB = "Received: from x (web1.host.example [192.0.2.7]) by mx.example (Postfix)\r\n"
LOCAL = "Received: by web1.host.example (Postfix, from userid 33)\r\n"
HOST = ["--host", "*.host.example"]


def origin(*args):
    for build in ("sanitize", "tests", "release"):
        program = os.path.join(ROOT, "build", build, "src", "cli", "postern")
        if os.path.exists(program):
            done = subprocess.run([program, "origin", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                                  check=False)
            return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode(errors="replace")
    pytest.fail("nothing is built: tools/build tests")
    return None


def mail(folder, header):
    path = os.path.join(folder, "mail.eml")
    with open(path, "wb") as file:
        file.write(header.encode("latin-1") + b"\r\nbody\r\n")
    return path


def test_relayed(tmp_path):
    path = mail(tmp_path, FROM_WEB + LOCAL + "X-PHP-Originating-Script: 33:m\xfc.php\r\nMessage-ID: <1@web1.host.example>\r\n")
    status, out, _ = origin(*HOST, "--json", path)
    assert status == 0
    assert json.loads(out) == {
        "type": "origin", "path": "relayed", "host": "web1.host.example", "script": "m\xfc.php", "account": None, "uid": 33,
        "matches": {"message_id": True, "received": True, "x_headers": False}, "believed": [LOCAL.strip()]}
    status, out, _ = origin(*HOST, path)
    assert status == 0 and "relayed" in out and "m\\xFC.php" in out


def test_direct(tmp_path):
    path = mail(tmp_path, FROM_WEB + "Message-ID: <1@elsewhere.example>\r\n")
    status, out, _ = origin(*HOST, "--json", path)
    found = json.loads(out)
    assert (status, found["path"], found["host"]) == (3, "direct", "web1.host.example")
    assert found["matches"] == {"message_id": False, "received": True, "x_headers": False}
    assert found["believed"] == []


def test_forged_lines_prove_nothing(tmp_path):
    path = mail(tmp_path, FROM_WEB.replace("web1.host.example", "dsl.isp.example") + LOCAL)
    status, out, _ = origin(*HOST, "--json", path)
    assert (status, json.loads(out)["path"]) == (1, "unknown")


def test_errors(tmp_path):
    status, out, err = origin("--json", os.path.join(tmp_path, "none"))
    assert (status, out) == (4, "") and "none" in err
    assert origin()[0] == 2
    assert origin("--host")[0] == 2
