# SPDX-License-Identifier: Apache-2.0
"""A bot without a queue: sends spam by itself from many addresses. Runs in a machine of the lab.

bot.py FOLDER DESTINATION SEED MESSAGES_MAX THREADS ADDRESS…
Each address sends until it is refused or reset, at most MESSAGES_MAX messages, three recipients
each, 40 % of them unknown. Prints a line for each address: ADDRESS accepted N word.
"""
import os
import random
import socket
import sys
import threading

USERS = ("adele", "albert", "anna", "arthur", "astrid", "beatrice", "bernd", "carla", "carlos", "clara", "emma", "jan")
DOMAINS = ("harbour.example", "lantern.example", "meadow.example", "orchard.example", "post.test", "quarry.example")


class Refused(Exception):
    """The far side, or the network, does not want us any more."""


class Session:
    def __init__(self, address, destination):
        self.socket = socket.create_connection((destination, 25), timeout=10, source_address=(address, 0))
        self.left = b""
        self.reply()
        self.say("EHLO bot.birch.example")

    def reply(self):
        while True:
            while b"\n" in self.left:
                line, _, self.left = self.left.partition(b"\n")
                if line[3:4] != b"-":
                    return int(line[:3])
            got = self.socket.recv(4096)
            if not got:
                raise Refused("closed")
            self.left += got

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, rng, mail):
        domain = rng.choice(DOMAINS)
        names = [n if rng.random() >= .4 else f"{n}{rng.randrange(100, 999)}" for n in rng.sample(USERS, 3)]
        self.say("MAIL FROM:<webform@birch.example>")
        good = sum(self.say(f"RCPT TO:<{n}@{domain}>") == 250 for n in names)
        if good == 0 or self.say("DATA") != 354:
            self.say("RSET")
            return 0
        body = mail.replace(b"\r\n", b"\n").replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")
        self.socket.sendall(body + b"\r\n.\r\n")
        return int(self.reply() == 250)


def one(address, destination, mails, rng, most):
    accepted, word = 0, "done"
    try:
        for _ in range(most):
            session = Session(address, destination)
            accepted += session.send(rng, rng.choice(mails))
            session.say("QUIT")
            session.socket.close()
    except (OSError, Refused) as problem:
        word = type(problem).__name__
    sys.stdout.write(f"{address} accepted {accepted} {word}\n")  # one write: several threads speak
    sys.stdout.flush()


def main():
    folder, destination, seed, most, threads = sys.argv[1:6]
    mails = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as mail:
            mails.append(mail.read())
    left_over = sys.argv[6:]
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not left_over:
                    return
                address = left_over.pop(0)
            one(address, destination, mails, random.Random(f"{seed}/{address}"), int(most))
    workers = [threading.Thread(target=work) for _ in range(int(threads))]
    for w in workers:
        w.start()
    for w in workers:
        w.join()


main()
