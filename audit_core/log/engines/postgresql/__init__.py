"""PostgreSQL: a log on a server, shared by several processes."""
