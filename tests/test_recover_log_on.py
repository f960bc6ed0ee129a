"""A forgotten log-on: the same answer for every address; a letter to whoever has it; links that work once."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from app.settings import Settings
from db import sql
from db.context import Capacity, Context, Role
from db.models import (
    Account,
    AccountStatus,
    DisabledReason,
    Letter,
    LetterState,
    Person,
    RecoveryToken,
    SsnState,
    Student,
    TokenState,
    TrailEntry,
)
from db.queries.housekeeping import throw_away
from db.queries.versions import versions_in_use
from db.secrets import Keyring
from db.trail import Step
from mail.contents import LogOnInformation, LogOnStatus
from mail.log_on import log_on_information
from mail.outbox import LetterKind, Withdrawn
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, Adult, District, Pupil
from tests.outgoing import in_hand
from tests.tables import trail

NEW = "copper violin thirty meadows"
ADDRESS = "maria@example.org"


@dataclass
class Home:
    """Nora's mother Maria has an account and has forgotten how to sign in to it."""

    portal: Portal
    ctx: Context
    clock: Clock
    district: District
    nora: Pupil
    maria: Adult

    async def recover(self, email: str = ADDRESS) -> Answer:
        return await self.portal.do(documents.RECOVER_LOG_ON, {"email": email})

    async def told(self) -> LogOnInformation | Withdrawn:
        """What the newest letter tells, if it is sent now."""
        letter = await Letter.filter(kind=LetterKind.LOG_ON_INFORMATION).order_by("-id").first()
        assert letter is not None
        return await log_on_information(replace(self.ctx, now=self.clock()), in_hand(letter))

    async def tokens(self, email: str = ADDRESS) -> dict[str, str]:
        """The token of each username, from a letter that is asked for and sent now."""
        await self.recover(email)
        return by_username(await self.told())

    async def set_password(self, token: str, password: str = NEW, portal: Portal | None = None) -> Answer:
        choice = {"token": token, "password": password, "verifyPassword": password}
        return await (portal or self.portal).do(documents.SET_NEW_PASSWORD, choice)

    async def relative(self, given: str, username: str | None = None, email: str = ADDRESS) -> Adult:
        """Another guardian of Nora's, with an account if there is a username."""
        adult = await self.district.guardian(self.nora, given=given, email=email)
        if username is not None:
            await self.district.opened(adult, username)
        return adult


def by_username(letter: LogOnInformation | Withdrawn) -> dict[str, str]:
    """The token of each username's link."""
    assert isinstance(letter, LogOnInformation)
    return {
        account.username: account.link.partition("#token=")[2]
        for account in letter.accounts
        if account.username and account.link
    }


@pytest.fixture
async def home(portal: Portal, ctx: Context, clock: Clock, district: District) -> Home:
    nora = await district.student(school=await district.school())
    maria = await district.guardian(nora, email=ADDRESS)
    await district.opened(maria, "maria.q")
    return Home(portal, ctx, clock, district, nora, maria)


# ------------------------------------------------------------------------------------------------ asking
async def test_an_address_that_is_known_and_one_that_is_not_look_alike_from_the_first_request_to_the_twentieth(
    home: Home, statements: Statements
) -> None:
    await home.relative("Ruben", "ruben.q", "home@example.org")
    await home.relative("Ines", None, "home@example.org")
    closed = await home.relative("Paul", None, "paul@example.org")
    await Account.filter(id=closed.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    seen = []
    addresses = (ADDRESS, "nobody@example.org", "home@example.org", "paul@example.org")
    clients = [Portal(home.portal.app, address=f"203.0.113.{number}") for number in range(len(addresses))]
    for client, address in zip(clients, addresses, strict=True):
        statements.take()
        answers = [await client.post(documents.RECOVER_LOG_ON, {"input": {"email": address}}) for _ in range(20)]
        seen.append(([(answer.status_code, answer.content) for answer in answers], statements.take()))
        await client.http.aclose()
    assert all(one == seen[0] for one in seen)
    assert set(seen[0][0]) == {seen[0][0][0]}
    assert b'"__typename":"LogOnLetterAskedFor"' in seen[0][0][0][1]
    # A letter each, of which three are to go out; and as much spent, whoever was asked for.
    kept = Counter((letter.address_digest, letter.state) for letter in await Letter.all())
    assert sorted(kept.values()) == [3, 3, 3, 3, 17, 17, 17, 17]
    spent = await sql.rows("SELECT spent FROM attempt_budget WHERE id LIKE 'recovery-client:%'")
    assert [row["spent"] for row in spent] == [20, 20, 20, 20]


async def test_nothing_is_kept_of_an_address_whose_letter_never_goes(home: Home) -> None:
    for _ in range(4):
        await home.recover("Stranger@Example.org")
    assert await home.told() is Withdrawn.NOBODY
    letters = await Letter.all().order_by("id")
    assert [letter.state for letter in letters] == [*3 * [LetterState.WAITING], LetterState.CANCELLED]
    assert [letter.address for letter in letters][2:] == ["stranger@example.org", ""]
    assert await log_on_information(home.ctx, in_hand(letters[2])) is Withdrawn.NOBODY
    await letters[2].refresh_from_db()
    assert letters[2].address == ""
    assert "tranger" not in str(await sql.rows("SELECT details FROM trail_entry"))


async def test_requests_are_counted_for_a_client_whatever_they_ask_for(home: Home, settings: Settings) -> None:
    for number in range(settings.recoveries_per_client):
        assert (await home.recover(f"nobody{number}@example.org"))["__typename"] == "LogOnLetterAskedFor"
    closed = await home.recover()
    assert closed["__typename"] == "TooManyAttempts"
    assert closed["retryAt"]
    assert await Letter.all().count() == settings.recoveries_per_client


@pytest.mark.parametrize(
    "email",
    [
        "",
        "maria",
        "maria@",
        "@example.org",
        "a b@example.org",
        "maria@example.org\r\nBcc: x@example.org",
        "maria@example.org, x@example.org",
        "Maria <maria@example.org>",
        "maria@exa mple.org",
        "x" * 5000 + "@example.org",
        "maria@example.org" * 30,
    ],
)
async def test_what_cannot_be_an_address_is_said_to_be_none(home: Home, email: str) -> None:
    refused = await home.recover(email)
    assert refused["__typename"] == "InvalidInput"
    assert refused["fields"][0]["path"] == ["input", "email"]
    assert await Letter.all().count() == 0


# ------------------------------------------------------------------------------------------------ the letter
async def test_a_forgotten_username_comes_by_letter_with_a_link(home: Home) -> None:
    await home.recover(" MARIA@Example.ORG ")
    letter = await home.told()
    assert isinstance(letter, LogOnInformation)
    assert letter.name == "Maria Quimby"
    assert [school.phone for school in letter.schools] == ["(555) 555-0100"]
    [account] = letter.accounts
    assert (account.holder, account.capacity, account.username) == ("Maria Quimby", Capacity.GUARDIAN, "maria.q")
    assert account.link is not None
    assert account.link.startswith("https://portal.example.org/set-password#token=par_")
    assert (await Letter.get()).address == ADDRESS


async def test_one_letter_lists_everybody_who_has_the_address(home: Home) -> None:
    await home.relative("Ruben", "ruben.q")
    paul = await home.relative("Paul", "paul.q")
    await Account.filter(id=paul.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    await home.relative("Ines")
    teacher = await Account.create(person_id=home.maria.id, capacity=Capacity.STAFF)
    await home.district.opened(replace(home.maria, account_id=teacher.id), "m.quimby")
    await home.recover()
    letter = await home.told()
    assert isinstance(letter, LogOnInformation)
    assert letter.name is None
    listed = [(one.holder.split()[0], one.status, one.username, one.link is not None) for one in letter.accounts]
    assert listed == [
        ("Maria", LogOnStatus.OPEN, "maria.q", True),
        ("Maria", LogOnStatus.OPEN, "m.quimby", True),
        ("Ruben", LogOnStatus.OPEN, "ruben.q", True),
        ("Paul", LogOnStatus.DISABLED, "paul.q", False),
        ("Ines", LogOnStatus.NOT_OPENED, None, False),
    ]
    links = {account.link for account in letter.accounts if account.link}
    assert len(links) == 3
    assert await Letter.all().count() == 1


async def test_an_address_that_a_whole_school_has_on_record_names_nobody(home: Home) -> None:
    for number in range(home.ctx.rules.recovery_accounts_most + 1):
        await home.relative(f"Given{number}", f"user{number}", "none@example.org")
    await home.recover("none@example.org")
    letter = await home.told()
    assert isinstance(letter, LogOnInformation)
    assert letter.accounts == ()
    assert letter.name is None
    # Nor do the schools of all of them say anything about whoever reads it.
    assert letter.schools == ()
    assert await RecoveryToken.all().count() == 0


async def test_the_letter_goes_to_the_address_on_record_and_not_to_one_that_folds_into_it(home: Home) -> None:
    """`ſ` is the long s: case-folded, it is an s, and another mailbox."""
    await home.relative("Samuel", None, "Samuel.Strauss@example.org")
    await home.recover("ſamuel.ſtrauß@example.org")
    assert isinstance(await home.told(), LogOnInformation)
    assert (await Letter.get()).address == "Samuel.Strauss@example.org"


async def test_the_language_is_the_one_of_all_who_have_the_address(home: Home) -> None:
    await Person.filter(id=home.maria.id).update(language="es")
    await home.recover()
    await home.told()
    assert (await Letter.get()).language == "es"
    await home.relative("Ruben")
    await home.told()
    assert (await Letter.get()).language is None


async def test_a_letter_that_is_sent_again_has_the_same_links(home: Home) -> None:
    await home.recover()
    first = await home.told()
    home.clock.advance(minutes=20)
    again = await home.told()
    assert first == again
    [token] = await RecoveryToken.all()
    assert token.expires_at == home.clock() + timedelta(minutes=30)
    assert isinstance(again, LogOnInformation)
    link = again.accounts[0].link
    assert link is not None
    await home.set_password(link.partition("#token=")[2])
    assert await home.told() is Withdrawn.OUTDATED


async def test_there_is_no_token_at_rest(home: Home) -> None:
    found = await home.tokens()
    token = found["maria.q"]
    for table in await sql.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"):
        held = str(await sql.rows(f'SELECT t::text AS row FROM "{table["name"]}" t'))
        assert token not in held
        assert token.encode().hex() not in held


async def test_the_trail_tells_who_was_written_to(home: Home) -> None:
    await home.recover()
    await home.told()
    assert await trail() == [(Step.RECOVER_LOG_ON, "DONE"), (Step.SEND_LOG_ON_LINK, "DONE")]
    asked, sent = await TrailEntry.all().order_by("id")
    letter = await Letter.get()
    assert (asked.details, asked.about_person_id) == ({"letters": [letter.id]}, None)
    assert (sent.about_account_id, sent.about_person_id) == (home.maria.account_id, home.maria.id)
    assert sent.details == {"letter": letter.id}


async def test_however_many_ask_at_once_no_more_letters_go_out(home: Home) -> None:
    async with crowd(30, home.portal) as clients:
        await asyncio.gather(
            *(client.do(documents.RECOVER_LOG_ON, {"email": ADDRESS}) for client in clients),
        )
    states = Counter(letter.state for letter in await Letter.all())
    assert states == {LetterState.WAITING: home.ctx.rules.letters_alike, LetterState.CANCELLED: 27}


async def test_a_stranger_who_asks_first_does_not_leave_the_holder_without_a_link_that_works(home: Home) -> None:
    for _ in range(5):
        await home.recover()
    await home.told()
    home.clock.advance(minutes=home.ctx.rules.recovery_minutes, seconds=1)
    assert (await home.set_password((await home.tokens())["maria.q"]))["__typename"] == "PasswordChanged"


# ------------------------------------------------------------------------------------------------ sent again
async def test_sent_again_it_ends_the_links_of_those_who_left_and_has_one_for_whoever_came(home: Home) -> None:
    ruben, paul = await home.relative("Ruben", "ruben.q"), await home.relative("Paul", "paul.q")
    ines = await home.relative("Ines")
    first = await home.tokens()
    assert set(first) == {"maria.q", "ruben.q", "paul.q"}
    await Person.filter(id=ruben.id).update(email="ruben@example.org", email_folded="ruben@example.org")
    await Account.filter(id=paul.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    await home.district.opened(ines, "ines.q")
    home.clock.advance(minutes=20)
    again = by_username(await home.told())
    assert set(again) == {"maria.q", "ines.q"}
    assert again["maria.q"] == first["maria.q"]
    home.clock.advance(minutes=15)
    assert (await home.set_password(first["ruben.q"]))["__typename"] == "TokenNotAccepted"
    await Account.filter(id=paul.account_id).update(status=AccountStatus.ACTIVE, disabled_reason=None)
    assert (await home.set_password(first["paul.q"]))["__typename"] == "TokenNotAccepted"
    assert (await home.set_password(again["ines.q"]))["__typename"] == "PasswordChanged"


async def test_sent_again_when_nobody_has_the_address_any_more_its_links_end(home: Home) -> None:
    first = await home.tokens()
    await Person.filter(id=home.maria.id).update(email="new@example.org", email_folded="new@example.org")
    assert await home.told() is Withdrawn.NOBODY
    assert (await home.set_password(first["maria.q"]))["__typename"] == "TokenNotAccepted"


async def test_sent_again_it_has_no_new_link_for_one_that_has_ended_and_tells_the_others(home: Home) -> None:
    await home.relative("Ruben", "ruben.q")
    first = await home.tokens()
    await RecoveryToken.filter(account_id=home.maria.account_id).update(state=TokenState.REPLACED)
    again = await home.told()
    assert by_username(again) == {"ruben.q": first["ruben.q"]}
    assert isinstance(again, LogOnInformation)
    assert [account.username for account in again.accounts] == ["maria.q", "ruben.q"]


async def test_links_outlast_housekeeping_as_long_as_their_letter_may_still_be_sent(home: Home) -> None:
    first = await home.tokens()
    home.clock.advance(hours=10)
    await throw_away(home.clock(), letters_for=timedelta(days=90))
    assert by_username(await home.told()) == first
    await home.set_password(first["maria.q"])
    home.clock.advance(hours=10)
    await throw_away(home.clock(), letters_for=timedelta(days=90))
    # It shows that the letter has come, and is not to be sent again.
    assert await home.told() is Withdrawn.OUTDATED
    await Letter.all().update(state=LetterState.CANCELLED)
    await throw_away(home.clock(), letters_for=timedelta(days=90))
    assert await RecoveryToken.all().count() == 0


async def test_under_another_secret_a_letter_that_is_sent_again_has_no_link_of_the_lost_one(home: Home) -> None:
    await home.tokens()
    home.ctx = replace(home.ctx, keys=Keyring.parse("2:" + Keyring.generate().partition(":")[2]))
    assert by_username(await home.told()) == {}
    assert {token.state for token in await RecoveryToken.all()} == {TokenState.REPLACED}


async def test_a_secret_is_in_use_as_long_as_a_link_made_under_it_is_good(home: Home) -> None:
    await Student.all().update(ssn_state=SsnState.NOT_ON_FILE, ssn_proof=None, ssn_proof_version=None)
    assert await versions_in_use(home.clock()) == []
    await home.tokens()
    assert await versions_in_use(home.clock()) == [1]
    home.clock.advance(minutes=30)
    assert await versions_in_use(home.clock()) == []


# ------------------------------------------------------------------------------------------------ the link
async def test_a_changed_password_ends_the_links_that_somebody_else_may_have_asked_for(home: Home) -> None:
    links = await home.tokens()
    await home.portal.login("maria.q", PASSWORD)
    choice = {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}
    assert (await home.portal.do(documents.CHANGE_PASSWORD, choice))["__typename"] == "PasswordChanged"
    assert (await home.set_password(links["maria.q"], f"{NEW} x"))["__typename"] == "TokenNotAccepted"


async def test_a_link_sets_a_new_password_and_ends_all_that_was(home: Home) -> None:
    await home.portal.login("maria.q", PASSWORD)
    old_session = home.portal.token
    home.portal.token = None
    earlier, later = await home.tokens(), await home.tokens()
    assert earlier != later
    assert await home.set_password(later["maria.q"]) == {"__typename": "PasswordChanged", "username": "maria.q"}
    assert await home.portal.me(token=old_session) is None
    assert (await home.portal.login("maria.q", PASSWORD))["__typename"] == "WrongCredentials"
    assert (await home.portal.login("maria.q", NEW))["__typename"] == "LoggedIn"
    home.portal.token = None
    assert (await home.set_password(earlier["maria.q"], NEW + " x"))["__typename"] == "TokenNotAccepted"
    changed = await Letter.filter(kind=LetterKind.PASSWORD_CHANGED)
    assert [letter.address for letter in changed] == [ADDRESS]


async def test_a_link_lives_half_an_hour_from_its_sending(home: Home) -> None:
    await home.recover()
    home.clock.advance(hours=5)
    letter = await home.told()
    assert isinstance(letter, LogOnInformation)
    link = letter.accounts[0].link
    assert link is not None
    home.clock.advance(minutes=30)
    assert (await home.set_password(link.partition("#token=")[2]))["__typename"] == "TokenNotAccepted"
    later = await home.tokens()
    home.clock.advance(minutes=29, seconds=59)
    assert (await home.set_password(later["maria.q"]))["__typename"] == "PasswordChanged"


async def test_expired_used_sibling_used_and_unknown_links_get_one_and_the_same_refusal(home: Home) -> None:
    await home.relative("Ruben", "ruben.q")
    expired = await home.tokens()
    home.clock.advance(minutes=31)
    links = await home.tokens()
    assert (await home.set_password(links["maria.q"]))["__typename"] == "PasswordChanged"
    refused = [
        await home.portal.wire(documents.SET_NEW_PASSWORD, token=token, password=NEW, verifyPassword=NEW)
        for token in (links["maria.q"], links["ruben.q"], expired["maria.q"], expired["ruben.q"], "par_" + "A" * 43)
    ]
    assert b'"__typename":"TokenNotAccepted"' in refused[0]
    assert len(set(refused)) == 1
    # The sibling's account is as it was.
    assert (await home.portal.login("ruben.q", PASSWORD))["__typename"] == "LoggedIn"


async def test_of_fifty_clients_with_one_link_one_sets_the_password(home: Home) -> None:
    token = (await home.tokens())["maria.q"]
    async with crowd(50, home.portal) as clients:
        answers = await asyncio.gather(
            *(home.set_password(token, f"{NEW} {number}", client) for number, client in enumerate(clients))
        )
    assert Counter(answer["__typename"] for answer in answers) == {"PasswordChanged": 1, "TokenNotAccepted": 49}
    [winner] = [number for number, answer in enumerate(answers) if answer["__typename"] == "PasswordChanged"]
    assert (await home.portal.login("maria.q", f"{NEW} {winner}"))["__typename"] == "LoggedIn"
    assert await Letter.filter(kind=LetterKind.PASSWORD_CHANGED).count() == 1


async def test_siblings_that_are_used_at_once_do_not_stand_in_each_others_way(home: Home) -> None:
    await home.relative("Ruben", "ruben.q")
    letters = [await home.tokens() for _ in range(3)]
    every = [token for letter in letters for token in letter.values()] * 3
    async with crowd(len(every), home.portal) as clients:
        answers = await asyncio.gather(
            *(home.set_password(token, NEW, client) for client, token in zip(clients, every, strict=True))
        )
    done = Counter(answer["__typename"] for answer in answers)
    assert set(done) == {"PasswordChanged", "TokenNotAccepted"}
    # Each account's password was set once at most: every letter's other links ended with the one that was used.
    assert done["PasswordChanged"] <= 2
    assert await RecoveryToken.filter(state=TokenState.USED).count() == done["PasswordChanged"]


async def test_a_request_by_a_stranger_does_not_end_the_schools_code(home: Home) -> None:
    code = await RecoveryToken.create(
        account_id=home.maria.account_id,
        kind="CODE",
        secret_version=home.ctx.keys.current,
        digest=home.ctx.keys.recovery_token_digest("234679ACDE"),
        issued_at=home.clock(),
        expires_at=home.clock() + timedelta(hours=24),
    )
    await home.tokens()
    await code.refresh_from_db()
    assert code.state is TokenState.CURRENT
    assert (await home.set_password("234679ACDE"))["__typename"] == "PasswordChanged"


async def test_staff_recover_too_and_still_need_their_second_factor(home: Home) -> None:
    dana = await home.district.staff(Role.REGISTRAR)
    await Person.filter(id=dana.id).update(email="dana@example.org", email_folded="dana@example.org")
    await home.district.opened(dana, "dana.i")
    sealed, version = home.ctx.keys.seal_second_factor(b"s" * 20, dana.account_id)
    await sql.execute(
        "INSERT INTO second_factor (account_id, sealed, secret_version, offered_at, confirmed_at, last_step) "
        "VALUES ($1, $2, $3, $4, $4, 1)",
        *(dana.account_id, sealed, version, home.clock()),
    )
    found = await home.tokens("dana@example.org")
    assert (await home.set_password(found["dana.i"]))["__typename"] == "PasswordChanged"
    assert (await home.portal.login("dana.i", NEW))["__typename"] == "SecondFactorNeeded"
