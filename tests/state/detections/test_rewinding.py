"""A backup holds watermarks that fit its copy of the log, though the log went on meanwhile."""

from sqlalchemy import insert, select

from audit_core.state.detections.rewinding import rewind_watermarks
from audit_core.state.tables import rule_watermark
from tests.support.state_fixtures import state
from tests.support.strategies import NOW

__all__ = ["state"]


def test_no_rule_has_looked_farther_than_the_copy_goes(state):
    marks = {("a", "far"): 120, ("a", "near"): 99, ("b", "r"): 7, ("new", "r"): 3, ("a", "x"): -1}
    with state.begin() as connection:
        connection.execute(
            insert(rule_watermark),
            [
                {
                    "organization_id": organization_id,
                    "rule_id": rule_id,
                    "rule": "0" * 64,
                    "revision": revision,
                    "looked_at": NOW,
                }
                for (organization_id, rule_id), revision in marks.items()
            ],
        )
        rewind_watermarks(connection, {"a": 100, "b": 7, "": 5})
        rows = connection.execute(select(rule_watermark)).all()
    found = {(row.organization_id, row.rule_id): row.revision for row in rows}
    assert found == {**marks, ("a", "far"): 100, ("new", "r"): 0}
