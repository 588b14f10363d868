"""The access record as a log: what may be asked of it, its statements, its reads, its files."""
