"""Evidence as files: what a log covers, reports, and access reviews."""
