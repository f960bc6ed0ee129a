"""The steps: one module a journey, told from top to bottom in the order in which it happens."""
