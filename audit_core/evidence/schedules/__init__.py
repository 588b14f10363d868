"""Exports that are made by themselves: each day, week or month."""
