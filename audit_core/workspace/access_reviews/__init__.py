"""Access reviews: who had access in a quarter, frozen, each attested or revoked, and signed off."""
