"""Who is calling: whom the portal believes about an address, and what it calls a client."""

from ipaddress import ip_network

import pytest

from app.clients import LONGEST_CLIENT_NAME, client_address, client_name

BALANCER = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        # Whoever calls directly is not believed.
        ("192.0.2.1", ["203.0.113.5"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        # What stands further to the left was written by the caller.
        ("10.0.0.1", ["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
        # Two proxies of ours, one behind the other.
        ("10.0.0.1", ["6.6.6.6, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
        ("2001:db8:ffff::1", ["203.0.113.5,10.0.0.2"], "203.0.113.5"),
        # Only proxies: somebody inside.
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        # What cannot be read ends the reading; the last address that a proxy vouched for counts.
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5, _hidden, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["203.0.113.5:4711"], "10.0.0.1"),
        # One address, one spelling.
        ("10.0.0.1", ["2001:DB8:0:0::5"], "2001:db8::5"),
        ("10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5"),
        ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["fe80::5%" + "e" * 300], "fe80::5"),
        # A server on a socket has no addresses to tell.
        ("", ["203.0.113.5"], "unknown"),
        ("x" * 100, [], "x" * 64),
    ],
)
def test_an_address_is_believed_from_proxies_of_ours_only(peer: str, headers: list[str], address: str) -> None:
    assert client_address(peer, headers, BALANCER) == address


def test_without_proxies_nobody_is_believed() -> None:
    assert client_address("10.0.0.1", ["203.0.113.5"], []) == "10.0.0.1"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, ""),
        ("Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)"),
        ("nice\r\nline: forged\x00\x1b[2J", "niceline: forged[2J"),
        ("x" * 5000, "x" * LONGEST_CLIENT_NAME),
    ],
)
def test_a_client_is_called_what_it_calls_itself_in_plain_characters(header: str | None, name: str) -> None:
    assert client_name(header) == name
