"""Routes by which programs read the log: as Daytona's API does, and as Explore does."""
