"""The memory: what the district knows of people, and every step that was taken; nothing above may be imported here."""
