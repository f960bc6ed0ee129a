"""The settings: everything that an operator may choose, from `PORTAL_…` in the environment or a `.env` file."""

import os
import re
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.problems import PlainProblem
from db.connection import is_address
from db.rules import Rules
from db.secrets import Keyring

#: The usual port for each way of encrypting (RFC 6409, RFC 8314, RFC 5321).
SMTP_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
#: Several values in one variable, separated by commas.
Words = Annotated[tuple[str, ...], NoDecode]


class Settings(Rules, BaseSettings):
    """What `db.rules.Rules` says of the district, and what the outside needs beside it."""

    model_config = SettingsConfigDict(
        env_prefix="PORTAL_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    environment: Literal["development", "production"] = Field(
        "development",
        description="`production` refuses to start without secrets, database and public address, never changes the "
        "database by itself, and hides introspection and the console.",
    )
    secrets: SecretStr | None = Field(
        None,
        description="Master secrets by version, `2:<base64url>,1:<base64url>`; `portal secrets` makes one. "
        "In development a file in the var folder is made once.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://user:password@host:5432/name`. In development an embedded PostgreSQL is started.",
    )
    var: Path = Field(Path("var"), description="Folder for what development keeps: data, secret, demo district.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: int = Field(
        1, ge=1, le=64, description="Worker processes; as many as cores for the most log-ins a second."
    )
    trusted_proxies: Words = Field(
        (), description="Addresses or networks of proxies whose `X-Forwarded-For` is believed, separated by commas."
    )
    cors_origins: Words = Field(
        (),
        description="Origins that may call from a browser, beside those of `portal client`, separated by commas.",
    )

    database_pool: int = Field(10, ge=1, le=200, description="Most database connections of one worker.")
    statement_timeout_ms: int = Field(10_000, ge=100, description="Milliseconds after which a statement is given up.")
    request_seconds: float = Field(30.0, gt=0, description="Seconds after which an operation is given up.")
    exports: int = Field(2, ge=1, le=100, description="Reports that one worker sends as files at the same time.")
    export_seconds: float = Field(
        900.0, gt=0, description="Seconds after which a report that is still on its way is cut off."
    )
    body_limit: int = Field(100_000, ge=1000, description="Largest request body in bytes.")
    body_seconds: float = Field(10.0, gt=0, description="Seconds in which a request body must have arrived.")

    socket_init_seconds: float = Field(
        10.0, gt=0, description="Seconds in which a WebSocket must have said who asks (`connection_init`)."
    )
    sockets_per_worker: int = Field(1000, ge=1, description="Most WebSockets of one worker.")
    sockets_per_client: int = Field(
        100, ge=1, description="Most WebSockets of one client address at one worker: a school may have one address."
    )
    operations_per_socket: int = Field(
        10, ge=1, le=100, description="Most operations under way over one WebSocket, subscriptions included."
    )

    trail_seal_seconds: float = Field(10.0, gt=0, description="Seconds between two seals of the trail.")
    trail_checkpoints: Path | None = Field(
        None,
        description="File to which each seal of the trail appends a line: outside the database, and best on another "
        "machine. In development a file in the var folder.",
    )

    smtp_host: str | None = Field(
        None,
        description="The mail relay's name. Unset: letters are written as files into `mail` in the var folder in "
        "development, and wait in production.",
    )
    smtp_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="The mail relay's port; unset: 587 for `starttls`, 465 for `tls`, 25 for `none`.",
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the way to the mail relay is encrypted; with `starttls` a relay that cannot gets no letters. "
        "`none` is for a relay on the same machine.",
    )
    smtp_username: str | None = Field(None, description="Username at the mail relay, where it asks for one.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail relay.")
    smtp_ca_file: Path | None = Field(
        None, description="Certificates (PEM) of authorities that the mail relay's may come from, beside the system's."
    )
    smtp_seconds: float = Field(30.0, ge=1, le=600, description="Seconds that the mail relay may take for one answer.")
    mail_per_minute: int = Field(
        60,
        ge=1,
        le=100_000,
        description="Letters a minute, of all servers together: less than the mail relay allows.",
    )
    mail_connections: int = Field(
        2, ge=1, le=20, description="Letters that one worker sends side by side, each on a connection of its own."
    )
    mail_give_up_hours: float = Field(24, gt=0, le=720, description="Hours for which a letter is tried.")
    letter_days: int = Field(90, ge=1, description="Days for which letters that were sent or given up are kept.")
    change_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days for which changes of accounts are kept for clients that catch up; who was away for longer "
        "reads the accounts anew.",
    )
    courier: bool = Field(
        True, description="Whether `portal serve` sends letters; if not, run `portal courier` beside it."
    )
    webhooks: bool = Field(
        True, description="Whether `portal serve` calls webhooks; if not, run `portal webhook run` beside it."
    )
    webhook_seconds: float = Field(15.0, ge=1, le=60, description="Seconds in which a webhook's receiver must answer.")
    webhook_connections: int = Field(
        4,
        ge=1,
        le=50,
        description="Changes that one worker tells one webhook side by side; those of one account never.",
    )
    webhook_give_up_hours: float = Field(
        72, gt=0, le=720, description="Hours for which a change is tried before its webhook is paused."
    )
    webhook_ca_file: Path | None = Field(
        None, description="Certificates (PEM) of authorities that receivers' may come from, beside the system's."
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="What `/metrics` is to be asked with, as `Authorization: Bearer`. Unset: it is open in "
        "development, and not there in production.",
    )

    hash_memory_kib: int = Field(19456, ge=8192, description="Memory of one argon2id hash in KiB (OWASP: 19456).")
    hash_passes: int = Field(2, ge=1, description="Passes of one argon2id hash (OWASP: 2).")

    introspection: bool | None = Field(None, description="Whether the schema may be asked for; unset: in development.")
    console: bool | None = Field(None, description="Whether browsers get a console at /graphql; unset: in development.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is worth a log line.")
    log_format: Literal["json", "text"] | None = Field(
        None, description="`json` for machines, `text` for people; unset: json in production."
    )

    @field_validator("trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            ip_network(word, strict=False)
        return words

    @field_validator("database_url")
    @classmethod
    def _address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not is_address(url.get_secret_value()):
            raise ValueError("it must look like postgresql://user:password@host:5432/name")
        return url

    @field_validator("smtp_host", "smtp_username", "smtp_password", "metrics_token")
    @classmethod
    def _one_line(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is not None and not text.isprintable():
            raise ValueError("it must be one line of text without control characters")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _host_alone(cls, host: str | None) -> str | None:
        if host is not None and not re.fullmatch(r"[\w.-]+", host):
            try:
                ip_address(host)
            except ValueError:
                raise ValueError("it must be a host name or an address alone, such as smtp.example.org") from None
        return host

    @model_validator(mode="after")
    def _relay_fits(self) -> Self:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("PORTAL_SMTP_USERNAME and PORTAL_SMTP_PASSWORD go together")
        if self.smtp_password is not None and self.smtp_security == "none":
            raise ValueError("with PORTAL_SMTP_SECURITY none the password would be sent for anybody to read")
        return self

    @property
    def relay_port(self) -> int:
        return self.smtp_port or SMTP_PORTS[self.smtp_security]

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    @property
    def second_factor_required(self) -> bool:
        return self.in_production if self.second_factor is None else self.second_factor == "required"

    @property
    def shows_schema(self) -> bool:
        return not self.in_production if self.introspection is None else self.introspection

    @property
    def shows_console(self) -> bool:
        return not self.in_production if self.console is None else self.console

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(word, strict=False) for word in self.trusted_proxies)


def load_settings() -> Settings:
    """Reads the environment.

    Raises:
        PlainProblem: names the variable and what is wrong with it; or what production lacks.
    """
    _refuse_unknown()
    try:
        settings = Settings()  # type: ignore[call-arg]  # everything has a default
    except UnicodeDecodeError:
        raise PlainProblem("The file .env is not UTF-8.") from None
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        # Without a place it is about several settings together.
        what = f"PORTAL_{str(first['loc'][0]).upper()} is" if first["loc"] else "The settings are"
        raise PlainProblem(f"{what} not right: {_reason(first)}.") from None
    if settings.in_production:
        needed = {
            "PORTAL_SECRETS": settings.secrets,
            "PORTAL_DATABASE_URL": settings.database_url,
            "PORTAL_PUBLIC_URL": settings.public_url,
        }
        lacking = [name for name, value in needed.items() if not value]
        if lacking:
            raise PlainProblem(f"In production, set {_listed(lacking)} first.")
    elif settings.public_url is None:
        # There is no front end yet: links in letters lead to where this server listens.
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        settings = settings.model_copy(update={"public_url": f"http://{host}:{settings.port}"})
    return settings


def _refuse_unknown() -> None:
    """A misspelt name would otherwise be a setting that quietly does not hold."""
    known = {f"PORTAL_{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith("PORTAL_") and name.upper() not in known:
            near = get_close_matches(name.upper(), known, 1)
            raise PlainProblem(f"{name} is not a setting{f'; {near[0]} is' if near else ''}. See docs/settings.md.")


def _reason(error: ErrorDetails) -> str:
    """What pydantic says, in the middle of a sentence."""
    said = error["msg"].removeprefix("Value error, ").partition(", unable to")[0]
    return said.replace("Input should be", "it must be").replace("Input should have", "it must have")


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def var_folder(settings: Settings) -> Path:
    """The folder for what development keeps, made where it is missing.

    Raises:
        PlainProblem: when it cannot be made.
    """
    try:
        settings.var.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise PlainProblem(f"The folder {settings.var} cannot be made: a file has that name. See PORTAL_VAR.") from None
    except OSError as failed:
        raise PlainProblem(f"The folder {settings.var} cannot be made: {failed.strerror}. See PORTAL_VAR.") from None
    return settings.var


def keyring(settings: Settings) -> Keyring:
    """The master secrets: from the settings, or in development from a file that is made once, readable by its owner.

    Raises:
        PlainProblem: when the secrets are malformed, or the file cannot be read or made.
    """
    if settings.secrets is not None:
        return _parsed(settings.secrets.get_secret_value(), "PORTAL_SECRETS")
    path = var_folder(settings) / "secrets"
    try:
        try:
            # O_EXCL: of two processes that start at once, one makes it and the other one reads it.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(Keyring.generate() + "\n")
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as failed:
        raise PlainProblem(f"The secret file {path} cannot be made or read: {failed.strerror}.") from None
    return _parsed(text, str(path))


def _parsed(text: str, source: str) -> Keyring:
    try:
        return Keyring.parse(text)
    except ValueError as malformed:
        raise PlainProblem(f"{source} is not right: {malformed}") from None
