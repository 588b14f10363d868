"""HTTP of a witness: a server of its own, without the rest of the product."""
