"""Which notices a channel is told of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.alerts.level import Level
from audit_core.notify.notice import Notice
from audit_core.notify.routes import Route, is_told
from tests.support.laws import law
from tests.support.notices import TARGETS, notices

ROUTES = st.lists(
    st.builds(
        Route,
        id=st.just("r"),
        channel_id=st.just("c"),
        level=st.sampled_from(Level),
        rule_ids=st.lists(st.sampled_from(("rule-a", "rule-b")), unique=True).map(tuple),
        target_types=st.lists(st.sampled_from(TARGETS), unique=True, max_size=2).map(tuple),
    ),
    max_size=3,
)


@given(ROUTES, notices())
@law(500)
def test_a_channel_is_told_what_any_of_its_routes_takes(
    routes: list[Route], notice: Notice
) -> None:
    order = ["informational", "low", "medium", "high", "critical"]
    taken = False
    for route in routes:
        loud = order.index(notice.level) >= order.index(route.level)
        ruled = route.rule_ids == () or notice.rule_id in route.rule_ids
        aimed = route.target_types == () or any(
            target in route.target_types for target in notice.target_types
        )
        taken = taken or (loud and ruled and aimed)
    assert is_told(routes, notice) == (taken or routes == [])


@given(ROUTES, notices())
@law(200)
def test_what_is_told_at_a_level_is_told_at_each_higher_one(
    routes: list[Route], notice: Notice
) -> None:
    told = [
        is_told(routes, Notice(**{**_fields(notice), "level": level}))
        for level in sorted(Level, key=lambda level: level.rank)
    ]
    assert told == sorted(told)


def _fields(notice: Notice) -> dict[str, object]:
    return {name: getattr(notice, name) for name in Notice.__dataclass_fields__}
