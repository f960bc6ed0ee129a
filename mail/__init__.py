"""The letters: what the system writes to families."""
