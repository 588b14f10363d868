"""Entries come to all rules in random orders: late, twice, finished later, while the process ends
between any two steps of a look. In the end each rule has found what plain Python finds in all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random, SystemRandom

import pytest

from audit_core.detect.rules.catalog import FOLDER, rule_files, shipped_rules
from audit_core.detect.rules.examples import BEGINNING, examples_path, read_examples
from audit_core.detect.rules.reading import read_rule_file
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching import looking
from audit_core.domain.entries import AuditEntry
from audit_core.log.store import AuditLog, Limits, open_log
from audit_core.state.database import State
from tests.contract.engines import started
from tests.soak.attack import Held, Scale
from tests.support import plain_detection
from tests.support.arrival_orders import (
    STEPS,
    arrivals_of,
    kept,
    killed_at,
    look_to_the_end,
    looks,
    unfinished,
)
from tests.support.new_state import new_state
from tests.support.watching import start_watching

ORDERS = {
    Scale.SMALL: {"duckdb": 20},
    Scale.FULL: {"duckdb": 1_000, "postgresql": 200, "clickhouse": 200},
}
PATIENT = Limits(query_timeout_s=3600)
"""No order falls because the machine is busy."""
STORIES = 4
"""How many examples of rules are mixed in one order."""
MAX_ENTRIES = 60
LOOKS = 3
END = BEGINNING + timedelta(days=60)
"""Long after the last entry of every example."""
KINDS = ("late", "twice", "finished later")
KILLS = tuple(name for _, name in STEPS)


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each order is an organization of its own in one log."""
    with ExitStack() as stack:
        engines = stack.enter_context(started()) if len(ORDERS[scale]) > 1 else None
        for engine, orders in ORDERS[scale].items():
            url = (
                f"duckdb:///{folder / 'log.duckdb'}" if engines is None else engines.new_url(engine)
            )
            with (
                closing(open_log(url, clock=lambda: END, limits=PATIENT)) as log,
                closing(new_state(folder / f"{engine}.sqlite")) as state,
            ):
                yield _orders(log, state, engine, orders, scale)
                if engine == "duckdb":
                    yield _steps(log, state, scale)


def _orders(log: AuditLog, state: State, engine: str, orders: int, scale: Scale) -> Held:
    began, entries, found = time.monotonic(), 0, 0
    # At full length the same in each run, so that one that fails can be tried again.
    base = 0 if scale is Scale.FULL else SystemRandom().randrange(2**32)
    for number in range(orders):
        seed = base + number
        mixed, findings = _order(log, state, f"order-{seed}", seed)
        entries += mixed
        found += findings
    rules = len(shipped_rules())
    return Held(
        f"in every order of arrival {rules} rules find on {engine} what plain Python finds",
        f"{orders:,} orders from seed {base}, {entries:,} entries, {found:,} findings, "
        f"{time.monotonic() - began:.0f} s",
    )


def _order(log: AuditLog, state: State, organization_id: str, seed: int) -> tuple[int, int]:
    """How many entries and findings there were."""
    chance = Random(seed)  # noqa: S311 - an order must be repeatable
    entries = mixed_stories(chance, organization_id)
    rules = shipped_rules()
    for rule in rules:
        start_watching(state, rule, organization_id, now=BEGINNING, revision=0)
    arrivals = list(arrivals_of(chance, entries))
    size = max(1, len(arrivals) // LOOKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking, "WRITES_AT_ONCE", chance.choice((40, 1000)))
        for start in range(0, len(arrivals), size):
            log.append(arrivals[start : start + size])
            now = BEGINNING + (END - BEGINNING) * min(1, (start + size) / len(arrivals))
            if chance.random() < 0.8:
                with killed_at(chance, chance.choice((*STEPS, *[None] * len(STEPS)))):
                    looks(log, state, rules, organization_id, now)
        end = look_to_the_end(log, state, rules, organization_id, END)
    return len(entries), _compare(state, rules, organization_id, entries, end)


def _compare(
    state: State,
    rules: Sequence[Rule],
    organization_id: str,
    entries: Sequence[AuditEntry],
    end: datetime,
) -> int:
    found = 0
    for rule in rules:
        expected = plain_detection.findings(rule, entries, end)
        mine = kept(state, rule, organization_id)
        assert mine == expected, (organization_id, rule.title, mine ^ expected)
        found += len(expected)
    return found


def _steps(log: AuditLog, state: State, scale: Scale) -> Held:
    """For each rule and each kind of step an order of its first example. In a small part each rule
    is killed at one step, the next rule at the next."""
    began, orders = time.monotonic(), 0
    for number, path in enumerate(rule_files(FOLDER)):
        rule = read_rule_file(path)
        kills = KILLS if scale is Scale.FULL else (KILLS[number % len(KILLS)],)
        for kind in (*KINDS, *kills):
            organization_id = f"{path.stem} {kind}"
            entries = own_copies(stories()[path.stem][0], organization_id, "step")
            start_watching(state, rule, organization_id, now=BEGINNING, revision=0)
            _step(log, state, rule, organization_id, entries, kind)
            end = look_to_the_end(log, state, [rule], organization_id, END)
            assert _compare(state, [rule], organization_id, entries, end), organization_id
            orders += 1
    return Held(
        f"each rule finds its first example, whether entries come {', '.join(KINDS)}, or the "
        "process ends between two steps",
        f"{orders} orders, {time.monotonic() - began:.0f} s",
    )


def _step(
    log: AuditLog,
    state: State,
    rule: Rule,
    organization_id: str,
    entries: Sequence[AuditEntry],
    kind: str,
) -> None:
    chance = Random(organization_id)  # noqa: S311 - an order must be repeatable
    half = max(1, len(entries) // 2)
    first, then = entries[:half], entries[half:]
    if kind == "late":
        first, then = then, first
    if kind == "finished later":
        first = [unfinished(chance, one) for one in first]
        then = entries
    log.append(list(first))
    step = next((one for one in STEPS if one[1] == kind), None)
    with killed_at(chance, step):
        looks(log, state, [rule], organization_id, END - timedelta(days=1))
    if kind == "twice":
        log.append(list(first))
    log.append(list(then))
    with killed_at(chance, step):
        looks(log, state, [rule], organization_id, END)


@cache
def stories() -> dict[str, list[tuple[AuditEntry, ...]]]:
    """The entries of the examples of each rule, those in which it finds something first."""
    found = {}
    for path in rule_files(FOLDER):
        file = examples_path(path)
        examples = read_examples(file.read_text(), file.name)
        ordered = sorted(examples, key=lambda one: not one.finds)
        found[path.stem] = [example.entries for example in ordered]
    return found


def mixed_stories(chance: Random, organization_id: str) -> list[AuditEntry]:
    """Some examples at about the same time, of the same people, some of them a little otherwise."""
    every = [one for examples in stories().values() for one in examples]
    entries: list[AuditEntry] = []
    for number, story in enumerate(chance.sample(every, STORIES)):
        if entries and len(entries) + len(story) > MAX_ENTRIES:
            continue
        shift = chance.choice((timedelta(0), timedelta(milliseconds=1), timedelta(minutes=7)))
        for entry in own_copies(story, organization_id, f"story-{number}"):
            code = entry.status_code
            if chance.random() < 0.1:
                code = chance.choice((200, 403, 500))
            entries.append(replace(entry, created_at=entry.created_at + shift, status_code=code))
    return entries


def own_copies(entries: Sequence[AuditEntry], organization_id: str, name: str) -> list[AuditEntry]:
    """The same entries in an organization, with ids of their own."""
    return [
        replace(entry, id=f"{name} {entry.id}", organization_id=organization_id)
        for entry in entries
    ]
