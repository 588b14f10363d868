"""Alerts: what a person works off. Findings of one rule and group join while one is open."""
