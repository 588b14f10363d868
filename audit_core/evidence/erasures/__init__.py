"""Erasing a person's data: asked by one admin, confirmed by another, carried out by the app."""
