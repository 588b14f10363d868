"""The state that these tests know."""

from tests.support.state_fixtures import state

__all__ = ["state"]
