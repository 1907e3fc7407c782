# SPDX-License-Identifier: Apache-2.0
"""A mail server on loopback that keeps what it is given: for what the desk writes to owners."""
import socket
import threading


class Sink:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.mails = []
        self.came = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rwb") as f:
            def say(text):
                f.write(text.encode() + b"\r\n")
                f.flush()
            say("220 sink")
            for line in f:
                word = line[:4].upper()
                if word == b"DATA":
                    say("354 go on")
                    mail = b""
                    for part in f:
                        if part == b".\r\n":
                            break
                        mail += part[1:] if part.startswith(b".") else part
                    with self.came:
                        self.mails.append(mail)
                        self.came.notify_all()
                elif word == b"QUIT":
                    say("221 bye")
                    return
                say("250 ok")

    def wait(self, count, seconds=20):
        """The first `count` mails."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.mails) >= count, seconds), len(self.mails)
            return self.mails[:count]

    def close(self):
        self.listener.close()
