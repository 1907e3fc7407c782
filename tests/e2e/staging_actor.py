# SPDX-License-Identifier: Apache-2.0
"""What runs inside a staged machine: the world's mail exchangers, and those who hand mail in.

  sink RULES SEEN ADDRESS…   answers as its rules say, notes each mail
  act PORT                   actions as JSON lines on stdin, an empty line ends a round; also answers
                             Postfix's questions about passwords on PORT, in Dovecot's protocol
  bot UID                    as that user, mails past the mail server what a JSON line says, keeps its connections
  wait ADDRESS PORT          until somebody listens
"""
import base64
import concurrent.futures
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time

from scenario import refusal_draw

PASSWORD = "right"


class Sink(socketserver.StreamRequestHandler):
    rules_path = seen = None
    lock = threading.Lock()

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        with open(self.rules_path, encoding="utf-8") as text:
            rules = json.load(text)
        dead, slow = set(rules["dead"]), set(rules["slow"])
        self.say("220 sink ESMTP")
        sender, rcpts = "", []
        while True:
            line = self.rfile.readline().decode("latin-1").strip()
            verb, arg = line[:4].upper(), line.partition(":")[2].strip().split(" ")[0].strip("<>")
            if verb == "MAIL":
                sender, rcpts = arg, []
                self.say("250 ok")
            elif verb == "RCPT":
                if arg in dead:
                    self.say(f"550 5.1.1 <{arg}>: no such user here")
                elif arg in slow:
                    self.say("451 4.7.1 try again later")
                else:
                    rcpts.append(arg)
                    self.say("250 ok")
            elif verb == "DATA":
                if not rcpts:
                    self.say("503 no recipients")
                    continue
                self.say("354 go on")
                self.take(sender, rcpts, rules)
            elif verb == "QUIT" or not line:
                if verb == "QUIT":
                    self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def take(self, sender, rcpts, rules):
        data = []
        while True:
            line = self.rfile.readline()
            if line in (b".\r\n", b""):
                break
            data.append(line.decode("latin-1").rstrip("\r\n"))
        found = [line[11:].strip() for line in data[:data.index("") if "" in data else None]
                 if line.lower().startswith("message-id:")]
        # Not by the whole text: what servers add to it is another each time.
        refuse = any(refusal_draw(line, rcpts[0], sender) < rule["share"] for rule in rules["refused"]
                     for line in data if rule["word"] in line)
        self.say("550 5.7.1 message looks like spam" if refuse else "250 2.0.0 queued")
        with self.lock:
            self.seen.write(json.dumps({"from": sender, "rcpts": rcpts, "id": found[0] if found else None,
                                        "peer": self.client_address[0], "refused": refuse}) + "\n")
            self.seen.flush()


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def sink(rules, seen, addresses):
    Sink.rules_path = rules
    Sink.seen = open(seen, "a", encoding="utf-8")
    for address in addresses:
        threading.Thread(target=Threads((address, 25), Sink).serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


class Passwords(socketserver.StreamRequestHandler):
    """Dovecot's authentication protocol, version 1.1, as Postfix speaks it; PLAIN only."""

    def handle(self):
        self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] == "AUTH":
                given = [w[5:] for w in words if w.startswith("resp=")]
                _, user, password = base64.b64decode(given[0]).decode().split("\0")
                ok = password == PASSWORD
                answer = f"OK\t{words[1]}\tuser={user}" if ok else f"FAIL\t{words[1]}\tuser={user}"
                self.wfile.write(answer.encode() + b"\n")


class Client:
    """One SMTP session."""

    def __init__(self, item):
        self.socket = socket.create_connection((item["to"], item["port"]), 30, (item["ip"], 0))
        self.file = self.socket.makefile("rb")
        self.answer()

    def answer(self):
        while True:
            line = self.file.readline()
            if line[3:4] != b"-":
                return int(line[:3] or b"0")

    def ask(self, text):
        self.socket.sendall(text.encode() + b"\r\n")
        return self.answer()

    def send(self, item):
        """One mail; what went wrong, or None."""
        self.ask(f"MAIL FROM:<{item['from']}>")
        codes = [self.ask(f"RCPT TO:<{r}>") for r in item["rcpts"]]
        if 250 not in codes:
            # A sink's refusal is an answer; a mail server of ours must take it.
            return None if item["port"] == 25 else f"recipients refused: {codes}"
        self.ask("DATA")
        body = item["data"].replace("\n", "\r\n")
        code = self.ask(body + ".")
        return None if code in (250, 550) else f"not taken: {code}"

    def close(self):
        self.ask("QUIT")
        self.file.close()
        self.socket.close()


def plain(user, password):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def do_smtp(item):
    c = Client(item)
    try:
        c.ask("EHLO x")
        if item["auth"] and c.ask(plain(item["auth"], PASSWORD)) != 235:
            return "login refused"
        return c.send(item)
    finally:
        c.close()


def bot(uid):
    os.setgroups([])
    os.setgid(33)
    os.setuid(uid)
    known = {}
    for item in json.loads(sys.stdin.readline()):
        c = known.get(item["to"])
        if c is None:
            c = known[item["to"]] = Client(item)
            c.ask("EHLO x")
        c.send(item)
    print(os.getpid(), flush=True)
    sys.stdin.read()


def do_login(item):
    c = Client(item)
    c.ask("EHLO x")
    c.ask(plain(item["user"], "wrong"))
    c.close()


def do_local(item):
    def become():
        os.setgroups([])
        os.setgid(33 if item["uid"] else 0)
        os.setuid(item["uid"])
    if item.get("php"):
        args, data = item["php"], json.dumps(item["message"]) + "\n"
    else:
        args, data = ["/usr/sbin/sendmail", "-i", "-f", item["from"], "--", *item["rcpts"]], item["data"]
    done = subprocess.run(args, input=data, text=True, cwd=item["cwd"], preexec_fn=become, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if done.returncode == 0 else f"{args[0]}: {done.returncode}: {done.stdout.strip()}"


def act(port):
    threading.Thread(target=Threads(("127.0.0.1", port), Passwords).serve_forever, daemon=True).start()
    print("ready", flush=True)
    work = []

    def one(item):
        begin = time.time()
        try:
            said = {"smtp": do_smtp, "login": do_login, "local": do_local}[item["do"]](item)
        except (OSError, ValueError) as problem:
            said = f"{item['do']}: {problem}"
        return item["t"], begin, said
    for line in sys.stdin:
        if line.strip():
            work.append(json.loads(line))
            continue
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(one, work))
        print(json.dumps({"failed": [d[2] for d in done if d[2]], "times": [d[:2] for d in done]}), flush=True)
        work = []


def wait(address, port):
    for _ in range(200):
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("nobody listens")


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        sink(sys.argv[2], sys.argv[3], sys.argv[4:])
    elif sys.argv[1] == "act":
        act(int(sys.argv[2]))
    elif sys.argv[1] == "bot":
        bot(int(sys.argv[2]))
    else:
        wait(sys.argv[2], int(sys.argv[3]))
