"""What an attack or a fault on the running product is: one function at two sizes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ATTACKS = Path(__file__).parent / "attacks"


class Scale(Enum):
    """How long an attack goes on."""

    SMALL = "small"
    """A fixed part, a few seconds, as `make test` runs it."""
    FULL = "full"
    """As long as it takes to be believed, as `make soak` runs it."""


@dataclass(frozen=True, slots=True)
class Held:
    """Something that an attack could not break."""

    claim: str
    """What held, as a sentence without its full stop."""
    figures: str
    """What was counted or measured meanwhile."""


Attack = Callable[[Path, Scale], Iterator[Held]]
"""`run(folder, scale)` attacks an instance of its own in the empty `folder`, and yields what
held. What did not hold raises `AssertionError`."""


def attacks() -> dict[str, Attack]:
    """Every attack by the name of its module in `attacks/`."""
    names = sorted(path.stem for path in ATTACKS.glob("*.py"))
    return {name: importlib.import_module(f"tests.soak.attacks.{name}").run for name in names}
