"""Who is told of alerts, where and when: channels, routes, a stored outbox, its delivery."""
