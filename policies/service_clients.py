"""What each kind of service client may be given at most, and which origins a front end may have."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from db.context import Role
from db.models import ClientKind

#: The roles that a kind of client may have, and those that it has where none is named. A front end is for families: it
#: is public, so that anybody's program can say that it is this one, and staff have tools with a key.
ROLES: Final[dict[ClientKind, tuple[Role, ...]]] = {
    ClientKind.REPORTING: (Role.REPORTER,),
    ClientKind.DESIGNEE_TOOL: (Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY),
    ClientKind.PORTAL_FRONT_END: (Role.GUARDIAN, Role.STUDENT),
}
USUAL_ROLES: Final[dict[ClientKind, tuple[Role, ...]]] = ROLES | {ClientKind.DESIGNEE_TOOL: (Role.DESIGNEE,)}
#: Most keys of one client that are good at the same time: one, and the one that takes its place.
MOST_KEYS: Final = 2
#: In characters.
LONGEST_ORIGIN: Final = 300

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)


class OriginRefused(ValueError):
    """What is said to be an origin is none that a front end may have; the text says why, in one sentence."""


def origin_of(said: str) -> str:
    """An origin as browsers send it (RFC 6454 §6.2): scheme and host in small letters, and no usual port.

    Raises:
        OriginRefused: when it has more to it or less, or what is sent from it could be read and changed on the way.
    """
    form = f"{said!r} is not an origin: it must be like https://portal.example.org, without a path."
    try:
        parts = urlsplit(said)
        port = parts.port
    except ValueError:
        raise OriginRefused(form) from None
    if not said.isascii() or not said.isprintable() or len(said) > LONGEST_ORIGIN:
        raise OriginRefused(f"{form} A name in other letters is written as browsers send it, xn--….")
    if parts.scheme not in _PORTS or said.lower() != f"{parts.scheme}://{parts.netloc.lower()}" or "@" in parts.netloc:
        raise OriginRefused(form)
    host, is_loopback = _host(parts, form)
    if parts.scheme == "http" and not is_loopback:
        raise OriginRefused(f"{said!r} is not encrypted: an origin must begin with https, but for one on this machine.")
    if port == 0 or parts.netloc.endswith(":"):
        raise OriginRefused(form)
    return f"{parts.scheme}://{host}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")


def _host(parts: SplitResult, form: str) -> tuple[str, bool]:
    """The host as it stands in an origin, and whether it is this very machine."""
    name = parts.hostname or ""
    try:
        address: IPv4Address | IPv6Address | None = ip_address(name)
    except ValueError:
        address = None
    if isinstance(address, IPv6Address) and "%" not in name:
        return f"[{address.compressed}]", address.is_loopback
    if isinstance(address, IPv4Address):
        return str(address), address.is_loopback
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise OriginRefused(form)
    return name, name == "localhost" or name.endswith(".localhost")
