"""An installation as a whole: opened, ready, examined, backed up."""
