"""The state and the account that these tests know."""

from tests.support.state_fixtures import ada, state

__all__ = ["ada", "state"]
