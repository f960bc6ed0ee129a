"""The district's choices: every number and word that a rule depends on, with its default and its reason."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from db.languages import Sentence, say

USUAL_CONTACT: Final = say("the front office of your school")


_DOMAIN: Final = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
#: What the portal itself writes as: a dot-atom that begins no encoded word, and a domain (RFC 5322 §3.4.1, 2047).
_MAILBOX: Final = re.compile(rf"[A-Za-z0-9!#$%&'*+/^_`{{|}}~-]+(?:\.[A-Za-z0-9!#$%&'*+/^_`{{|}}~-]+)*@{_DOMAIN}")


class Rules(BaseModel):
    """What a district may set without touching code. `app.settings.Settings` fills these from `PORTAL_…`."""

    model_config = ConfigDict(frozen=True)

    district_name: str = Field("the school district", description="The district's name, as families know it.")
    district_contact: str = Field(
        USUAL_CONTACT.text,
        description="Whom to call when the school has no telephone number on record; what is set here is shown as it "
        "is, in whatever language somebody reads.",
    )
    timezone: str = Field(
        "America/Chicago",
        description="IANA time zone in which a day begins: birthdays, restrictions, enrolments.",
    )

    policy_table: Path | None = Field(
        None,
        description="A policy table of the district's own, instead of `policies/access.csv`; read and checked at the "
        "start, and refused with line and reason where it cannot stand.",
    )

    help_texts: Path | None = Field(
        None,
        description="Help texts of the district's own (TOML), each instead of the one that comes with the product; "
        "read and checked at the start, and refused with topic, language and reason where they cannot stand.",
    )

    key_delivery: Literal["show", "mail"] = Field(
        "show",
        description="`show` answers a proved request with the activation key; "
        "`mail` sends it only to the address on file.",
    )
    key_lifetime_days: int = Field(90, ge=1, le=3650, description="Days until an activation key expires.")

    mail_domain: str = Field(
        "portal-access.invalid", description="Domain of the Message-ID of letters: the district's own mail domain."
    )

    mail_from: str | None = Field(
        None, description="Address that letters come from; unset: `portal@` and PORTAL_MAIL_DOMAIN."
    )
    mail_reply_to: str | None = Field(None, description="Address that answers to letters go to; unset: the sender's.")
    technology_address: str | None = Field(
        None,
        description="Address that work orders go to; unset: all who have the technology role and an address on record.",
    )
    letters_alike: int = Field(
        3, ge=1, description="Letters of one kind to one address in a window; further ones are cancelled."
    )
    letters_alike_minutes: int = Field(60, ge=1, description="Length in minutes of the window for letters alike.")

    public_url: str | None = Field(
        None, description="The address under which families reach the portal's front end, `https://portal.example.org`."
    )
    password_page: str = Field(
        "/set-password",
        description="The front end's page that sets a new password, below PORTAL_PUBLIC_URL or a whole address. "
        "Links in letters open it with `#token=…`, which browsers do not send to any server.",
    )
    activation_page: str = Field(
        "/activate",
        description="The front end's page that takes an activation key; opened from letters with `#key=…`.",
    )
    log_on_page: str = Field("/log-on", description="The front end's page for signing in.")

    recovery_minutes: int = Field(
        30, ge=5, le=1440, description="Minutes for which the links of a log-on letter work, counted from its sending."
    )
    recovery_spread_seconds: int = Field(
        5,
        ge=0,
        le=60,
        description="A log-on letter is looked at within so many seconds, at random: who times the portal after asking "
        "for one must not see the work of writing it.",
    )
    recovery_accounts_most: int = Field(
        10,
        ge=1,
        description="Most accounts that a log-on letter lists; of an address that more have, it names none: "
        "such a one was put on record to have any at all.",
    )
    recoveries_per_client: int = Field(
        40, ge=1, description="Requests for log-on information from one client address in a window."
    )
    recoveries_per_district: int = Field(
        1000, ge=1, description="Requests for log-on information in the whole district in a window."
    )
    recovery_window_minutes: int = Field(
        60, ge=1, description="Length in minutes of the window for requests for log-on information."
    )

    standing_seconds: float = Field(
        15.0,
        gt=0,
        le=300,
        description="Seconds after which it is looked whether the session or client of an open connection is still "
        "good, where no change of an account made it looked at before.",
    )

    verification_minutes: int = Field(
        30, ge=1, le=1440, description="Minutes in which a verification is to be answered, and then to be used."
    )
    verification_attempts: int = Field(3, ge=1, le=10, description="How often one verification may be answered.")
    verifications_per_requester: int = Field(
        6, ge=1, description="Wrong answers about one caller in a window, whoever asks."
    )
    verifications_per_designee: int = Field(60, ge=1, description="Wrong answers to one designee in a window.")
    verification_window_hours: int = Field(24, ge=1, description="Length in hours of the window for wrong answers.")
    reset_code_hours: int = Field(
        24, ge=1, le=168, description="Hours in which a one-time code or link of the school sets a new password."
    )
    tokens_per_client: int = Field(20, ge=1, description="Wrong codes and links from one client address in a window.")
    tokens_per_district: int = Field(1000, ge=1, description="Wrong codes and links in the whole district in a window.")
    token_window_minutes: int = Field(
        60, ge=1, description="Length in minutes of the window for wrong codes and links."
    )

    session_idle_minutes: int = Field(60, ge=1, description="Minutes without a request after which a session ends.")
    session_absolute_hours: int = Field(12, ge=1, description="Hours after which a session ends whatever happens.")
    device_days: int = Field(180, ge=1, description="Days for which a device that signed in before is recognised.")

    clients_required: bool = Field(
        False,
        description="Whether everything but health checks and metrics needs a service client of `portal client`; "
        "requests without one are refused.",
    )

    password_min_length: int = Field(
        12,
        ge=8,
        description="Shortest password in characters.",
    )
    password_max_length: int = Field(
        128, ge=64, description="Longest password in characters; NIST asks for at least 64."
    )

    proofs_per_student: int = Field(5, ge=1, description="Wrong proofs for one student number in a window.")
    proofs_per_client: int = Field(20, ge=1, description="Wrong proofs from one client address in a window.")
    proofs_per_district: int = Field(500, ge=1, description="Wrong proofs in the whole district in a window.")
    proof_window_hours: int = Field(24, ge=1, description="Length in hours of the window for wrong proofs.")

    keys_per_client: int = Field(30, ge=1, description="Wrong activation keys from one client address in a window.")
    key_window_minutes: int = Field(60, ge=1, description="Length in minutes of the window for wrong activation keys.")

    login_free_guesses: int = Field(
        5,
        ge=1,
        description="Wrong passwords for one account, or from one device that signed in to it before, after which each "
        "further one has to wait.",
    )
    login_first_wait_seconds: int = Field(
        30, ge=1, le=3600, description="Seconds of the first wait; each further wrong password doubles it."
    )
    login_lock_minutes: int = Field(15, ge=1, le=1440, description="Minutes of the longest wait: the lock.")
    login_forget_hours: int = Field(
        24, ge=1, le=720, description="Hours without a wrong password after which the waits begin anew."
    )
    login_failures_most: int = Field(
        100,
        ge=1,
        le=100,
        description="Wrong passwords in a row, from wherever and however slowly, that disable an account; NIST allows "
        "100 at most.",
    )
    new_device_letter: bool = Field(
        True,
        description="Whether the holder is told by letter when somebody signs in from a device not seen before.",
    )
    logins_per_client: int = Field(100, ge=1, description="Wrong passwords from one client address in a window.")
    logins_per_district: int = Field(5000, ge=1, description="Wrong passwords in the whole district in a window.")
    login_window_minutes: int = Field(
        15, ge=1, description="Length in minutes of the window for wrong passwords and codes."
    )

    second_factor: Literal["required", "optional"] | None = Field(
        None,
        description="Whether designees, registrars, technology and administrators need a second factor; "
        "unset: required in production.",
    )
    second_factor_minutes: int = Field(
        240, ge=1, description="Minutes after which a code of the second factor is asked for again before an action."
    )
    second_factor_attempts: int = Field(
        5, ge=1, description="Wrong codes of the second factor for one account in a window."
    )

    merge_undo_days: int = Field(
        30, ge=1, le=365, description="Days in which a registrar can take back that two records were made one."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as unknown:
            raise ValueError(f"{name!r} is not an IANA time zone such as America/Chicago") from unknown
        return name

    @field_validator("mail_domain")
    @classmethod
    def _domain(cls, name: str) -> str:
        if not re.fullmatch(_DOMAIN, name):
            raise ValueError("it must be a domain such as example.org")
        return name

    @field_validator("mail_from", "mail_reply_to", "technology_address")
    @classmethod
    def _mailbox(cls, address: str | None) -> str | None:
        if address is not None and not _MAILBOX.fullmatch(address):
            raise ValueError("it must be an e-mail address such as portal@example.org, without a name")
        return address

    @model_validator(mode="after")
    def _room_for_passwords(self) -> Self:
        if self.password_min_length > self.password_max_length:
            raise ValueError("the shortest password is longer than the longest one")
        return self

    @model_validator(mode="after")
    def _waits_grow_and_are_remembered(self) -> Self:
        if self.login_first_wait_seconds > 60 * self.login_lock_minutes:
            raise ValueError("the first wait after wrong passwords is longer than the longest one")
        if self.login_lock_minutes > 60 * self.login_forget_hours:
            raise ValueError("the longest wait after wrong passwords is not over when they are forgotten")
        return self

    @property
    def sender(self) -> str:
        """The address that letters come from."""
        return self.mail_from or f"portal@{self.mail_domain}"

    def page(self, page: str, fragment: str = "") -> str:
        """The address of a page of the front end; what only the page itself may read goes behind `#`."""
        whole = page if "://" in page else f"{(self.public_url or '').rstrip('/')}/{page.lstrip('/')}"
        return f"{whole}#{fragment}" if fragment else whole

    @property
    def contact(self) -> Sentence | str:
        """Whom to call: a sentence until the district has words of its own."""
        return USUAL_CONTACT if self.district_contact == USUAL_CONTACT.text else self.district_contact

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def second_factor_required(self) -> bool:
        return self.second_factor == "required"

    @property
    def second_factor_fresh(self) -> timedelta:
        return timedelta(minutes=self.second_factor_minutes)

    @property
    def key_lifetime(self) -> timedelta:
        return timedelta(days=self.key_lifetime_days)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_absolute(self) -> timedelta:
        return timedelta(hours=self.session_absolute_hours)
