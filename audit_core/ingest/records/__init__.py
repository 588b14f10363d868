"""One record: located, decoded, validated."""
