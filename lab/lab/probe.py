# SPDX-License-Identifier: Apache-2.0
"""Connections tried from inside a machine of the lab. Runs there:

probe.py connect ADDRESS PORT [ADDRESS PORT]…
probe.py hold ADDRESS PORT COUNT

connect  tries all at once; prints a line for each, in order: open | refused | timeout | …
hold     opens COUNT SMTP sessions, greets, and keeps them idle; prints "held N", then a line
         "ended INDEX TIME WORD" for each as it ends (wall time; reset or closed)
"""
import errno
import select
import socket
import sys
import threading
import time


def connect(address, port, timeout=3.0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(timeout)
    try:
        s.connect((address, port))
        word = "open"
    except ConnectionRefusedError:
        word = "refused"
    except TimeoutError:
        word = "timeout"
    except OSError as problem:
        word = errno.errorcode.get(problem.errno, "unreachable").lower()
    return s, word


def hold(address, port, count):
    open_ones = {}
    for index in range(count):
        s, word = connect(address, port)
        if word != "open":
            print(f"ended {index} {time.time():.6f} {word}", flush=True)
            continue
        s.settimeout(10)
        s.recv(512)
        s.sendall(b"EHLO mail.birch.example\r\n")
        s.recv(4096)
        open_ones[s] = index
    print(f"held {len(open_ones)}", flush=True)
    while open_ones:
        ready, _, _ = select.select(list(open_ones), [], [], 60)
        if not ready:
            break
        for s in ready:
            try:
                word = "data" if s.recv(4096) else "closed"
            except ConnectionResetError:
                word = "reset"
            if word != "data":
                print(f"ended {open_ones.pop(s)} {time.time():.6f} {word}", flush=True)
                s.close()


def connect_all(targets):
    words = [None] * len(targets)

    def one(index, address, port):
        s, words[index] = connect(address, int(port))
        s.close()
    threads = [threading.Thread(target=one, args=(i, *t)) for i, t in enumerate(targets)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("\n".join(words))


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "connect":
        connect_all(list(zip(rest[::2], rest[1::2])))
    else:
        hold(rest[0], int(rest[1]), int(rest[2]))


main()
