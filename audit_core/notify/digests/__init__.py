"""A digest of an organization's alerts, by e-mail to members who want one, each day."""
