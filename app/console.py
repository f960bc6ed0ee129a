"""The page on which a developer writes a query and reads the schema; for development, and all of it from here."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

_PAGE = Path(__file__).with_name("static") / "console.html"


@cache
def console_page() -> tuple[bytes, dict[str, str]]:
    """Give the page and its headers. The policy lets the page's own script and style run and nothing else load."""
    text = _PAGE.read_text(encoding="utf-8")
    policy = [
        "default-src 'none'",
        f"script-src {_digest(text, 'script')}",
        f"style-src {_digest(text, 'style')}",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
    }
    return text.encode(), headers


def _digest(text: str, tag: str) -> str:
    """Name the one inline element of a kind by its content (Content Security Policy Level 3, section 2.3.1)."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
