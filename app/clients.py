"""Who is calling: the client's address, told by a proxy only where the proxy is one of ours."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
LONGEST_CLIENT_NAME = 200


def client_address(peer: str, forwarded_for: Sequence[str], proxies: Sequence[Network]) -> str:
    """The last address in `X-Forwarded-For` that is not a proxy of ours; the peer's, where the peer is not one.

    Everything further to the left was written by whoever called, and is not believed.
    """
    address = _read(peer)
    if address is None:
        return peer[:64] or "unknown"
    for word in reversed([word for header in forwarded_for for word in header.split(",")]):
        if not any(address in network for network in proxies if network.version == address.version):
            break
        said = _read(word.strip())
        if said is None:
            break
        address = said
    return str(address)


def client_name(user_agent: str | None) -> str:
    """What the client calls itself, cut to a length that fits, without control characters."""
    return "".join(c for c in user_agent or "" if c.isprintable())[:LONGEST_CLIENT_NAME]


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # Without its zone (`%eth0`), which may be text of any length and means nothing on another machine.
    return address.ipv4_mapped or IPv6Address(int(address))
