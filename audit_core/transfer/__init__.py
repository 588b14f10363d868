"""Copying a log into another one, and the proof that both hold the same."""
