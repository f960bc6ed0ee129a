"""Ids as the outside knows them: what a thing is and which one, in one opaque word."""

import base64


def global_word(kind: str, number: int) -> str:
    """The id of this thing, the same wherever it is shown: in an answer, in a file, in a message."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")
