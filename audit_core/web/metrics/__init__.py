"""What whoever watches the server can read of it, in the form of Prometheus.

No label holds an organization, an address or a name: their number has no bound, and metrics are
read by people who may not read the log.
"""
