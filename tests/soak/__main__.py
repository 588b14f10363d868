"""Every attack at its full length: `make soak`, or `ATTACKS="name name" make soak`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.soak.attack import Attack, Scale, attacks


def main() -> int:
    """Print what held and what fell; 1 if anything fell, 2 for the name of no attack."""
    known = attacks()
    names = os.environ.get("ATTACKS", "").split() or list(known)
    if unknown := [name for name in names if name not in known]:
        say(f"There is no attack {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    fell = [name for name in names if not held(name, known[name])]
    say(f"{len(names) - len(fell)} of {len(names)} attacks held." + "".join(f"\n{x}" for x in fell))
    return 1 if fell else 0


def held(name: str, run: Attack) -> bool:
    """Whether all of one attack held; each claim is printed as it is known."""
    started = time.monotonic()
    say(f"{name}:")
    with tempfile.TemporaryDirectory(prefix="sandtrail-soak-") as folder:
        try:
            for one in run(Path(folder), Scale.FULL):
                say(f"  held: {one.claim} ({one.figures})")
        except Exception:
            say(f"  FELL after {time.monotonic() - started:.0f} s:\n{traceback.format_exc()}")
            return False
    say(f"  {time.monotonic() - started:.0f} s")
    return True


def say(text: str) -> None:
    """Print at once, since an attack takes long."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
