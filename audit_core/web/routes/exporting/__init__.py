"""Exports that are made in the background, over HTTP: by people and by programs."""
