"""What device somebody signed in from, in a few words that are known beforehand.

A browser's own words (its User-Agent) are long, hardly anybody can read them, and whoever signs in chooses them: a
letter that repeated them would carry a stranger's message.
"""

from typing import Final

from db.languages import say
from mail.letters.blocks import Said

#: What a browser's words hold, and its name; many claim to be others too, so the first that fits counts.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "Chromebook"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def device_words(client: str | None) -> Said | None:
    """Such as `Chrome on Windows`; None where nothing is known of it."""
    browser, system = _first(_BROWSERS, client or ""), _first(_SYSTEMS, client or "")
    if browser and system:
        return say("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system


def _first(known: tuple[tuple[str, str], ...], client: str) -> str | None:
    return next((name for sign, name in known if sign in client), None)
