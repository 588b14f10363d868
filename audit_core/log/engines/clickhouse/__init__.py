"""ClickHouse: a log on a server or a cluster, shared by several processes."""
