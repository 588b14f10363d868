"""Daytona's audit log, read through its API."""
