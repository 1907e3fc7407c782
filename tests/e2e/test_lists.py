# SPDX-License-Identifier: Apache-2.0
"""Lists of URLs in the running daemon: one grows, one is damaged, SIGHUP comes, and mail goes on being matched."""
import os
import signal
import time

from lab import guard, mails
from lab.incident import wait_for
from lab.world import CUSTOMERS

ENTRIES = 300_000
PAGE = "<html>\n<head><title>503 Service Unavailable</title></head>\n<body>try again\n</body></html>\n"


def tap(postern):
    code, out, _ = postern.cli("status", "--json")
    if code != 0:
        return {}
    return next((p["stats"] or {} for p in guard.json.loads(out)["processes"] if p["name"] == "tap"), {})


def known(postern):
    """Entries as the tap has them."""
    return tap(postern).get("list_entries", {}).get("phish")


def desk_list(postern):
    return postern.json("status")["lists"][0]


def put(path, *lines, entries=0):
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.writelines(f"https://host{i % 9973}.example/login/{i}?id={i * 7}\n" for i in range(entries))
        out.writelines(line + "\n" for line in lines)
    os.rename(path + ".new", path)


def hup(postern):
    """All children are new ones afterwards."""
    old = postern.pids()
    os.kill(postern.parents()[-1], signal.SIGHUP)
    assert wait_for(lambda: len(postern.pids()) == len(old) and not set(postern.pids().values()) & set(old.values())
                    and postern.cli("status")[0] == 0, 20), postern.log_tail()


def send(lab, key, count, hosts):
    """Mails with links to these hosts in turn, to one that is there and three that are not."""
    sender = f"me@{CUSTOMERS[key]['domain']}"
    for i in range(count):
        to = [f"{name}@{mails.DOMAINS[0]}" for name in (mails.USERS[i], f"x{i}", f"y{i}", f"z{i}")]
        text = f"Please see http://{hosts[i % len(hosts)]}/page for the minutes number {i * 7919}"
        lab.mta[key].send(sender, to, f"From: {sender}\nTo: {to[0]}\nSubject: note {i}\n\n{text}\n".encode())


def test_a_list_grows_breaks_and_is_read_again(make_world):
    lab = make_world("4")
    folder = os.path.join(lab.folder, "lists")
    os.mkdir(folder)
    path = os.path.join(folder, "phish")
    put(path, "first.example", "nonsense", "co.uk", entries=ENTRIES)
    postern = guard.Guard(lab, extra=f"lists:\n  - {{ name: phish, file: {path}, entries: auto }}\n")
    postern.start()
    assert wait_for(lambda: desk_list(postern)["entries"] == ENTRIES + 2, 20), (desk_list(postern), postern.log_tail())
    assert desk_list(postern)["first_malformed_line"] == ENTRIES + 2

    # It grows; what was there is there from the first mail on.
    put(path, "first.example", "second.example", entries=ENTRIES)
    hup(postern)
    assert desk_list(postern)["entries"] == ENTRIES + 2
    assert wait_for(lambda: desk_list(postern)["lines"] == ENTRIES + 2, 20), desk_list(postern)

    # An error page in its place: said with its line, and the list stays as it was, with new processes too.
    put(path, *PAGE.splitlines())
    hup(postern)
    assert wait_for(lambda: (desk_list(postern)["trouble"] or "").startswith("line 1 ('<html>'): 4 of 4 lines"), 20), \
        desk_list(postern)
    assert desk_list(postern)["entries"] == ENTRIES + 2
    assert wait_for(lambda: known(postern) == ENTRIES + 2, 10), known(postern)
    assert "desk.list_not_read" in postern.log_tail()
    assert "line 1 ('<html>')" in postern.cli("status")[1]
    code, out, err = postern.gw.try_run([os.path.join(postern.build, "src", "cli", "postern"), "config", "check", postern.conf])
    assert code == 0 and f"{path}:1:1" in out + err and "4 of 4 lines hold no entry" in out + err, out + err

    # Evidence of kind listing supports the recipients that nobody knows, and stands in the case.
    send(lab, "a", 6, ("first.example", "second.example"))
    assert wait_for(lambda: postern.rung("a", "4") == "block", 30), postern.json("why", CUSTOMERS["a"]["v4"])
    cases = wait_for(lambda: postern.cases("a"), 10)
    evidence = postern.json("case", "show", cases[0]["id"])["evidence"]
    urls = [e for e in evidence if e["kind"] == "listing" and e["leg"] == "urls"]
    assert len(cases) == 1 and urls and urls[0]["s"] == 6, evidence
    assert {e["kind"] for e in evidence if e["s"] >= e["h"]} == {"recipients"}, evidence
