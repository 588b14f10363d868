"""Anchors: places outside of this installation that keep checkpoints of its logs, so that a tail
that was cut, or a log that was put back, shows."""
