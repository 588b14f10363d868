"""Measured claims. `make bench` prints them; `ROWS=` sets the size of the log."""
