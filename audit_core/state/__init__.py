"""The state: accounts, sessions, tokens, the access record. Small and transactional."""
