"""SQL that engines spell differently."""
