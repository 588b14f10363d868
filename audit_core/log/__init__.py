"""The log: what is stored, and the one place that runs statements on it."""
