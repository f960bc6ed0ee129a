"""Every way to a session, or a step towards one, in every state of an account: none gets round what has closed it.

A table: to add a way, write what one sends and give it a column; to add a state, say how an account gets into it and
give it a row. All ways are made ready while the account is open: keys, tokens, devices and sessions are from before.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from app.settings import Settings
from db.models import Account, AccountStatus, DisabledReason, Letter, RecoveryToken, Session, TokenKind
from db.secrets import new_code, new_nonce
from mail.contents import LogOnInformation
from mail.log_on import log_on_information
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.desk import Desk, open_desk
from tests.district import PASSWORD, Adult, District
from tests.guessing import guess_a_hundred, guess_to_the_lock
from tests.outgoing import in_hand

NEW = "copper violin thirty meadows"
RETRY = "idempotency-of-ruth"
NOBODY = "nobody"


@dataclass
class Ruth:
    """A mother whom the table is about, with everything that she got while her account was open or was to be opened."""

    desk: Desk
    settings: Settings
    clock: Clock
    adult: Adult
    #: Her browser: signed in, once the account is open.
    own: Portal
    #: Somewhere that nobody was seen before.
    elsewhere: Portal
    key: str = ""
    device: str | None = None
    session: str | None = None
    code: str = ""
    link: str = ""

    async def change(self, **columns: object) -> None:
        await Account.filter(id=self.adult.account_id).update(**columns)

    async def verified(self, purpose: str) -> str:
        """She calls the school, and the designee verifies her."""
        said = self.desk.right | {"PARENT_NAME": "Ruth Quimby"}
        return await self.desk.verified(purpose, said, guardian=self.adult)

    async def token(self, kind: TokenKind) -> str:
        """A code or a link, as the school or a letter gives it out."""
        keys, now = self.desk.district.ctx.keys, self.clock()
        nonce = new_nonce() if kind is TokenKind.LINK else None
        token = new_code() if nonce is None else keys.recovery_link_token(nonce, keys.current)
        await RecoveryToken.create(
            account_id=self.adult.account_id,
            kind=kind,
            nonce=nonce,
            secret_version=keys.current,
            digest=keys.recovery_token_digest(token, keys.current),
            issued_at=now,
            expires_at=now + timedelta(hours=24),
        )
        return token


@pytest.fixture
async def ruth(portal: Portal, district: District, settings: Settings, clock: Clock) -> Ruth:
    desk = await open_desk(portal, district)
    # The other guardian of the school's family is not in the way: one name is enough to tell who is meant.
    adult = await district.guardian(desk.nora, given="Ruth", email="ruth@example.org")
    await district.household(adult, desk.nora)
    ruth = Ruth(
        *(desk, settings, clock, adult),
        own=Portal(portal.app, address="203.0.113.20"),
        elsewhere=Portal(portal.app, address="203.0.113.21"),
    )
    issued = await ruth.elsewhere.request_key(*desk.nora.proofs, guardianName=adult.name)
    ruth.key = issued["key"]
    return ruth


async def activate(portal: Portal, key: str) -> Answer:
    return await portal.activate(key, "ruth.q", PASSWORD, idempotencyKey=RETRY)


async def opened(ruth: Ruth) -> None:
    """She has opened her account, and goes on in the session that she got."""
    session = (await activate(ruth.own, ruth.key))["session"]
    ruth.own.token, ruth.device = session["token"], session["deviceToken"]
    ruth.session = session["token"]


# ------------------------------------------------------------------------------------------------ states
async def open_(ruth: Ruth) -> None:
    await opened(ruth)


async def locked_out(ruth: Ruth) -> None:
    """A stranger has guessed up to the lock."""
    await opened(ruth)
    await guess_to_the_lock(ruth.elsewhere, ruth.clock, "ruth.q")


async def disabled_by_failures(ruth: Ruth) -> None:
    await opened(ruth)
    await guess_a_hundred(ruth.settings, ruth.clock, "ruth.q")


async def disabled_by_the_desk(ruth: Ruth) -> None:
    await opened(ruth)
    closed = await ruth.desk.disable(await ruth.verified("DISABLE"))
    assert closed["account"]["status"] == "DISABLED"


async def disabled_by_law(ruth: Ruth) -> None:
    """Written into the table and nothing else: its sessions, devices and tokens are all there."""
    await opened(ruth)
    await ruth.change(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.LEGAL_RESTRICTION)


async def disabled_without_a_student(ruth: Ruth) -> None:
    await opened(ruth)
    await ruth.change(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.NO_CURRENT_STUDENT)


async def reset_by_the_desk(ruth: Ruth) -> None:
    await opened(ruth)
    reset = await ruth.desk.reset(await ruth.verified("RESET"))
    assert reset["__typename"] == "AccountReset"


async def must_change_password(ruth: Ruth) -> None:
    """Written into the table and nothing else: sessions, devices and tokens are all there."""
    await opened(ruth)
    await ruth.change(must_change_password=True)


async def restricted(ruth: Ruth) -> None:
    """A court order: the account is hers, and the student is nobody that she may see."""
    await opened(ruth)
    await ruth.desk.district.restrict(ruth.adult, ruth.desk.nora)


async def not_activated(ruth: Ruth) -> None:
    """She has her key, and has not used it."""


async def restricted_before(ruth: Ruth) -> None:
    await ruth.desk.district.restrict(ruth.adult, ruth.desk.nora)


async def disabled_before(ruth: Ruth) -> None:
    closed = await ruth.desk.disable(await ruth.verified("DISABLE"))
    assert closed["account"]["status"] == "DISABLED"


async def disabled_by_law_before(ruth: Ruth) -> None:
    """Written into the table and nothing else: the key is the current one."""
    await ruth.change(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.LEGAL_RESTRICTION)


# ------------------------------------------------------------------------------------------------ ways
async def _name(answer: Awaitable[Answer]) -> str:
    name: str = (await answer)["__typename"]
    return name


async def log_in(ruth: Ruth) -> str:
    """With the right password, from a device not seen before."""
    return await _name(ruth.elsewhere.login("ruth.q", PASSWORD))


async def log_in_known(ruth: Ruth) -> str:
    """With the right password, from the device that the account was opened at."""
    ruth.own.token = None
    return await _name(ruth.own.login("ruth.q", PASSWORD, deviceToken=ruth.device))


async def use_key(ruth: Ruth) -> str:
    """With the key that was issued before, and another username."""
    return await _name(ruth.elsewhere.activate(ruth.key, "ruth.quimby", PASSWORD))


async def try_again(ruth: Ruth) -> str:
    """As a client that has not got the answer to its activation."""
    return await _name(activate(ruth.elsewhere, ruth.key))


async def request_key(ruth: Ruth) -> str:
    return await _name(ruth.elsewhere.request_key(*ruth.desk.nora.proofs, guardianName=ruth.adult.name))


async def check_key(ruth: Ruth) -> str:
    return await _name(ruth.elsewhere.check_key(ruth.key))


async def use_code(ruth: Ruth) -> str:
    return await _name(set_password(ruth.elsewhere, ruth.code))


async def use_link(ruth: Ruth) -> str:
    return await _name(set_password(ruth.elsewhere, ruth.link))


async def recover(ruth: Ruth) -> str:
    """With the link of a letter that is asked for now, if it has one."""
    asked = await ruth.elsewhere.do(documents.RECOVER_LOG_ON, {"email": "ruth@example.org"})
    assert asked["__typename"] == "LogOnLetterAskedFor"
    letter = await Letter.get(kind=LetterKind.LOG_ON_INFORMATION)
    told = await log_on_information(replace(ruth.desk.district.ctx, now=ruth.clock()), in_hand(letter))
    assert isinstance(told, LogOnInformation)
    [account] = told.accounts
    if account.link is None:
        return "no link"
    return await _name(set_password(ruth.elsewhere, account.link.partition("#token=")[2]))


async def set_password(portal: Portal, token: str) -> Answer:
    choice = {"token": token, "password": NEW, "verifyPassword": NEW}
    return await portal.do(documents.SET_NEW_PASSWORD, choice)


async def go_on(ruth: Ruth) -> str:
    """With the next request of the session that there was."""
    ruth.own.token = ruth.session
    return "me" if await ruth.own.me() else NOBODY


async def change_password(ruth: Ruth) -> str:
    ruth.own.token = ruth.session
    choice = {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}
    return await _name(ruth.own.do(documents.CHANGE_PASSWORD, choice))


@dataclass(frozen=True)
class Way:
    """What somebody tries, and what has to be made ready for it before the account gets into its state."""

    tries: Callable[[Ruth], Awaitable[str]]
    ready: TokenKind | None = field(default=None)


WAYS = {
    "log in": Way(log_in),
    "log in, known": Way(log_in_known),
    "use key": Way(use_key),
    "try again": Way(try_again),
    "request key": Way(request_key),
    "check key": Way(check_key),
    "use code": Way(use_code, ready=TokenKind.CODE),
    "use link": Way(use_link, ready=TokenKind.LINK),
    "recover": Way(recover),
    "go on": Way(go_on),
    "change": Way(change_password),
}

#: What is the same for all accounts that were opened once: there is no key any more.
_OPENED = {"use key": "KeyNotAccepted", "request key": "AlreadyActivated", "check key": "KeyNotAccepted"}
_ALL_OPEN = _OPENED | {
    "log in": "LoggedIn",
    "log in, known": "LoggedIn",
    "try again": "AccountActivated",
    "use code": "PasswordChanged",
    "use link": "PasswordChanged",
    "recover": "PasswordChanged",
    "go on": "me",
    "change": "PasswordChanged",
}
_ALL_SHUT = _OPENED | {
    "log in": "AccountDisabled",
    "log in, known": "AccountDisabled",
    "try again": "KeyNotAccepted",
    "use code": "TokenNotAccepted",
    "use link": "TokenNotAccepted",
    "recover": "no link",
    "go on": NOBODY,
    "change": "NotAllowed",
}
#: Nothing was ever opened: there is no username to sign in with, and no session.
_NEVER_OPENED = {
    "log in": "WrongCredentials",
    "log in, known": "WrongCredentials",
    "use code": "TokenNotAccepted",
    "use link": "TokenNotAccepted",
    "recover": "no link",
    "go on": NOBODY,
    "change": "NotAllowed",
}
_NO_KEY = {
    "use key": "KeyNotAccepted",
    "try again": "KeyNotAccepted",
    "request key": "NotMatched",
    "check key": "KeyNotAccepted",
}

TABLE: dict[Callable[[Ruth], Awaitable[None]], dict[str, str]] = {
    open_: _ALL_OPEN,
    locked_out: _ALL_OPEN | {"log in": "TooManyAttempts"},
    disabled_by_failures: _ALL_SHUT,
    disabled_by_the_desk: _ALL_SHUT,
    disabled_by_law: _ALL_SHUT,
    disabled_without_a_student: _ALL_SHUT,
    # The old password is over, and with it whatever was given out before.
    reset_by_the_desk: _ALL_SHUT
    | {"log in": "NewPasswordNeeded", "log in, known": "NewPasswordNeeded", "recover": "PasswordChanged"},
    must_change_password: _ALL_SHUT
    | {
        "log in": "NewPasswordNeeded",
        "log in, known": "NewPasswordNeeded",
        "use code": "PasswordChanged",
        "use link": "PasswordChanged",
        "recover": "PasswordChanged",
    },
    restricted: _ALL_OPEN | {"request key": "NotMatched"},
    not_activated: _NEVER_OPENED
    | {
        "use key": "AccountActivated",
        "try again": "AccountActivated",
        "request key": "ActivationKeyIssued",
        "check key": "ActivationKeyGood",
    },
    restricted_before: _NEVER_OPENED | _NO_KEY,
    disabled_before: _NEVER_OPENED | _NO_KEY,
    disabled_by_law_before: _NEVER_OPENED | _NO_KEY,
}
#: After these somebody is signed in.
IN = {"LoggedIn", "AccountActivated", "me"}


def test_each_cell_is_filled() -> None:
    assert all(row.keys() == WAYS.keys() for row in TABLE.values())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", TABLE, ids=lambda state: state.__name__)
async def test_no_way_gets_round_the_state(ruth: Ruth, state: Callable[[Ruth], Awaitable[None]], way: str) -> None:
    if WAYS[way].ready is TokenKind.CODE:
        ruth.code = await ruth.token(TokenKind.CODE)
    if WAYS[way].ready is TokenKind.LINK:
        ruth.link = await ruth.token(TokenKind.LINK)
    await state(ruth)
    expected = TABLE[state][way]
    before, sessions = await Account.get(id=ruth.adult.account_id), await Session.all().count()
    assert await WAYS[way].tries(ruth) == expected
    after = await Account.get(id=ruth.adult.account_id)
    if expected not in IN:
        assert await Session.all().count() == sessions
        assert after.last_login_at == before.last_login_at
    if expected not in IN | {"PasswordChanged"}:
        assert (after.status, after.disabled_reason, after.password_hash, after.must_change_password) == (
            *(before.status, before.disabled_reason, before.password_hash, before.must_change_password),
        )
    if after.status is AccountStatus.DISABLED or after.must_change_password:
        # Whatever she holds by now leads nowhere.
        for token in filter(None, (ruth.session, ruth.own.token, ruth.elsewhere.token)):
            assert await ruth.elsewhere.me(token=token) is None
    if state in {restricted, restricted_before}:
        for token in filter(None, (ruth.session, ruth.own.token, ruth.elsewhere.token)):
            assert await ruth.elsewhere.students(token=token) == []


async def test_the_lock_ends_with_a_code_or_a_link_and_then_every_way_is_open(ruth: Ruth) -> None:
    code = await ruth.token(TokenKind.CODE)
    await locked_out(ruth)
    assert await _name(ruth.elsewhere.login("ruth.q", PASSWORD)) == "TooManyAttempts"
    assert await _name(set_password(ruth.elsewhere, code)) == "PasswordChanged"
    assert await _name(ruth.elsewhere.login("ruth.q", NEW)) == "LoggedIn"
