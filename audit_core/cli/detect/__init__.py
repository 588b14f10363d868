"""Commands about rules and what they find."""
