"""Requests to addresses that people name: where they may lead, checked when they are made."""
