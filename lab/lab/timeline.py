# SPDX-License-Identifier: Apache-2.0
"""What a run says: a timeline with measured times, and claims that hold or do not."""
import sys
import time


class Timeline:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.began = time.time()
        self.failed = []
        self.held = 0
        self.claims = []  # those that held

    def _print(self, text):
        print(text, file=self.out, flush=True)

    def head(self, text):
        self._print(f"\n== {text}")

    def say(self, text, at=None):
        """A line with the time since the start; `at` is the wall time of what it tells."""
        self._print(f"[{(at or time.time()) - self.began:7.2f} s] {text}")

    def detail(self, text):
        for line in text.rstrip("\n").split("\n"):
            self._print(f"            | {line}")

    def claim(self, holds, text, detail=""):
        """Something that was checked from outside postern."""
        if holds:
            self.held += 1
            self.claims.append(text)
            self._print(f"            ok: {text}")
        else:
            self.failed.append(text)
            self._print(f"            FAILED: {text}" + (f": {detail}" if detail else ""))
        return bool(holds)
