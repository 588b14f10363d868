"""Erasures as they stand in the state."""
