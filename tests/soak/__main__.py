"""Every attack at its full length, every law with all of its examples, and what `sigma check` says
of the rules: `make soak`, or `ATTACKS="name laws" make soak`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.soak import laws, sigma_check
from tests.soak.attack import Held, Scale, attacks

Part = Callable[[Path], Iterator[Held]]
"""`part(folder)` yields what held and raises `AssertionError` for what did not."""


def main() -> int:
    """Print what held and what fell; 1 if anything fell, 2 for the name of no part."""
    known: dict[str, Part] = {
        **{name: partial(attack, scale=Scale.FULL) for name, attack in attacks().items()},
        "laws": laws.run,
        "sigma_check": sigma_check.run,
    }
    names = os.environ.get("ATTACKS", "").split() or list(known)
    if unknown := [name for name in names if name not in known]:
        say(f"There is no {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    fell = [name for name in names if not held(name, known[name])]
    say(f"{len(names) - len(fell)} of {len(names)} held." + "".join(f"\n{x}" for x in fell))
    return 1 if fell else 0


def held(name: str, run: Part) -> bool:
    """Whether all of one part held; each claim is printed as it is known."""
    started = time.monotonic()
    say(f"{name}:")
    with tempfile.TemporaryDirectory(prefix="sandtrail-soak-") as folder:
        try:
            for one in run(Path(folder)):
                say(f"  held: {one.claim} ({one.figures})")
        except Exception:
            say(f"  FELL after {time.monotonic() - started:.0f} s:\n{traceback.format_exc()}")
            return False
    say(f"  {time.monotonic() - started:.0f} s")
    return True


def say(text: str) -> None:
    """Print at once, since a part takes long."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
