"""What an alert is to those that raise it, show it and tell of it."""
