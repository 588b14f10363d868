"""Full verification: every leaf is made again from the log and held against what was sealed."""
