# SPDX-License-Identifier: Apache-2.0
"""Debian packages that a test needs and that are not wanted on the machine, or conflict with what is there.

`apt-get download`, unpacked once into build/staged-packages; nothing of them is installed.
"""
import glob
import os
import shutil
import subprocess
import tempfile

from lab.ns import LabError, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, "build", "staged-packages")
PACKAGES = {"exim": ["exim4-daemon-light", "libidn12"], "php": ["php8.2-cli", "php8.2-common"],
            "journal": ["systemd-journal-remote", "libmicrohttpd12"]}


class Unavailable(LabError):
    """A package is not there and cannot be fetched."""


def unpacked(what):
    """The folder with the files of these packages."""
    folder = os.path.join(CACHE, what)
    if os.path.exists(os.path.join(folder, ".complete")):
        return folder
    os.makedirs(CACHE, exist_ok=True)
    work = tempfile.mkdtemp(prefix=f"{what}.", dir=CACHE)
    # Programs of other users lie in it.
    os.chmod(work, 0o755)
    try:
        _fetch(what, work)
        with open(os.path.join(work, ".complete"), "w", encoding="ascii"):
            pass
        try:
            os.rename(work, folder)
        except OSError:
            pass  # another run was faster
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def show_libraries(machine, what):
    """Have the loader of a machine with its own etc/ find their libraries: also for a program that runs as root."""
    folder = os.path.join(unpacked(what), "usr", "lib", "x86_64-linux-gnu")
    conf = machine.write("etc/ld.so.conf", folder + "\n")
    run(["ldconfig", "-X", "-f", conf, "-C", machine.file("etc", "ld.so.cache")])


def _fetch(what, folder):
    try:
        done = subprocess.run(["apt-get", "download", *PACKAGES[what]], cwd=folder, check=False, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired as slow:
        raise Unavailable(f"cannot fetch {PACKAGES[what]}: {slow}") from slow
    if done.returncode != 0:
        raise Unavailable(f"cannot fetch {PACKAGES[what]}: {done.stdout.strip()[-200:]}")
    for deb in glob.glob(os.path.join(folder, "*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
        os.unlink(deb)
