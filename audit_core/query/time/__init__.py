"""Windows, buckets and spans of time."""
