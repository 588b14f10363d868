"""What a process needs before it opens anything: settings, the signing key, errors of databases."""
