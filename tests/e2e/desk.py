# SPDX-License-Identifier: Apache-2.0
"""The desk alone (tests/api/deskd) for the tests of API, command line and panel."""
import http.client
import json
import os
import socket
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CONFIG = """\
state_dir: {folder}/state
listen: {{ api: "127.0.0.1:{port}", socket: {folder}/api.sock }}
networks:
  - {{ name: customers, prefixes: [192.0.2.0/24, "2001:db8::/32"], mode: enforce }}
  - {{ name: looked-at, prefixes: [198.51.100.0/24] }}
  - {{ name: trusting, prefixes: [203.0.113.0/24], mode: enforce, unblock: owner }}
tenants:
  - name: b
    contacts: [owner@b.example]
    servers: [{{ name: b1, sources: [192.0.2.20, "2001:db8:0:20::/64"] }}]
  - name: c
    servers: [{{ name: c1, sources: [192.0.2.30] }}, {{ name: c2, sources: [203.0.113.30] }}]
notices: {{ {notices}portal: "{portal}" }}
"""


def build_folder():
    """With the sanitizers when that is built: this side is all hostile octets."""
    given = os.environ.get("POSTERN_BUILD")
    for name in ([given] if given else []) + [os.path.join(ROOT, "build", n) for n in ("sanitize", "tests")]:
        if os.path.exists(os.path.join(name, "tests", "api", "deskd")) and \
                os.path.exists(os.path.join(name, "src", "cli", "postern")):
            return name
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Desk:
    def __init__(self, folder, notices="", portal="https://abuse.provider.example"):
        self.folder = str(folder)
        self.build = build_folder()
        self.port = free_port()
        os.makedirs(os.path.join(self.folder, "state"), exist_ok=True)
        self.config = os.path.join(self.folder, "postern.yaml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(folder=self.folder, port=self.port, notices=notices,
                                  portal=portal.format(port=self.port)))
        self.process = None
        self.start()

    def start(self):
        self.errors = open(os.path.join(self.folder, "deskd.log"), "ab")
        self.process = subprocess.Popen([os.path.join(self.build, "tests", "api", "deskd"), self.config],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        assert self.process.stdout.readline() == b"ready\n", self.log()

    def log(self):
        with open(os.path.join(self.folder, "deskd.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def do(self, line):
        """Make something happen, and wait until it has."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n", self.log()

    def stop(self):
        """The exit status: also what a sanitizer found."""
        self.process.terminate()
        status = self.process.wait(timeout=30)
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
        return status

    @property
    def first_token_path(self):
        return os.path.join(self.folder, "state", "first-token")

    @property
    def first_token(self):
        with open(self.first_token_path, encoding="ascii") as f:
            return f.read().strip()

    @property
    def socket(self):
        return os.path.join(self.folder, "api.sock")

    def ask(self, method, path, body=None, token=None, headers=None, local=False):
        """One request below /api/v1 (or at / for a path that begins with two slashes)."""
        all_headers = dict(headers or {})
        if token:
            all_headers["Authorization"] = token if " " in token else "Bearer " + token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            all_headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        if local:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.socket)
        try:
            connection.request(method, path[1:] if path.startswith("//") else "/api/v1" + path, body, all_headers)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def cli(self, *arguments):
        done = subprocess.run([os.path.join(self.build, "src", "cli", "postern"), "--socket", self.socket, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def raw(self, octets, timeout=10):
        """Send octets as they are; all that comes back until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(octets)
            got = b""
            try:
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        return got
                    got += piece
                    if b"\r\n\r\n" in got and b"Connection: close" not in got:
                        return got
            except (TimeoutError, ConnectionResetError):
                return got
