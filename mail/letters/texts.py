"""The texts of the letters, one function for each kind: short, calm, and what to do next.

They are read by families on telephones, many of whom read another language better. So: plain words, one thing a
sentence, and no more about anybody than the letter needs. No letter ever holds a password.
"""

from collections.abc import Callable
from typing import Any, Final

from db.rules import Rules
from mail.contents import (
    AccountDisabled,
    AccountEnabled,
    AccountOpened,
    AccountReset,
    ActivationKeyIssued,
    AnothersGuardianship,
    Contents,
    HouseholdChanged,
    KeyAskedFor,
    KeyGivenOut,
    LogOnInformation,
    OwnGuardianship,
    PasswordChanged,
    RecordsMerged,
    ResetLink,
    SecondFactorSet,
    SignedInFromNewDevice,
    StudentNotShown,
    WorkOrderOpened,
    WorkOrderResolved,
)
from mail.letters import accounts, families, keys, returning, work_orders
from mail.letters.blocks import Letter


def text_of(contents: Contents, rules: Rules) -> Letter:
    """The letter that tells this."""
    return _TEXTS[type(contents)](contents, rules)


_TEXTS: Final[dict[type[Contents], Callable[[Any, Rules], Letter]]] = {
    AccountOpened: accounts.welcome,
    LogOnInformation: returning.log_on_information,
    PasswordChanged: accounts.password_changed,
    SecondFactorSet: accounts.second_factor_set,
    SignedInFromNewDevice: accounts.new_device,
    KeyAskedFor: keys.key_asked_for,
    ActivationKeyIssued: keys.activation_key,
    AccountReset: returning.account_reset,
    ResetLink: returning.reset_link,
    AccountEnabled: accounts.enabled,
    AccountDisabled: accounts.disabled,
    WorkOrderOpened: work_orders.work_order_opened,
    WorkOrderResolved: work_orders.work_order_resolved,
    OwnGuardianship: families.own_guardianship,
    StudentNotShown: families.student_not_shown,
    AnothersGuardianship: families.anothers_guardianship,
    HouseholdChanged: families.household_changed,
    KeyGivenOut: keys.key_given_out,
    RecordsMerged: accounts.records_merged,
}
