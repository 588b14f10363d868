"""Log records of OpenTelemetry, as its exporters send them."""
