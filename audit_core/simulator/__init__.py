"""A simulator of audit logs: organizations, people, sandboxes, failures and incidents."""

from audit_core.simulator.journal import Arrival
from audit_core.simulator.organizations import DEMO_ORGANIZATIONS
from audit_core.simulator.simulation import simulate, simulate_with_truth
from audit_core.simulator.trickle import Trickle, trickle
from audit_core.simulator.truth import Incident, StateChange, Truth

__all__ = [
    "DEMO_ORGANIZATIONS",
    "Arrival",
    "Incident",
    "StateChange",
    "Trickle",
    "Truth",
    "simulate",
    "simulate_with_truth",
    "trickle",
]
