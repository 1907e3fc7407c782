# SPDX-License-Identifier: Apache-2.0
"""A spamd that finds everything to be spam. Usage: fake_spamd.py PORT"""
import socketserver
import sys


class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        size = 0
        first = self.rfile.readline()
        for line in iter(self.rfile.readline, b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        if first.startswith(b"CHECK SPAMC/1.5") and len(self.rfile.read(size)) == size:
            self.wfile.write(b"SPAMD/1.5 0 EX_OK\r\nContent-length: 0\r\nSpam: True ; 20.0 / 5.0\r\n\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", int(sys.argv[1])), Answer) as server:
    print("ready", flush=True)
    server.serve_forever()
