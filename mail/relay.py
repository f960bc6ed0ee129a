"""The mail relay: letters handed over by SMTP (RFC 5321), encrypted unless that is switched off by name.

What goes wrong before a recipient is named is trouble of the relay: no letter gets past it. What goes wrong from there
on is trouble of the letter: the next one begins on a clean connection.
"""

import asyncio
import contextlib
import os
import re
import ssl
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import SMTP as ASCII_HEADERS
from email.policy import SMTPUTF8 as UTF8_HEADERS
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Final

import aiosmtplib
from aiosmtplib import (
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from mail.carriers import NotNow, Refused, RelayTrouble
from mail.mailable import Mailable
from mail.outbox import LetterInHand

#: An answer's enhanced status code (RFC 3463), as in `550 5.1.1 No such user`.
_ENHANCED: Final = re.compile(r"[245]\.(\d{1,3})\.\d{1,3}\b")
#: Subjects of enhanced codes that do not speak of the address: system, protocol, content.
_NOT_THE_ADDRESS: Final = frozenset({"3", "5", "6"})
#: The subject of security and policy: before there is any content, it is about who asks.
_POLICY: Final = "7"
#: Enhanced codes that speak of the sender, at times only once they have all of the letter: a sender's address that is
#: wrong or out of use (RFC 3463 §3.2), and what Exchange says to whoever may not send as that sender.
_ABOUT_THE_SENDER: Final = frozenset({"5.1.7", "5.1.8", "5.2.252", "5.7.60"})
#: What servers without enhanced codes say to whoever they take nothing from for elsewhere.
_RELAYING: Final = re.compile(r"\brelay", re.IGNORECASE)
#: Answers to RCPT that speak of whoever asks, and would come for any recipient: bad sequence, authentication required.
_ABOUT_US: Final = frozenset({500, 502, 503, 530, 534, 535, 538})
#: The end of a message is answered when it was looked at for spam and viruses; an answer that is missed makes a repeat.
_DATA_TIMES: Final = 3
_GOODBYE_SECONDS: Final = 2.0


class Security(StrEnum):
    """How the connection is encrypted."""

    #: An open connection is encrypted before anything is said; where the relay cannot, nothing is sent.
    STARTTLS = "starttls"
    #: Encrypted from the first byte (RFC 8314).
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A mail relay and how it is spoken to."""

    host: str
    port: int
    security: Security
    #: What we call ourselves.
    own_name: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    #: Trusts these certificates too.
    ca_file: Path | None = None
    #: Seconds that each answer may take.
    seconds: float = 30.0
    _tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Reads the certificates. Raises OSError (ssl.SSLError is one) where the file of the setting is not right."""
        if self.security is not Security.NONE:
            context = ssl.create_default_context()
            if self.ca_file is not None:
                context.load_verify_locations(cafile=self.ca_file)
            object.__setattr__(self, "_tls", context)

    @property
    def where(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def line(self) -> "RelayLine":
        return RelayLine(self)

    def client(self) -> aiosmtplib.SMTP:
        """An SMTP client for one connection, which is not made yet."""
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            local_hostname=self.own_name,
            timeout=self.seconds,
            use_tls=self.security is Security.TLS,
            # Done step by step below, so that it is known at which one it failed.
            start_tls=False,
            tls_context=self._tls,
        )


class RelayLine:
    """One connection to the relay, made when there is a letter and kept for the next ones."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._smtp: aiosmtplib.SMTP | None = None

    @property
    def is_open(self) -> bool:
        return self._smtp is not None and self._smtp.is_connected

    async def carry(self, letter: LetterInHand, to: Mailable, message: EmailMessage) -> None:  # noqa: ARG002
        """Hands the letter over; afterwards the relay has it. Raises as `Line.carry` says."""
        was_open = self.is_open
        try:
            smtp = await self._opened()
            _refuse_what_it_cannot(smtp, to)
            try:
                await self._begin(smtp, to, message)
            except RelayTrouble as trouble:
                if not (trouble.lost and was_open):
                    raise
                # It closed the connection while there was nothing to carry.
                self._drop()
                smtp = await self._opened()
                await self._begin(smtp, to, message)
            await self._hand_over(smtp, to, message)
        except (Refused, NotNow):
            await self._reset()
            raise
        except BaseException:
            self._drop()
            raise

    # -------------------------------------------------------------------------------------------- the relay's part
    async def _opened(self) -> aiosmtplib.SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        relay, smtp = self._relay, self._relay.client()
        step = "connect"
        try:
            await smtp.connect()
            step = "EHLO"
            await smtp.ehlo()
            if relay.security is Security.STARTTLS:
                step = "STARTTLS"
                await smtp.starttls()
                step = "EHLO"
                await smtp.ehlo()
            if relay.username is not None:
                step = "AUTH"
                await smtp.login(relay.username, relay.password or "")
        except BaseException as failed:
            smtp.close()
            if isinstance(failed, SMTPException | OSError | ValueError):
                raise RelayTrouble(step, self._without_credentials(said(failed)), lost=lost(failed)) from failed
            raise
        self._smtp = smtp
        return smtp

    async def _begin(self, smtp: aiosmtplib.SMTP, to: Mailable, message: EmailMessage) -> None:
        sender = message["From"].addresses[0].addr_spec
        options = ["SMTPUTF8"] if to.needs_utf8 else []
        if smtp.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        try:
            await smtp.mail(sender, options=options, encoding="utf-8" if to.needs_utf8 else "ascii")
        except SMTPResponseException as answer:
            if to.needs_utf8 and answer.code >= 500 and not _is_about_us(answer, before_content=True):
                # Announced, and not meant so: nobody else's letter is held up by it.
                raise Refused(said(answer), unreachable=False, code=_code(answer)) from answer
            raise RelayTrouble("MAIL FROM", said(answer)) from answer
        except (SMTPException, OSError, ValueError) as failed:
            raise RelayTrouble("MAIL FROM", said(failed), lost=lost(failed)) from failed

    # -------------------------------------------------------------------------------------------- the letter's part
    async def _hand_over(self, smtp: aiosmtplib.SMTP, to: Mailable, message: EmailMessage) -> None:
        relay = self._relay
        content = _on_the_wire(message, to, eight_bit=smtp.supports_extension("8bitmime"))
        under_way = False
        try:
            await smtp.rcpt(to.address, encoding="utf-8" if to.needs_utf8 else "ascii")
            under_way = True
            async with asyncio.timeout(relay.seconds * (_DATA_TIMES + 1)):
                await smtp.data(content, timeout=relay.seconds * _DATA_TIMES)
        except SMTPResponseException as answer:
            at_recipient = isinstance(answer, SMTPRecipientRefused)
            if at_recipient and answer.code in _ABOUT_US:
                raise RelayTrouble("RCPT TO", said(answer)) from answer
            for_good = 500 <= answer.code < 600
            if for_good and not _is_about_us(answer, before_content=at_recipient):
                at_fault = at_recipient and _speaks_of_the_address(answer)
                raise Refused(said(answer), unreachable=at_fault, code=_code(answer)) from answer
            raise NotNow(said(answer), about_us=for_good, code=_code(answer)) from answer
        except (SMTPException, OSError) as failed:
            # Whether it had all of the letter when it went away, nobody can tell from here.
            is_lost = lost(failed)
            raise NotNow(said(failed), lost=is_lost, perhaps_taken=is_lost and under_way) from failed

    # -------------------------------------------------------------------------------------------- between letters
    async def _reset(self) -> None:
        """After a letter that was not taken: the next one begins clean, or on a new connection."""
        if self._smtp is None or not self._smtp.is_connected:
            self._drop()
            return
        try:
            await self._smtp.rset()
        except (SMTPException, OSError):
            self._drop()

    async def close(self) -> None:
        """Says goodbye, briefly."""
        if self._smtp is not None and self._smtp.is_connected:
            with contextlib.suppress(SMTPException, OSError):
                await self._smtp.quit(timeout=_GOODBYE_SECONDS)
        self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _without_credentials(self, reason: str) -> str:
        for secret in filter(None, (self._relay.password, self._relay.username)):
            reason = reason.replace(secret, "…")
        return reason


def _refuse_what_it_cannot(smtp: aiosmtplib.SMTP, to: Mailable) -> None:
    if to.needs_utf8 and not smtp.supports_extension("smtputf8"):
        raise Refused(
            "The address has letters beyond ASCII before the @, and the relay takes none (it has no SMTPUTF8).",
            unreachable=True,
        )


def _on_the_wire(message: EmailMessage, to: Mailable, *, eight_bit: bool) -> bytes:
    policy = (UTF8_HEADERS if to.needs_utf8 else ASCII_HEADERS).clone(cte_type="8bit" if eight_bit else "7bit")
    if not to.needs_utf8 and to.was_translated:
        # Python would encode a domain's own letters as if they were words.
        message.replace_header("To", to.address)
    out = BytesIO()
    BytesGenerator(out, policy=policy).flatten(message)
    return out.getvalue()


def _speaks_of_the_address(answer: SMTPResponseException) -> bool:
    """Whether a recipient refused for good is so for the address: a bare code is taken for that, an enhanced one may
    deny it."""
    enhanced = _ENHANCED.match(answer.message)
    return enhanced is None or enhanced[1] not in _NOT_THE_ADDRESS


def _is_about_us(answer: SMTPResponseException, *, before_content: bool) -> bool:
    """Whether a refusal for good would meet any letter: it is about the sender, or, while there is no content yet that
    could offend, about policy, or about taking letters for elsewhere at all."""
    enhanced = _ENHANCED.match(answer.message)
    if enhanced is None:
        return answer.code in _ABOUT_US or (before_content and _RELAYING.search(answer.message) is not None)
    return enhanced[0] in _ABOUT_THE_SENDER or (before_content and enhanced[1] == _POLICY)


def _code(answer: SMTPResponseException) -> str:
    """The answer without its words, which may be about somebody."""
    enhanced = _ENHANCED.match(answer.message)
    return f"{answer.code} {enhanced[0]}" if enhanced else str(answer.code)


def lost(failed: BaseException) -> bool:
    """Whether the relay fell silent or went away."""
    return isinstance(failed, SMTPServerDisconnected | SMTPTimeoutError | TimeoutError | ConnectionError)


def said(failed: BaseException) -> str:
    """What the relay or the machine said, for the operator."""
    if isinstance(failed, SMTPResponseException):
        return f"{failed.code} {failed.message}" if failed.code > 0 else failed.message
    if isinstance(failed, SMTPTimeoutError | TimeoutError):
        return "It did not answer in time."
    if isinstance(failed, SMTPServerDisconnected):
        return "It closed the connection."
    cause = failed.__cause__
    if isinstance(failed, SMTPException) and isinstance(cause, OSError):
        return said(cause)
    if isinstance(failed, ssl.SSLCertVerificationError):
        return f"Its certificate is not accepted: {failed.verify_message}"
    if isinstance(failed, SMTPException):
        return str(failed.message)
    if isinstance(failed, OSError) and failed.errno is not None and failed.errno > 0:
        return os.strerror(failed.errno)
    return str(getattr(failed, "strerror", None) or failed or type(failed).__name__)
