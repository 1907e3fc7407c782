# SPDX-License-Identifier: Apache-2.0
"""Exim on a machine of the lab, from its Debian packages, which conflict with the installed Postfix.

Shown in the machine's own mounts only; packages.py fetches them.
"""
import os
import shutil

from packages import show_libraries, unpacked

UID = 9999


class Exim:
    """One Exim on one machine. prepare() before the machine starts."""

    def __init__(self, machine, config):
        self.machine = machine
        self.config = config

    def prepare(self):
        m = self.machine
        files = unpacked("exim")
        # /etc is a copy: Exim wants its user, its configuration, and its libraries as root.
        shutil.copytree("/etc", m.file("etc"), symlinks=True, ignore_dangling_symlinks=True,
                        ignore=shutil.ignore_patterns("private", "shadow*", "gshadow*", "ssh", "postfix"))
        for name, line in (("passwd", f"Debian-exim:x:{UID}:{UID}::/var/spool/exim4:/usr/sbin/nologin\n"),
                           ("group", f"Debian-exim:x:{UID}:\n")):
            with open(m.file("etc", name), "a", encoding="ascii") as out:
                out.write(line)
        m.write("etc/exim4/exim4.conf", self.config)
        m.write("etc/hosts", "127.0.0.1 localhost\n")
        show_libraries(m, "exim")
        os.makedirs(m.file("sbin"))
        shutil.copy(os.path.join(files, "usr/sbin/exim4"), m.file("sbin", "exim4"))
        os.chmod(m.file("sbin", "exim4"), 0o4755)
        for name, target in (("etc", "/etc"), ("log", "/var/log"), ("spool", "/var/spool"),
                             ("sbin", "/usr/local/sbin")):
            os.makedirs(m.file(name), exist_ok=True)
            m.bind(name, target)
        for name in ("log/exim4", "spool/exim4"):
            os.makedirs(m.file(name))
            os.chown(m.file(name), UID, UID)

    def start(self):
        """Its daemon, with queue runs only when asked for."""
        self.machine.run(["/usr/local/sbin/exim4", "-bd"])

    def batch(self, messages, user=None, args=()):
        """Put messages, as octets of batched SMTP (MAIL FROM to the dot), into the queue without delivery."""
        command = ["/usr/local/sbin/exim4", "-odq", "-bS", *args]
        if user is not None:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        self.machine.run(command, input=messages, text=False)

    def flush(self):
        self.machine.run(["/usr/local/sbin/exim4", "-qff"])

    def queue(self):
        """Message ids that wait."""
        found = []
        for _, _, files in os.walk(self.machine.file("spool", "exim4", "input")):
            found += [name[:-2] for name in files if name.endswith("-H")]
        return found
