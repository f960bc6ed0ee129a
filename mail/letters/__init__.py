"""What the letters say, as text and as HTML, in English and Spanish: pure functions of what they tell."""

from mail.letters.rendering import Written, write

__all__ = ["Written", "write"]
