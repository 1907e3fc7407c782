# SPDX-License-Identifier: Apache-2.0
"""Mail of one account: its owner's, and a spam run through its stolen password. Also a program that sends
them by SMTP to a server that lets this machine say who logged in and from where (XCLIENT).

    queue_mails.py SEED SPAM OWN PORT      send
    queue_mails.py list FILE PORT          send what is in there
    queue_mails.py sink PORT FILE          say "ready", take all mail, write the Message-ID of each
"""
import json
import random
import socket
import socketserver
import sys
import threading

ACCOUNT = "info@shop.example"
OTHER = "anna@other.example"
WORDS = ("river stone window market garden paper silver morning letter summer bridge candle forest engine "
         "harbor island jacket kitchen ladder mirror needle orange pencil quarter saddle table umbrella valley "
         "winter yellow anchor basket copper dragon eleven fabric gentle hammer insect jungle").split()
NAMES = "Anna Bert Clara Dora Emil Frida Gustav Hanna Ivan Jana Karl Lena Max Nora Otto Paula".split()


class Run:
    """Everything that is drawn once for a run of spam."""

    def __init__(self, seed, forged=False):
        draw = random.Random(seed)
        self.forged = forged  # many networks, and senders that are not the account
        self.seed = seed
        self.hosts = [f"{draw.choice(WORDS)}-{draw.choice(WORDS)}.example" for _ in range(3)]
        self.subjects = [f"{{name}}, your {draw.choice(WORDS)} {draw.choice(WORDS)} number {{n}} is {draw.choice(WORDS)}"
                         for _ in range(draw.randint(1, 4))]
        self.body = " ".join(draw.choice(WORDS) for _ in range(40))
        self.nets = [f"{draw.randint(11, 99)}.{draw.randint(1, 250)}.{draw.randint(1, 250)}" for _ in range(40 if forged else 8)]

    def spam(self, i):
        draw = random.Random(f"{self.seed} spam {i}")
        name = draw.choice(NAMES)
        host = draw.choice(self.hosts)
        words = self.body.split()
        words[draw.randrange(len(words))] = name  # each one a little different
        text = (f"From: \"Service\" <{ACCOUNT}>\nTo: <c{i}@big.example>\n"
                f"Subject: {draw.choice(self.subjects).format(name=name, n=draw.randint(1000, 99999))}\n"
                f"Message-ID: <{draw.getrandbits(64):x}.{i}@{host}>\nDate: Fri, 27 Nov 2026 10:00:00 +0000\n"
                f"X-Mailer: Blaster 3\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
                f"Dear {name},\n\n{' '.join(words)}\n\nhttp://{host}/x/{draw.getrandbits(40):x}\n")
        rcpts = [f"c{i}@big.example"] + [f"c{i}-{k}@big.example" for k in range(draw.randint(0, 2))]
        sender = f"s{draw.randrange(9)}@forged.example" if self.forged else ACCOUNT
        return sender, rcpts, text, f"{draw.choice(self.nets)}.{draw.randint(1, 250)}", ACCOUNT

    def own(self, i):
        draw = random.Random(f"{self.seed} own {i}")
        body = " ".join(draw.choice(WORDS) for _ in range(draw.randint(5, 60)))
        subject = draw.choice([f"Invoice {1000 + i}", f"Re: {draw.choice(WORDS)} {draw.choice(WORDS)}",
                               f"Your order {draw.choice(WORDS)}", "Hello", ""])
        text = (f"Message-ID: <own-{i}@shop.example>\nDate: Fri, 27 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
                f"To: friend{i}@small.example\nFrom: Info <{ACCOUNT}>\nSubject: {subject}\n"
                f"Content-Type: text/plain; charset=utf-8\n\n{body}\n\n-- \nYour shop https://www.shop.example/\n")
        return ACCOUNT, [f"friend{i}@small.example"], text, "198.51.100.20", ACCOUNT

    def news(self, i):
        """The owner's newsletter: as alike as any spam, from where he always sends."""
        text = (f"Message-ID: <news-{i}@shop.example>\nDate: Fri, 27 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
                f"To: reader{i}@small.example\nFrom: Info <{ACCOUNT}>\nSubject: What is new in our shop\n"
                f"Content-Type: text/plain; charset=utf-8\n\nDear reader {i},\n\n{' '.join(WORDS[:30])}\n\n"
                "https://pages.example/news\n")
        return ACCOUNT, [f"reader{i}@small.example"], text, "198.51.100.20", ACCOUNT

    def other(self, i):
        draw = random.Random(f"{self.seed} other {i}")
        body = " ".join(draw.choice(WORDS) for _ in range(30))
        text = (f"Message-ID: <other-{i}@other.example>\nFrom: <{OTHER}>\nTo: x@small.example\n"
                f"Subject: {draw.choice(WORDS)}\n\n{body}\n")
        return OTHER, ["x@small.example"], text, "198.51.100.77", OTHER

    def bounced(self, mail, i):
        """The same mail, also to somebody who does not exist."""
        sender, rcpts, text, addr, login = mail
        return sender, [*rcpts, f"nobody{i}@bounce.example"], text, addr, login

    def all(self, spam, own, other=10):
        """Mixed as they would arrive."""
        mails = [self.spam(i) for i in range(spam)]
        for i in range(own):
            mails.insert(random.Random(f"{self.seed} {i}").randrange(len(mails) + 1), self.own(i))
        return mails + [self.other(i) for i in range(other)]


class Client:
    """One SMTP connection that speaks for others."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.sock.makefile("rb")
        self.expect("220")
        self.say("EHLO localhost\r\n", "250")

    def expect(self, code):
        while True:
            line = self.file.readline().decode("latin-1")
            if line[3:4] != "-":
                break
        if not line.startswith(code):
            raise ConnectionError(line)

    def say(self, line, *codes):
        self.sock.sendall(line.encode())
        for code in codes:
            self.expect(code)

    def speak_for(self, addr, login):
        self.say(f"XCLIENT ADDR={addr} NAME=[UNAVAILABLE] LOGIN={login}\r\n", "220")
        self.say("EHLO there\r\n", "250")

    def send(self, sender, rcpts, text):
        lines = f"MAIL FROM:<{sender}>\r\n" + "".join(f"RCPT TO:<{r}>\r\n" for r in rcpts) + "DATA\r\n"
        self.say(lines, *["250"] * (1 + len(rcpts)), "354")
        self.say(text.replace("\n", "\r\n") + ".\r\n", "250")


def send_part(mails, port, failed):
    client = last = None
    try:
        for sender, rcpts, text, addr, login in mails:
            if client is None or last != (addr.rsplit(".", 1)[0], login):
                client, last = client or Client(port), (addr.rsplit(".", 1)[0], login)
                client.speak_for(addr, login)
            client.send(sender, rcpts, text)
    except OSError as problem:
        failed.append(problem)


def send_all(mails, port, threads=8):
    """In the order of their networks, so that a connection speaks for one client for a while."""
    order = sorted(mails, key=lambda m: m[3])
    failed = []
    workers = [threading.Thread(target=send_part, args=(order[k::threads], port, failed)) for k in range(threads)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if failed:
        raise failed[0]


def send_listed(path, port):
    """What a file lists."""
    with open(path, encoding="utf-8") as text:
        send_all(json.load(text), port, 2)


def batch(mails):
    """The same as batched SMTP for `exim -bS`."""
    out = []
    for sender, rcpts, text, _, _ in mails:
        out.append(f"MAIL FROM:<{sender}>\n" + "".join(f"RCPT TO:<{r}>\n" for r in rcpts) + "DATA\n" + text + ".\n")
    return "".join(out).encode()


class Sink(socketserver.StreamRequestHandler):
    out = None

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def take_mail(self):
        header, ident = True, b""
        for line in self.rfile:
            if line == b".\r\n":
                break
            header = header and line != b"\r\n"
            if header and line.lower().startswith(b"message-id:"):
                ident = line[11:].strip(b" <>\r\n")
        self.out.write(ident + b"\n")
        self.out.flush()

    def handle(self):
        self.say("220 sink")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                self.take_mail()
            self.say("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return


def main():
    if sys.argv[1] == "sink":
        with open(sys.argv[3], "ab") as Sink.out:
            socketserver.ThreadingTCPServer.request_queue_size = 100
            with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[2])), Sink) as server:
                print("ready", flush=True)
                server.serve_forever()
    if sys.argv[1] == "list":
        send_listed(sys.argv[2], int(sys.argv[3]))
        return
    seed, spam, own, port = sys.argv[1:]
    send_all(Run(seed).all(int(spam), int(own)), int(port))


if __name__ == "__main__":
    main()
