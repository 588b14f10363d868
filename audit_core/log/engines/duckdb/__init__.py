"""DuckDB: the embedded log, a file that one process owns."""
