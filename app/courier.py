"""The courier beside the requests: letters are sent by whoever serves, or by `portal courier` alone."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from app import beside
from app.problems import PlainProblem
from app.settings import Settings, var_folder
from db.context import Context
from db.hashing import PasswordHasher
from db.secrets import Keyring
from mail.carriers import Carrier
from mail.courier import Courier
from mail.eml import Folder
from mail.habits import Habits
from mail.relay import Relay, Security

_log = structlog.get_logger("portal.mail")
#: What a promised letter is told by: see the migrations.
CHANNEL = "letter"


def carrier_of(settings: Settings, clock: Callable[[], datetime]) -> Carrier | None:
    """The mail relay of the settings; in development without one, a folder; else None: then letters wait.

    Raises:
        PlainProblem: when the file of certificates cannot be used, or the mail domain is none.
    """
    if settings.smtp_host is None:
        return None if settings.in_production else Folder(var_folder(settings) / "mail", clock)
    if settings.sender.endswith(".invalid"):
        # RFC 2606 §2: nobody has such an address, and many a relay turns its letters away.
        _log.warning("letters come from an address that nobody has", setting="PORTAL_MAIL_DOMAIN")
    try:
        own_name = settings.mail_domain.encode("idna").decode()
        return Relay(
            host=settings.smtp_host,
            port=settings.relay_port,
            security=Security(settings.smtp_security),
            own_name=own_name,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            ca_file=settings.smtp_ca_file,
            seconds=settings.smtp_seconds,
        )
    except UnicodeError:
        raise PlainProblem(f"PORTAL_MAIL_DOMAIN is not right: {settings.mail_domain!r} is no domain.") from None
    except ssl.SSLError:
        fault = f"{settings.smtp_ca_file} holds no certificates"
    except OSError as failed:
        fault = f"{settings.smtp_ca_file} cannot be read: {failed.strerror}"
    raise PlainProblem(f"PORTAL_SMTP_CA_FILE is not right: {fault}.")


def courier_contexts(
    settings: Settings, clock: Callable[[], datetime], keys: Keyring, hasher: PasswordHasher
) -> Callable[[], Context]:
    """Makes contexts for letters: each of its own moment, without a viewer, told apart by their address."""

    def context() -> Context:
        return Context(
            now=clock(),
            address="courier",
            client="courier",
            language="en",
            request_id=uuid4().hex,
            rules=settings,
            keys=keys,
            hasher=hasher,
        )

    return context


def courier_of(settings: Settings, carrier: Carrier, context: Callable[[], Context]) -> Courier:
    """A courier with the habits of the settings."""
    habits = Habits(
        lines=settings.mail_connections,
        per_minute=settings.mail_per_minute,
        give_up_after=timedelta(hours=settings.mail_give_up_hours),
        seconds=settings.smtp_seconds,
    )
    return Courier(carrier, context, habits)


@asynccontextmanager
async def carrying(
    settings: Settings, clock: Callable[[], datetime], context: Callable[[], Context]
) -> AsyncIterator[None]:
    """Sends letters as long as the block runs, where the settings say so. Several workers may do so at once.

    Raises:
        PlainProblem: as `carrier_of`.
    """
    if not settings.courier:
        yield
        return
    carrier = carrier_of(settings, clock)
    if carrier is None:
        _log.warning("letters wait: there is no mail relay", setting="PORTAL_SMTP_HOST")
        yield
        return
    async with beside.at_work(settings, CHANNEL, courier_of(settings, carrier, context)):
        yield


def awake(settings: Settings, courier: Courier) -> AbstractAsyncContextManager[None]:
    """As long as the block runs, the courier is woken whenever a letter was promised."""
    return beside.awake(settings, CHANNEL, courier.wake)
