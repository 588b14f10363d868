"""The catalogue against what was seen: nothing is lost, nothing is told twice."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import ACTIONS_OF_CATEGORY
from audit_core.evidence.coverage.catalogue import CATALOGUE, Recorded
from audit_core.evidence.coverage.reader import CoverageState, SeenPair, compare
from tests.support.laws import law

LISTED = sorted(CATALOGUE, key=repr)
AT = datetime(2026, 5, 4, 9, 30, 12)  # noqa: DTZ001 - as the engines give it

pairs = st.one_of(
    st.sampled_from(LISTED),
    st.tuples(st.none() | st.sampled_from(["sandbox", "<b>"]), st.sampled_from(["login", "=x()"])),
)


@law(50)
@given(st.dictionaries(pairs, st.integers(1, 99), max_size=40))
def test_every_pair_is_told_once_and_what_was_seen_with_its_count(
    counts: dict[tuple[str | None, str], int],
) -> None:
    lines = compare([SeenPair(*pair, count, 0, AT) for pair, count in counts.items()])
    told = {(line.target_type, line.action): line for line in lines}
    assert len(told) == len(lines)
    assert set(counts) | set(CATALOGUE) <= set(told)
    assert {pair: told[pair].count for pair in counts} == counts
    assert sum(line.count for line in lines) == sum(counts.values())
    for pair, line in told.items():
        seen, listed = pair in counts, pair in CATALOGUE
        assert (line.state is CoverageState.SEEN) == (seen and listed)
        assert (line.state is CoverageState.UNLISTED) == (seen and not listed)
        assert (line.last_seen is None) == (not seen)
    assert [*lines] == sorted(
        lines, key=lambda line: (line.target_type is None, line.target_type or "", line.action)
    )


def test_known_names_without_a_published_target_are_told_until_they_are_seen() -> None:
    def named(*seen: SeenPair) -> set[str]:
        return {line.action for line in compare(seen) if line.state is CoverageState.NAMED}

    assert {"login", "auto_stop", "update_secrets"} <= named()
    assert "auto_stop" not in named(SeenPair("sandbox", "auto_stop", 1, 0, AT))
    assert named() <= frozenset().union(*ACTIONS_OF_CATEGORY.values())


def test_toolbox_and_operators_actions_are_not_called_missing() -> None:
    states = {(line.target_type, line.action): line.state for line in compare([])}
    assert states["sandbox", "toolbox_execute_command"] is CoverageState.SWITCHED_ON
    assert states["organization", "suspend"] is CoverageState.ELSEWHERE
    assert states["sandbox", "create"] is CoverageState.NEVER_SEEN
    assert states[None, "leave_organization"] is CoverageState.NEVER_SEEN
    assert {*CATALOGUE.values()} == {*Recorded}


def test_last_seen_is_the_hour_whatever_answered() -> None:
    (line,) = (line for line in compare([SeenPair("x", "y", 1, 0, AT)]) if line.target_type == "x")
    assert line.last_seen == datetime(2026, 5, 4, 9, tzinfo=UTC)
