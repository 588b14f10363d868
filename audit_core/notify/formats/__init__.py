"""What is sent to each kind of channel: log text escaped for it, secrets in their place. Pure."""
