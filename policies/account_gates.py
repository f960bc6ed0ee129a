"""The gates of the guardian's account: that it was opened, and opens to its holder."""

from collections.abc import Callable
from typing import Final

from db.context import Role
from db.languages import Sentence, say
from db.models import AccountStatus, DisabledReason, GateName
from policies.access_record import AccountOnRecord
from policies.findings import Found, Place, beside_the_point, fails, holds

_ENABLE: Final = say("Verify the caller and enable the account (enableAccount).")
#: Why an account is disabled, what to do about it, and who can.
_DISABLED: Final[dict[DisabledReason, tuple[Sentence, Sentence, Role]]] = {
    DisabledReason.TOO_MANY_FAILURES: (
        say("The account is disabled: there were too many wrong passwords in a row."),
        _ENABLE,
        Role.DESIGNEE,
    ),
    DisabledReason.STAFF_DECISION: (say("The account is disabled: the school decided so."), _ENABLE, Role.DESIGNEE),
    DisabledReason.NO_CURRENT_STUDENT: (
        say("The account is disabled: no student was left to see."),
        _ENABLE,
        Role.DESIGNEE,
    ),
    DisabledReason.LEGAL_RESTRICTION: (
        say("The account is disabled because of a legal restriction."),
        say("Only the registrar can mend this, and only once the restriction has ended (openWorkOrder)."),
        Role.REGISTRAR,
    ),
    DisabledReason.MERGED: (
        say("The account is disabled: its holder was on record twice, and the other account goes on."),
        say("Have the guardian use the other account. If there were two people, undo the merge (undoMerge)."),
        Role.REGISTRAR,
    ),
}


def _of_account(gate: Callable[[Place, AccountOnRecord], Found]) -> Callable[[Place], Found]:
    """A gate that is about the account, where there is one."""

    def looked_at(place: Place) -> Found:
        account = place.record.account
        return beside_the_point(say("There is no account yet.")) if account is None else gate(place, account)

    return looked_at


def _key(place: Place, account: AccountOnRecord) -> Found:
    if account.was_opened:
        return beside_the_point(say("The account is activated: no key is needed."))
    if account.status is AccountStatus.DISABLED:
        remedy = say("Enable the account first. Then issue a key, and hand it over or mail it (issueActivationKey).")
    else:
        remedy = say("Issue a key, and hand it over or mail it (issueActivationKey).")
    if account.key is None:
        return fails(say("There is no activation key."), remedy, Role.REGISTRAR)
    expires_at = account.key.expires_at
    if expires_at is None:
        return holds(say("There is an activation key that waits to be used."))
    if expires_at <= place.at:
        finding = say("The activation key expired on %(day)s.", day=place.day(expires_at))
        return fails(finding, remedy, Role.REGISTRAR)
    return holds(
        say("There is an activation key that waits to be used. It expires on %(day)s.", day=place.day(expires_at))
    )


def _activated(_: Place, account: AccountOnRecord) -> Found:
    if account.was_opened:
        return holds(say("The account was activated."))
    if account.status is AccountStatus.DISABLED:
        remedy = say("Once it is enabled, the guardian opens it with the activation key (activate).")
    else:
        remedy = say("The guardian opens it with the activation key (activate).")
    return fails(say("The account was never activated."), remedy, Role.GUARDIAN)


def _enabled(place: Place, account: AccountOnRecord) -> Found:
    if account.status is AccountStatus.DISABLED:
        return fails(*_DISABLED[account.disabled_reason or DisabledReason.STAFF_DECISION])
    if not place.lets_in:
        return fails(
            say("The district's own rules let no guardian in."),
            say("An administrator looks at the policy table (explainPolicy)."),
            Role.ADMINISTRATOR,
        )
    return holds(say("The account is not disabled."))


def _password_set(_: Place, account: AccountOnRecord) -> Found:
    if not account.was_opened:
        return beside_the_point(say("There is no password yet."))
    if account.must_change_password:
        return fails(
            say("The account was reset: a new password has to be set before anybody can sign in."),
            say(
                "The guardian sets it with the code or link from the school (setNewPassword). Where that is lost or "
                "expired, the designee resets the account once more (resetAccount)."
            ),
            Role.GUARDIAN,
        )
    return holds(say("There is a password, and it need not be changed."))


def _not_locked(place: Place, account: AccountOnRecord) -> Found:
    if not account.was_opened:
        return beside_the_point(say("There is no password yet."))
    if account.locked_until is not None and account.locked_until > place.at:
        return fails(
            say(
                "After wrong passwords, signing in has to wait until %(until)s.",
                until=place.time(account.locked_until),
            ),
            say(
                "It is enough to wait. Whoever cannot is verified, and the designee resets the account (resetAccount)."
            ),
            Role.DESIGNEE,
        )
    return holds(say("Signing in does not have to wait."))


ACCOUNT_GATES: Final[dict[GateName, Callable[[Place], Found]]] = {
    GateName.KEY_ISSUED: _of_account(_key),
    GateName.ACCOUNT_ACTIVATED: _of_account(_activated),
    GateName.ACCOUNT_ENABLED: _of_account(_enabled),
    GateName.PASSWORD_SET: _of_account(_password_set),
    GateName.NOT_LOCKED: _of_account(_not_locked),
}
