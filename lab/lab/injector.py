# SPDX-License-Identifier: Apache-2.0
"""Puts messages into this machine's own mail queue. Runs in a machine of the lab.

By SMTP to loopback, as programs do; with the argument "program" through sendmail(1), as a web site does, and
with SCRIPT and LOG after it each message is written down as PHP does with `mail.log`.

Reads from stdin, for each message, a line of JSON {"from", "to", "size"} and then `size` octets;
answers each with a line: "ok", or what the server said.
"""
import json
import socket
import subprocess
import sys
import time


class Server:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", 25), timeout=30)
        self.left = b""
        self.reply()
        self.say("EHLO localhost")

    def reply(self):
        while True:
            while b"\n" in self.left:
                line, _, self.left = self.left.partition(b"\n")
                if line[3:4] != b"-":
                    return line.decode("latin-1").strip()
            got = self.socket.recv(4096)
            if not got:
                raise ConnectionError("the server closed")
            self.left += got

    def say(self, *lines):
        """Send all lines at once; the first answer that is not 2xx or 354, else the last one."""
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())
        answers = [self.reply() for _ in lines]
        return next((a for a in answers if a[0] != "2" and a[:3] != "354"), answers[-1])

    def send(self, sender, recipients, text):
        said = self.say(f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{r}>" for r in recipients), "DATA")
        if said[:3] != "354":
            self.say("RSET")
            return said
        self.socket.sendall(text.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        said = self.reply()
        return "ok" if said[0] == "2" else said


class Program:
    def __init__(self, script=None, log=None):
        self.script = script
        self.log = open(log, "a", encoding="utf-8") if log else None

    def send(self, sender, recipients, text):
        if self.log is not None:
            when = time.strftime("%d-%b-%Y %H:%M:%S UTC", time.gmtime())
            print(f"[{when}] mail() on [{self.script}:3]: To: {', '.join(recipients)} -- Headers: From: {sender}",
                  file=self.log, flush=True)
        done = subprocess.run(["/usr/sbin/sendmail", "-i", "-f", sender, "--", *recipients], input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return "ok" if done.returncode == 0 else f"sendmail: exit {done.returncode}: {done.stdout.decode(errors='replace').strip()}"


def main():
    is_program = sys.argv[1:2] == ["program"]
    server = None
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        message = json.loads(line)
        text = sys.stdin.buffer.read(message["size"])
        said = ""
        for _ in range(2):  # a connection that was idle for long is closed by the server
            try:
                server = server or (Program(*sys.argv[2:]) if is_program else Server())
                said = server.send(message["from"], message["to"], text)
                break
            except OSError as problem:
                server, said = None, str(problem)
        print(said, flush=True)


main()
