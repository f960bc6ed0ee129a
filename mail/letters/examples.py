"""One letter of each kind to people who do not exist: for looking at them, and for the tests that read them."""

from datetime import UTC, datetime
from typing import Final

from db.context import Capacity
from db.rules import Rules
from mail.contents import (
    AccountDisabled,
    AccountEnabled,
    AccountOpened,
    AccountReset,
    ActivationKeyIssued,
    Common,
    Contents,
    KeyAskedFor,
    LogOn,
    LogOnInformation,
    LogOnStatus,
    PasswordChanged,
    ResetLink,
    School,
    SecondFactorSet,
    SignedInFromNewDevice,
    WhoseKey,
)
from mail.letters.examples_desk import desk_examples

_AT: Final = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)
_SCHOOLS: Final = (
    School("Lakeside Middle School", "(555) 555-0100"),
    School("Cedar Hollow Elementary School", "(555) 555-0142"),
)
_DEVICE: Final = "Mozilla/5.0 (Android 16; Mobile) Firefox/146.0"


def examples(rules: Rules) -> dict[str, Contents]:
    """What letters may tell, by a name for each: its kind, and what is special about it."""

    def link(token: str) -> str:
        return rules.page(rules.password_page, f"token=par_{token * 43}")

    def log_on(holder: str, status: LogOnStatus, username: str | None, token: str | None = None) -> LogOn:
        return LogOn(holder, Capacity.GUARDIAN, status, username, link(token) if token else None)

    common = Common(name="Maria Quimby", schools=_SCHOOLS, at=_AT)
    shared = Common(name=None, schools=_SCHOOLS, at=_AT)
    nameless = Common(name=None, schools=(), at=_AT)
    key = "6f1d3c08b2e748d59a70c4e1b35f9d26"
    alone = (log_on("Maria Quimby", LogOnStatus.OPEN, "maria.q", "A"),)
    family = (
        log_on("Maria Quimby", LogOnStatus.OPEN, "maria.q", "A"),
        log_on("Ruben Quimby", LogOnStatus.DISABLED, "ruben.q"),
        log_on("Ines Quimby", LogOnStatus.NOT_OPENED, None),
        LogOn("Nora Quimby", Capacity.STUDENT, LogOnStatus.OPEN, "nora.q", link("N")),
    )
    return {
        "WELCOME": AccountOpened(**common, username="maria.q"),
        "LOG_ON_INFORMATION": LogOnInformation(**common, accounts=alone, minutes=30),
        "LOG_ON_INFORMATION-shared": LogOnInformation(**shared, accounts=family, minutes=30),
        "LOG_ON_INFORMATION-too-many": LogOnInformation(**nameless, accounts=(), minutes=30),
        "PASSWORD_CHANGED": PasswordChanged(**common, username="maria.q"),
        "SECOND_FACTOR_SET": SecondFactorSet(**nameless, username="dana.ito"),
        "NEW_DEVICE": SignedInFromNewDevice(**common, username="maria.q", device=_DEVICE),
        "KEY_ASKED_FOR-own": KeyAskedFor(**common, student="Nora Quimby", whose=WhoseKey.OWN),
        "KEY_ASKED_FOR-student": KeyAskedFor(**common, student="Nora Quimby", whose=WhoseKey.STUDENT),
        "KEY_ASKED_FOR-another": KeyAskedFor(**common, student="Nora Quimby", whose=WhoseKey.ANOTHER_GUARDIAN),
        "ACTIVATION_KEY": ActivationKeyIssued(
            **common,
            key=key,
            capacity=Capacity.GUARDIAN,
            link=rules.page(rules.activation_page, f"key={key}"),
            expires_at=datetime(2027, 2, 23, 3, 5, tzinfo=UTC),
        ),
        "ACCOUNT_RESET": AccountReset(**common, username="maria.q"),
        "RESET_LINK": ResetLink(**common, username="maria.q", link=link("R"), hours=24),
        "ACCOUNT_ENABLED": AccountEnabled(**common, username="maria.q"),
        "ACCOUNT_ENABLED-not-opened": AccountEnabled(**common, username=None),
        "ACCOUNT_DISABLED": AccountDisabled(**common, username="maria.q", by_failures=False),
        "ACCOUNT_DISABLED-failures": AccountDisabled(**common, username="maria.q", by_failures=True),
    } | desk_examples(common)
