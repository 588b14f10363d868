"""Rules: Sigma text read into values, and the SQL of what they ask."""
