"""Webhooks: state changes that Daytona sends by itself, by way of Svix."""
