# SPDX-License-Identifier: Apache-2.0
"""Network namespaces by name, and machines in them: own mounts, processes and host name."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NETNS_DIR = "/run/netns"
PREFIX = "pt-"


class LabError(Exception):
    """Something the lab needs is missing, or a step of it failed; the text is for a person."""


def run(args, **kw):
    """Run to the end; a failure is a LabError with what the program said."""
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    kw.setdefault("text", True)
    done = subprocess.run(args, check=False, **kw)
    if done.returncode != 0:
        said = (done.stderr or done.stdout or "").strip()
        raise LabError(f"{' '.join(args[:12])}: exit {done.returncode}: {said}")
    return done.stdout


def children(pid):
    """Process ids of the children of one process."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as text:
                found += [int(p) for p in text.read().split()]
    except OSError:
        pass
    return found


def descendants(pid):
    """All processes below one process."""
    left_over, found = [pid], []
    while left_over:
        below = children(left_over.pop())
        found += below
        left_over += below
    return found


def netns_add(name):
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])


def netns_delete(name):
    subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def ip_batch(lines, netns=None):
    args = ["ip"] + (["-n", netns] if netns else []) + ["-batch", "-"]
    run(args, input="\n".join(lines) + "\n")


class Machine:
    """A machine of the lab: a network namespace (maybe shared), own mounts and own processes."""

    def __init__(self, netns, name, hostname, folder):
        self.netns = netns
        self.name = name
        self.hostname = hostname
        self.folder = folder
        self.holder = None
        self.pid = None
        self.binds = []
        os.makedirs(folder, exist_ok=True)

    def file(self, *parts):
        """A path of this machine's folder, as seen from outside."""
        return os.path.join(self.folder, *parts)

    def write(self, name, text, mode=0o644):
        path = self.file(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def bind(self, name, target):
        """Show a file or folder of ours at `target` inside; before start()."""
        self.binds += [self.file(name), target]

    def start(self):
        self.holder = subprocess.Popen(
            ["nsenter", f"--net={NETNS_DIR}/{self.netns}",
             "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL", "--mount-proc",
             "--propagation", "private",
             sys.executable, os.path.join(HERE, "holder.py"), self.hostname, *self.binds],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)

    def wait_ready(self):
        line = self.holder.stdout.readline()
        if line.strip() != "ready":
            raise LabError(f"machine {self.name}: {self.holder.stderr.read().strip()}")
        below = children(self.holder.pid)
        if len(below) != 1:
            raise LabError(f"machine {self.name}: its first process is gone")
        self.pid = below[0]

    def command(self, args):
        """The words that run `args` inside."""
        return ["nsenter", "-t", str(self.pid), "--net", "--mount", "--uts", "--pid", "--", *args]

    def run(self, args, **kw):
        return run(self.command(args), **kw)

    def try_run(self, args, **kw):
        """Like run, but gives back (exit code, stdout, stderr)."""
        kw.setdefault("text", True)
        done = subprocess.run(self.command(args), check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **kw)
        return done.returncode, done.stdout, done.stderr

    def popen(self, args, **kw):
        return subprocess.Popen(self.command(args), **kw)

    def stop(self):
        """End every process in here."""
        if self.holder is None:
            return
        self.holder.stdin.close()
        try:
            self.holder.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.holder.kill()
            self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()
        self.holder = None


def remove_tree(path):
    shutil.rmtree(path, ignore_errors=True)
