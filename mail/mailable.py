"""Addresses as mail servers take them: the domain in ASCII (IDNA), and before the @ whatever somebody chose."""

import re
from dataclasses import dataclass
from typing import Final, Self

import idna

#: Nothing that would end an address on the wire, or be read as more than one, or as a comment.
_LOCAL: Final = re.compile(r"""[^\s<>()\[\]\\,;:@"\x00-\x1f\x7f-\x9f]{1,64}""")
_ASCII_DOMAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_LONGEST: Final = 254


@dataclass(frozen=True, slots=True)
class Mailable:
    """An address to put on the wire."""

    address: str
    #: Only a server with SMTPUTF8 takes it (RFC 6531).
    needs_utf8: bool
    #: Its domain was written in letters of its own.
    was_translated: bool

    @classmethod
    def of(cls, address: str) -> Self | None:
        """The address for the wire; None where mail cannot be sent to it at all."""
        local, at, domain = address.strip().rpartition("@")
        # Python would decode an encoded word (RFC 2047) when it is put into a header, and write out what is in it.
        if not at or not _LOCAL.fullmatch(local) or "=?" in local:
            return None
        ascii_domain = domain
        if not domain.isascii():
            try:
                ascii_domain = idna.encode(domain, uts46=True).decode()
            except idna.IDNAError:
                return None
        if not _ASCII_DOMAIN.fullmatch(ascii_domain):
            return None
        whole = f"{local}@{ascii_domain}"
        if len(whole.encode()) > _LONGEST:
            return None
        return cls(whole, not local.isascii(), not domain.isascii())
