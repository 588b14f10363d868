"""What people, programs and attackers do in the simulated world."""
