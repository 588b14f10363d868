"""Commands of proofs and of who witnesses them."""
