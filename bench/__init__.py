"""What the portal costs, measured side by side with the least that it could cost: `python -m bench`."""
