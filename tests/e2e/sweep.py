# SPDX-License-Identifier: Apache-2.0
"""How often the doctor is right, and whether it is as sure as it says: a table over many drawn incidents.

  python3 tests/e2e/sweep.py POSTERN [--seeds N] [--first N] [--forms postfix,exim] [--causes …] [--usual] [--show]

Each seed draws a world (habits.Wide unless --usual) and every cause in it once, alone among healthy mail, and the
healthy mail by itself; each is written down by the forms in turn, or by those named. The doctor is asked twice:
without ids, where only a loud incident has to be seen, and with two ids of mails that somebody got. What bypasses the
mail server (direct) is in no log, so it is asked for with ids only: that they are in no log is what tells.

^C and SIGTERM end it early, with the table of what was asked until then; standard error tells each seed that is done.
"""
import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                                         "..", "..", "lab")]
# The paths come first.
import compare  # noqa: E402  pylint: disable=wrong-import-position
from scenario import CAUSES  # noqa: E402  pylint: disable=wrong-import-position
from test_doctor_staged import BLIND, FORMS, written_case  # noqa: E402  pylint: disable=wrong-import-position

SIZES = (0.5, 1, 3, 10)


class Tally:
    """Counts of one cause or one form."""

    def __init__(self):
        self.asked = self.source = self.cause = self.strangers = 0

    def cell(self):
        return f"{self.source}/{self.cause} of {self.asked}" if self.asked else ""

    def row(self, name):
        def part(n):
            return f"{n:6} {100 * n / self.asked:5.1f} %" if self.asked else " " * 14
        return f"{name:22} {self.asked:6} {part(self.source)} {part(self.cause)} {self.strangers:6}"


class Sweep:
    def __init__(self, postern, wide, show=False):
        self.postern, self.wide, self.show = postern, wide, show
        self.tallies = collections.defaultdict(Tally)  # of a cause, of a form, and of both
        self.bins = collections.defaultdict(list)  # how sure it said: was the cause right?
        self.healthy = self.healthy_accused = 0

    def ask(self, case, label, ids=()):
        """Ask once and count: for the cause, the form, and whether ids were given."""
        expected = [t for t in case.sc.truths if ids or (t["loud"] and t["staged"] not in ("bulk", "direct"))]
        document = compare.doctor(self.postern, root=case.root, ids=ids)
        strangers = [a for a in document["accused"] if not any(compare.found(a, t) for t in case.sc.truths)
                     and not (a["cause"] == "backscatter" and case.sc.truths)]
        if not case.sc.truths:
            self.healthy += 1
            self.healthy_accused += bool(strangers)
        for a in document["accused"]:
            mine = [t for t in case.sc.truths if compare.found(a, t)]
            if mine and (mine[0]["cause"] != "direct" or ids):
                self.bins[round(a["confidence"], 2)].append(mine[0]["cause"] == a["cause"])
        if self.show:
            for a in strangers:
                print(f"stranger {label}: {a['kind']} {a['name']} {a['cause']} {a['why']} {numbers(a)}")
        for truth in expected:
            mine = [a for a in document["accused"] if compare.found(a, truth)]
            said = [a["cause"] for a in mine]
            cause = truth["staged"] + (" with ids" if ids else "")
            for key in (cause, case.form, (cause, case.form)):
                t = self.tallies[key]
                t.asked += 1
                t.source += bool(mine)
                t.cause += truth["cause"] in said
                t.strangers += len(strangers)
            if self.show and truth["cause"] not in said:
                print(f"wrong {label}{' ids' if ids else ''}: {truth['names']} "
                      f"{[(a['cause'], a['confidence'], a['why'], numbers(a)) for a in mine]}", flush=True)

    def one(self, form, seed, cause, folder):
        case = written_case(form, folder, seed, (cause,) if cause else (), random.Random(seed).choice(SIZES), self.wide)
        case.plain()
        label = f"{form} {seed} {cause}"
        self.ask(case, label)
        # Of what no log has most ids are asked for: one that is missing may be an accident.
        known = [i for i in case.ids.get(cause, ()) if i]
        if known:
            self.ask(case, label, random.Random(seed).sample(known, min(2, len(known))))

    def table(self):
        print(f"{'':22} {'asked':>6} {'source right':>14} {'cause right':>14} {'others accused':>6}")
        causes = sorted(k for k in self.tallies if isinstance(k, str) and k not in FORMS)
        for key in [*causes, *(f for f in FORMS if f in self.tallies)]:
            print(self.tallies[key].row(key))
        total = Tally()
        for key in FORMS:
            for field in vars(total):
                setattr(total, field, getattr(total, field) + getattr(self.tallies[key], field))
        print(total.row("all"))
        print(f"\n{'source/cause right':22} " + " ".join(f"{form:>14}" for form in FORMS))
        for cause in causes:
            print(f"{cause:22} " + " ".join(f"{self.tallies[cause, form].cell():>14}" for form in FORMS))
        print(f"\nhealthy machines: {self.healthy}, with somebody accused: {self.healthy_accused}")
        for sure in sorted(self.bins):
            answers = self.bins[sure]
            print(f"said {sure:.2f}: right {sum(answers)} of {len(answers)} ({sum(answers) / len(answers):.3f})")


def numbers(accused):
    return {k: v for k, v in accused.items() if isinstance(v, (int, str)) and v and k not in ("name", "kind", "cause")}


class Stopped(Exception):
    """Somebody wants it to end."""


def stop(_number, _frame):
    # Once: what is asked for a second time is the end without a table.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Stopped


def run(sweep, args, folder):
    causes = args.causes.split(",") if args.causes else [None, *CAUSES]
    for n in range(args.first, args.first + args.seeds):
        for form in args.forms.split(",") if args.forms else [FORMS[n % len(FORMS)]]:
            for cause in causes:
                if cause not in BLIND.get(form, ()):
                    sweep.one(form, f"s{n}", cause if cause != "none" else None, os.path.join(folder, "case"))
                    shutil.rmtree(os.path.join(folder, "case"))
        print(f"s{n}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("postern")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--forms", default="")
    parser.add_argument("--causes", default="")
    parser.add_argument("--usual", action="store_true")
    parser.add_argument("--show", action="store_true", help="tell each wrong answer")
    args = parser.parse_args()
    sweep = Sweep(os.path.abspath(args.postern), not args.usual, args.show)
    folder = tempfile.mkdtemp(prefix="postern-sweep-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    # Also where a shell in the background has ^C ignored.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    stopped = False
    try:
        run(sweep, args, folder)
    except Stopped:
        stopped = True
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sweep.table()
    sys.exit(130 if stopped else 0)


if __name__ == "__main__":
    main()
