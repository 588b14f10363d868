"""What a read scans: entries or a rollup, and which part of the time range."""
