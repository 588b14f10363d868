"""Single bits of the log's file change on the disk, anywhere in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import AuditError
from audit_core.explore.reader import Reader
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.soak.attack import Held, Scale
from tests.support.strategies import sample_entries

FLIPS = {Scale.SMALL: 12, Scale.FULL: 300}


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Whatever is read afterwards is what was written, or is refused as damaged."""
    sound = folder / "sound.duckdb"
    with closing(open_log(f"duckdb:///{sound}")) as log:
        log.append(sample_entries(5_000))
        written = _read(log)
    size = sound.stat().st_size
    random = Random(7)  # noqa: S311 - a test that can be repeated
    refused = untouched = 0
    for number in range(FLIPS[scale]):
        path = folder / f"flipped-{number}.duckdb"
        shutil.copy(sound, path)
        place = random.randrange(size)
        with path.open("r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ (1 << random.randrange(8))]))
        try:
            with closing(open_log(f"duckdb:///{path}")) as log:
                assert _read(log) == written, f"a bit at {place} changed what is read"
            untouched += 1
        except AuditError as error:
            told = error.message
            assert "is damaged" in told or "another kind of file" in told, f"{place}: {told}"
            refused += 1
        path.unlink()
    assert refused
    yield Held(
        "a flipped bit never changes what is read: it is told as damage, or lies where nothing is",
        f"{FLIPS[scale]} bits: {refused} told, {untouched} in unused space",
    )


def _read(log: AuditLog) -> list[AuditEntry]:
    steps = Reader(log).export(
        Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
    )
    return [item for step in steps for item in from_arrow(step)]
