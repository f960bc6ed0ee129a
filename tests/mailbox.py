"""A real mail server on a loopback port, which does to letters what servers do: takes, refuses, is slow, goes away."""

# Names and arguments of hooks are aiosmtpd's.
# ruff: noqa: ARG002, N802
import asyncio
import ssl
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
OK = "250 OK"


@dataclass(frozen=True, slots=True)
class Received:
    """A letter as it came in."""

    sender: str
    recipient: str
    message: EmailMessage
    content: bytes
    mail_options: list[str]

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass
class Mailbox:
    """Takes letters on 127.0.0.1 while the block runs. What it does to some recipients is set by their addresses."""

    tls: ssl.SSLContext | None = None
    #: Encrypted from the first byte, and not by STARTTLS.
    implicit: bool = False
    #: Who may send; nobody has to say who he is where there is none.
    login: tuple[str, str] | None = None
    utf8: bool = True
    #: Extensions that it does not announce.
    without: frozenset[str] = frozenset()
    #: Answers to RCPT TO, and to the end of a letter, by recipient.
    refused: dict[str, str] = field(default_factory=dict)
    refused_after_data: dict[str, str] = field(default_factory=dict)
    #: The answer to MAIL FROM, where it is no yes.
    refused_sender: str | None = None
    #: For these recipients so many connections are cut while the letter is under way.
    cuts: Counter[str] = field(default_factory=Counter)
    #: The same when the recipient is named.
    cuts_early: Counter[str] = field(default_factory=Counter)
    #: The answer to letters to these comes when the event is set.
    slow: dict[str, asyncio.Event] = field(default_factory=dict)

    port: int = 0
    received: list[Received] = field(default_factory=list)
    #: Of each letter that came in, whether the connection was encrypted.
    encrypted: list[bool] = field(default_factory=list)
    connections: int = 0
    #: Recipients as they were named, taken or not.
    asked_for: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _open: list["_Connection"] = field(default_factory=list)
    _arrived: "asyncio.Queue[Received]" = field(default_factory=asyncio.Queue)

    # -------------------------------------------------------------------------------------------- up and down
    async def start(self) -> None:
        """Listens; again on the port that it had."""
        loop = asyncio.get_running_loop()
        implicit = self.tls if self.implicit else None
        self._server = await loop.create_server(self._connection, HOST, self.port, ssl=implicit)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Is gone: whoever is connected is cut off, and nobody else gets through."""
        assert self._server is not None
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Cuts off whoever is connected."""
        for connection in self._open:
            connection.cut()
        self._open.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for event in self.slow.values():
            event.set()
        await self.stop()

    def _connection(self) -> "_Connection":
        self.connections += 1
        connection = _Connection(
            self,
            hostname="mail.example.org",
            loop=asyncio.get_running_loop(),
            enable_SMTPUTF8=self.utf8,
            tls_context=None if self.implicit else self.tls,
            require_starttls=self.tls is not None and not self.implicit,
            authenticator=self._authenticate if self.login else None,
            auth_required=self.login is not None,
            # It takes a connection that was encrypted from the start for an open one.
            auth_require_tls=not self.implicit,
        )
        connection.mailbox = self
        self._open.append(connection)
        return connection

    # -------------------------------------------------------------------------------------------- what came in
    async def next(self) -> Received:
        """The next letter that comes in, or came in and was not asked for yet."""
        async with asyncio.timeout(60):
            return await self._arrived.get()

    @property
    def is_connected(self) -> bool:
        """Whether anybody is."""
        return any(connection.transport is not None for connection in self._open)

    @property
    def recipients(self) -> list[str]:
        """Whom letters came in for, in order."""
        return [letter.recipient for letter in self.received]

    # -------------------------------------------------------------------------------------------- aiosmtpd's hooks
    def _authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        known = (data.login.decode(), data.password.decode()) == self.login
        return AuthResult(success=known, handled=False)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [response for response in responses if response[4:] not in self.without]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        if self.refused_sender is not None:
            return self.refused_sender
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return OK

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        self.asked_for.append(address)
        if answer := self.refused.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return OK

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        [recipient] = envelope.rcpt_tos
        if event := self.slow.get(recipient):
            await event.wait()
        if answer := self.refused_after_data.get(recipient):
            return answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=SMTPUTF8)
        letter = Received(
            str(envelope.mail_from), recipient, message, envelope.content, [str(one) for one in envelope.mail_options]
        )
        self.received.append(letter)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self._arrived.put_nowait(letter)
        return OK


class _Connection(SMTP):
    """One connection, which may be cut in the midst of a letter."""

    mailbox: Mailbox

    async def smtp_RCPT(self, arg: str) -> None:
        for address in +self.mailbox.cuts_early:
            if address in arg:
                self.mailbox.cuts_early[address] -= 1
                self.cut()
                return
        await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        recipients = self.envelope.rcpt_tos if self.envelope else []
        if recipients and self.mailbox.cuts[recipients[0]] > 0:
            self.mailbox.cuts[recipients[0]] -= 1
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.readline()
            self.cut()
            return
        await super().smtp_DATA(arg)

    def cut(self) -> None:
        """Nothing more is said or heard."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
