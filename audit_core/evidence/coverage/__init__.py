"""What an organization's log covers: which actions on which targets, against the catalogue."""
