"""Each organization's log as an RFC 6962 tree: leaves, tiles, signed checkpoints, proofs."""
