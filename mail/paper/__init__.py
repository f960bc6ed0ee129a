"""Letters on paper: what they say, and how they are laid out as PDF or as a page for a browser to print."""
