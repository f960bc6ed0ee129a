"""The second factor of staff: set up, asked for, taken once, lost and replaced."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from pydantic import SecretStr

from app import embedded
from app.asgi import create_app
from app.problems import PlainProblem
from app.running import insist_on_secrets
from app.settings import Settings
from db.context import SECOND_FACTOR_ROLES, Role
from db.models import (
    Account,
    AccountStatus,
    Authenticator,
    DisabledReason,
    Letter,
    RecoveryCode,
    RoleAssignment,
    Session,
)
from db.secrets import Keyring
from db.trail import Step
from mail.outbox import LetterKind
from policies.second_factor import is_recovery_code, new_recovery_codes, read_code
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, Adult, District
from tests.servers import Server
from tests.tables import endings, spent
from tests.test_planted_secrets import _dump, found

WRONG = "lantern orchard seven boats"
STEP = timedelta(seconds=30)


@dataclass
class Telephone:
    """A member of staff's authenticator, with the recovery codes on a sheet beside it."""

    secret: str
    clock: Clock
    sheet: list[str]

    def code(self, steps: int = 0) -> str:
        """What it shows, so many steps from now."""
        return pyotp.TOTP(self.secret).at(self.clock.now + steps * STEP)

    def wrong(self) -> str:
        """Six digits that it does not show for some time."""
        shown = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(100)) if code not in shown)


@pytest.fixture
async def dana(district: District) -> Adult:
    """A registrar with an open account and no second factor."""
    dana = await district.staff(Role.REGISTRAR, await district.school())
    await district.opened(dana, "dana.ito")
    return dana


async def enrol(portal: Portal, password: str = PASSWORD) -> Answer:
    return await portal.do(documents.ENROL_SECOND_FACTOR, {"password": password})


async def confirm(portal: Portal, code: str) -> Answer:
    return await portal.do(documents.CONFIRM_SECOND_FACTOR, {"code": code})


async def login(portal: Portal, code: str | None = None) -> str:
    more = {} if code is None else {"secondFactor": code}
    name: str = (await portal.login("dana.ito", PASSWORD, **more))["__typename"]
    return name


async def stands(portal: Portal) -> str:
    me: str = (await portal.ask("{ me { secondFactor } }"))["me"]["secondFactor"]
    return me


async def set_up(portal: Portal, clock: Clock) -> Telephone:
    """Signs in with the password alone, sets a factor up, and lets the first code pass."""
    assert await login(portal) == "LoggedIn"
    telephone = Telephone((await enrol(portal))["secret"], clock, [])
    confirmed = await confirm(portal, telephone.code())
    assert confirmed["__typename"] == "SecondFactorConfirmed"
    telephone.sheet = confirmed["recoveryCodes"]
    clock.advance(minutes=5)
    return telephone


@pytest.fixture
async def telephone(portal: Portal, dana: Adult, clock: Clock) -> Telephone:
    """Dana is signed in and has set up her second factor five minutes ago."""
    return await set_up(portal, clock)


# ------------------------------------------------------------------------------------------------ setting it up
async def test_the_offer_is_what_an_authenticator_takes(portal: Portal, dana: Adult) -> None:
    await login(portal)
    offered = await enrol(portal)
    uri = urlsplit(offered["uri"])
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Lakeside District:dana.ito")
    told = parse_qs(uri.query)
    assert (told["secret"], told["issuer"]) == ([offered["secret"]], ["Lakeside District"])
    assert re.fullmatch(r"[A-Z2-7]{32}", offered["secret"])


async def test_an_offer_is_of_no_use_until_its_first_code(portal: Portal, dana: Adult, clock: Clock) -> None:
    await login(portal)
    offered = await enrol(portal)
    assert await stands(portal) == "NOT_NEEDED"
    assert await login(portal) == "LoggedIn"
    telephone = Telephone(offered["secret"], clock, [])
    assert (await confirm(portal, telephone.wrong()))["__typename"] == "SecondFactorNeeded"
    assert await login(portal) == "LoggedIn"
    confirmed = await confirm(portal, telephone.code())
    assert datetime.fromisoformat(confirmed["until"]) == clock.now + timedelta(minutes=240)
    assert confirmed["recoveryCodesLeft"] == len(set(confirmed["recoveryCodes"])) == 10
    form = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")
    assert all(form.fullmatch(code) for code in confirmed["recoveryCodes"])
    assert await stands(portal) == "FRESH"
    assert await login(portal) == "SecondFactorNeeded"


async def test_of_two_offers_the_later_one_counts(portal: Portal, dana: Adult, clock: Clock) -> None:
    await login(portal)
    first, second = [Telephone((await enrol(portal))["secret"], clock, []) for _ in range(2)]
    assert first.secret != second.secret
    assert (await confirm(portal, first.code()))["__typename"] == "SecondFactorNeeded"
    assert (await confirm(portal, second.code()))["__typename"] == "SecondFactorConfirmed"


async def test_setting_up_takes_the_password_again_and_a_wrong_one_is_counted(
    portal: Portal, dana: Adult, settings: Settings
) -> None:
    await login(portal)
    for _ in range(settings.login_free_guesses):
        assert (await enrol(portal, WRONG))["__typename"] == "WrongCredentials"
    assert (await enrol(portal))["__typename"] == "TooManyAttempts"
    assert await Authenticator.all().count() == 0


async def test_the_password_costs_one_hash_right_or_wrong(portal: Portal, dana: Adult) -> None:
    assert portal.app is not None
    await login(portal)
    for password in (PASSWORD, WRONG, "x" * 9000, ""):
        before = portal.app.state.hasher.computed
        await enrol(portal, password)
        assert portal.app.state.hasher.computed == before + 1


async def test_only_staff_set_one_up(portal: Portal, district: District) -> None:
    assert (await enrol(portal))["missing"] == ["SIGNED_IN"]
    assert (await confirm(portal, "123456"))["missing"] == ["SIGNED_IN"]
    nora = await district.student()
    await district.opened(await district.guardian(nora), "maria")
    await portal.login("maria", PASSWORD)
    assert (await enrol(portal))["missing"] == ["ROLE"]
    assert (await confirm(portal, "123456"))["missing"] == ["ROLE"]


async def test_a_code_without_a_factor_is_told_so_and_not_counted(
    portal: Portal, dana: Adult, settings: Settings
) -> None:
    await login(portal)
    for _ in range(settings.second_factor_attempts + 1):
        refused = await confirm(portal, "123456")
        assert (refused["__typename"], refused["status"]) == ("WrongState", "NOT_SET_UP")


async def test_the_holder_is_told_by_letter(portal: Portal, district: District, dana: Adult, clock: Clock) -> None:
    await district.person("Somebody", "Else", "else@example.org")
    await set_up(portal, clock)
    assert await Letter.all().count() == 0, "there is no address"
    ben = await district.person("Ben", "Ito", "ben@example.org")
    account = await Account.create(person_id=ben.id, capacity="STAFF")
    await RoleAssignment.create(person_id=ben.id, role=Role.DESIGNEE)
    await district.opened(Adult(ben.id, "Ben", "Ito", ben.email, account.id), "ben.ito")
    await portal.login("ben.ito", PASSWORD)
    secret = (await enrol(portal))["secret"]
    kind = LetterKind.SECOND_FACTOR_SET
    assert not await Letter.filter(kind=kind).exists()
    await confirm(portal, Telephone(secret, clock, []).code())
    [letter] = await Letter.filter(kind=kind)
    assert (letter.kind, letter.address, letter.facts) == (
        "SECOND_FACTOR_SET",
        "ben@example.org",
        {"account_id": account.id},
    )


# ------------------------------------------------------------------------------------------------ signing in
async def test_staff_sign_in_with_password_and_code(portal: Portal, telephone: Telephone) -> None:
    assert await login(portal, telephone.code()) == "LoggedIn"
    assert await stands(portal) == "FRESH"


@pytest.mark.parametrize("missing", [None, "", "   "])
async def test_a_code_that_is_missing_is_asked_for_and_not_counted(
    portal: Portal, telephone: Telephone, missing: str | None
) -> None:
    for _ in range(6):
        assert await login(portal, missing) == "SecondFactorNeeded"
    assert await spent("second-factor") == []
    assert await login(portal, telephone.code()) == "LoggedIn"


@pytest.mark.parametrize("code", ["1234567", "12345", "abcdef", "١٢٣٤٥٦", "x" * 5000, "7K2QM-4XWPN"])
async def test_what_can_be_no_code_is_a_wrong_one(portal: Portal, telephone: Telephone, code: str) -> None:
    assert await login(portal, code) == "SecondFactorNeeded"
    assert await spent("second-factor") == [1]


async def test_nobody_learns_of_the_factor_without_the_right_password(portal: Portal, telephone: Telephone) -> None:
    for code in ({}, {"secondFactor": telephone.code()}, {"secondFactor": telephone.wrong()}):
        assert (await portal.login("dana.ito", WRONG, **code))["__typename"] == "WrongCredentials"
        assert (await portal.login("nobody", PASSWORD, **code))["__typename"] == "WrongCredentials"
    assert await spent("second-factor") == []
    # Nor was the right code used up by a wrong password.
    assert await login(portal, telephone.code()) == "LoggedIn"


async def test_whoever_may_not_sign_in_is_told_so_before_the_code(
    portal: Portal, telephone: Telephone, dana: Adult
) -> None:
    account = Account.filter(id=dana.account_id)
    await account.update(must_change_password=True)
    assert await login(portal) == "NewPasswordNeeded"
    await account.update(
        must_change_password=False, status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    assert await login(portal) == "AccountDisabled"
    assert await login(portal, telephone.code()) == "AccountDisabled"
    assert await spent("second-factor") == []


async def test_guardians_are_not_asked_and_what_they_send_is_not_looked_at(
    portal: Portal, district: District, statements: Statements
) -> None:
    maria = await district.guardian(await district.student())
    await district.opened(maria, "maria")
    costs = []
    for code in ({}, {"secondFactor": "123456"}):
        portal.token = None
        statements.take()
        assert (await portal.login("maria", PASSWORD, **code))["__typename"] == "LoggedIn"
        costs.append(statements.take())
        assert await stands(portal) == "NOT_NEEDED"
    assert costs[0] == costs[1]
    assert not any(text.startswith("SELECT id, sealed") for text in costs[0])


# ------------------------------------------------------------------------------------------------ which codes
@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_the_code_before_and_the_code_after_are_taken_too(
    portal: Portal, telephone: Telephone, steps: int
) -> None:
    assert await login(portal, telephone.code(steps)) == "LoggedIn"


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
async def test_older_and_later_codes_are_not(portal: Portal, telephone: Telephone, steps: int) -> None:
    assert await login(portal, telephone.code(steps)) == "SecondFactorNeeded"


@pytest.mark.parametrize("form", ["{0}{1}", "{0} {1}", " {0}-{1} ", "{0}\u2009{1}"])
async def test_a_code_may_be_typed_in_groups(portal: Portal, telephone: Telephone, form: str) -> None:
    code = telephone.code()
    assert await login(portal, form.format(code[:3], code[3:])) == "LoggedIn"


async def test_a_code_is_taken_once_wherever_it_is_sent_again(portal: Portal, telephone: Telephone) -> None:
    code = telephone.code()
    assert await login(portal, code) == "LoggedIn"
    assert await login(portal, code) == "SecondFactorNeeded"
    assert (await confirm(portal, code))["__typename"] == "SecondFactorNeeded"
    assert (await confirm(portal, telephone.code(1)))["__typename"] == "SecondFactorConfirmed"
    assert await login(portal, telephone.code(1)) == "SecondFactorNeeded"
    # What is older than a code that was taken is used up with it.
    assert await login(portal, telephone.code(-1)) == "SecondFactorNeeded"


async def test_the_code_that_set_it_up_is_used(portal: Portal, dana: Adult, clock: Clock) -> None:
    await login(portal)
    telephone = Telephone((await enrol(portal))["secret"], clock, [])
    await confirm(portal, telephone.code())
    assert await login(portal, telephone.code()) == "SecondFactorNeeded"
    assert await login(portal, telephone.code(1)) == "LoggedIn"


async def test_a_login_that_is_refused_leaves_the_last_one_as_it_was(
    portal: Portal, telephone: Telephone, dana: Adult
) -> None:
    before = await Account.get(id=dana.account_id)
    assert await login(portal, telephone.wrong()) == "SecondFactorNeeded"
    assert (await Account.get(id=dana.account_id)).last_login_at == before.last_login_at
    assert await Session.all().count() == 1


# ------------------------------------------------------------------------------------------------ recovery codes
async def test_a_recovery_code_stands_in_for_the_telephone_once(portal: Portal, telephone: Telephone) -> None:
    first, second, *_ = telephone.sheet
    assert await login(portal, first) == "LoggedIn"
    assert await stands(portal) == "FRESH"
    assert await login(portal, first) == "SecondFactorNeeded"
    confirmed = await confirm(portal, second)
    assert (confirmed["recoveryCodes"], confirmed["recoveryCodesLeft"]) == ([], 8)
    assert (await confirm(portal, second))["__typename"] == "SecondFactorNeeded"


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")])
async def test_a_recovery_code_may_be_typed_as_it_is_read(
    portal: Portal, telephone: Telephone, typed: type[str]
) -> None:
    assert await login(portal, typed(telephone.sheet[0])) == "LoggedIn"


def test_signs_that_look_alike_are_the_same_in_a_recovery_code() -> None:
    assert read_code("oOlLi-23456") == read_code("00111-23456") == "0011123456"
    assert read_code("0011U-23456") is None
    for code in new_recovery_codes():
        plain = read_code(code)
        assert plain == code.replace("-", "")
        assert is_recovery_code(plain)


async def test_recovery_codes_are_their_owners_alone(
    portal: Portal, telephone: Telephone, district: District, clock: Clock
) -> None:
    ben = await district.staff(Role.DESIGNEE, given="Ben")
    await district.opened(ben, "ben.ito")
    await portal.login("ben.ito", PASSWORD)
    his = Telephone((await enrol(portal))["secret"], clock, [])
    await confirm(portal, his.code())
    for hers in (telephone.sheet[0], telephone.code()):
        answer = await portal.login("ben.ito", PASSWORD, secondFactor=hers)
        assert answer["__typename"] == "SecondFactorNeeded"


@pytest.mark.parametrize("kind", ["recovery code", "code"])
async def test_fifty_who_send_one_code_at_once_are_one(
    settings: Settings, dana: Adult, clock: Clock, kind: str
) -> None:
    roomy = settings.model_copy(update={"second_factor_attempts": 100, "login_free_guesses": 100})
    async with Portal(create_app(roomy, clock=clock)) as portal:
        telephone = await set_up(portal, clock)
        code = telephone.sheet[0] if kind == "recovery code" else telephone.code()
        async with crowd(50, portal) as clients:
            outcomes = Counter(await asyncio.gather(*(login(client, code) for client in clients)))
    assert outcomes == {"LoggedIn": 1, "SecondFactorNeeded": 49}
    assert await spent("second-factor") == [49]
    assert await Session.all().count() == 2
    assert await RecoveryCode.filter(used_at__isnull=False).count() == (kind == "recovery code")


async def test_of_fifty_who_confirm_one_offer_at_once_one_gets_the_recovery_codes(
    settings: Settings, dana: Adult, clock: Clock
) -> None:
    async with Portal(create_app(settings.model_copy(update={"second_factor_attempts": 100}), clock=clock)) as portal:
        await login(portal)
        code = Telephone((await enrol(portal))["secret"], clock, []).code()
        answers = await asyncio.gather(*(confirm(portal, code) for _ in range(50)))
    assert Counter(answer["__typename"] for answer in answers) == {"SecondFactorConfirmed": 1, "SecondFactorNeeded": 49}
    assert await RecoveryCode.all().count() == 10
    assert await Authenticator.all().count() == 1


# ------------------------------------------------------------------------------------------------ how often
async def test_wrong_codes_close_the_way_for_a_while_at_log_in_and_afterwards(
    portal: Portal, settings: Settings, telephone: Telephone, clock: Clock
) -> None:
    # The code that set it up, which was right, began a window.
    clock.advance(minutes=settings.login_window_minutes)
    for _ in range(3):
        assert await login(portal, telephone.wrong()) == "SecondFactorNeeded"
    for _ in range(2):
        assert (await confirm(portal, telephone.wrong()))["__typename"] == "SecondFactorNeeded"
    closed = await portal.login("dana.ito", PASSWORD, secondFactor=telephone.code())
    assert closed["__typename"] == "TooManyAttempts"
    assert datetime.fromisoformat(closed["retryAt"]) == clock.now + timedelta(minutes=settings.login_window_minutes)
    assert (await confirm(portal, telephone.sheet[0]))["__typename"] == "TooManyAttempts"
    # Another worker, or this one after a restart, counts on; and from anywhere else it is the same account.
    async with Portal(create_app(settings, clock=clock), address="203.0.113.9") as other:
        assert await login(other, telephone.code()) == "TooManyAttempts"
    clock.advance(minutes=settings.login_window_minutes)
    assert await login(portal, telephone.code()) == "LoggedIn"
    assert (await endings(Step.LOG_IN))["TOO_MANY_ATTEMPTS"] == 2


async def test_a_right_code_is_not_counted(portal: Portal, telephone: Telephone, clock: Clock) -> None:
    for _ in range(8):
        assert await login(portal, telephone.code()) == "LoggedIn"
        clock.advance(seconds=30)
    for code in telephone.sheet[:8]:
        assert (await confirm(portal, code))["__typename"] == "SecondFactorConfirmed"
    assert await spent("second-factor") == []


async def test_a_request_cannot_try_two_codes(portal: Portal, telephone: Telephone) -> None:
    twice = 'mutation { a: confirmSecondFactor(input: {code: "1"}) { __typename } %s }'
    for second in (
        'b: confirmSecondFactor(input: {code: "2"}) { __typename }',
        'login(input: {username: "dana.ito", password: "x", secondFactor: "2"}) { __typename }',
    ):
        assert (await portal.post(twice % second)).json()["errors"]
    assert await spent("second-factor") == []


# ------------------------------------------------------------------------------------------------ fresh and stale
async def test_after_a_set_time_a_code_is_asked_for_again(
    portal: Portal, settings: Settings, telephone: Telephone, clock: Clock
) -> None:
    assert await login(portal, telephone.code()) == "LoggedIn"
    for minutes in (59, 59, 59, 59):
        clock.advance(minutes=minutes)
        assert await stands(portal) == "FRESH"
    clock.advance(minutes=settings.second_factor_minutes - 4 * 59)
    assert await stands(portal) == "STALE"
    assert (await confirm(portal, telephone.wrong()))["__typename"] == "SecondFactorNeeded"
    assert await stands(portal) == "STALE"
    confirmed = await confirm(portal, telephone.code())
    assert (confirmed["recoveryCodes"], confirmed["recoveryCodesLeft"]) == ([], 10)
    assert datetime.fromisoformat(confirmed["until"]) == clock.now + timedelta(minutes=240)
    assert await stands(portal) == "FRESH"


async def test_a_session_from_before_the_factor_has_to_give_a_code_too(
    portal: Portal, dana: Adult, clock: Clock
) -> None:
    await login(portal)
    older = portal.token
    telephone = await set_up(portal, clock)
    assert await stands(portal) == "FRESH"
    portal.token = older
    assert await stands(portal) == "STALE"
    assert (await confirm(portal, telephone.code()))["__typename"] == "SecondFactorConfirmed"
    assert await stands(portal) == "FRESH"


async def test_another_telephone_takes_the_place_of_the_first_once_its_code_is_right(
    portal: Portal, telephone: Telephone, clock: Clock
) -> None:
    new = Telephone((await enrol(portal))["secret"], clock, [])
    # Until then, the old one holds.
    assert await login(portal, telephone.code()) == "LoggedIn"
    assert await login(portal, new.code()) == "SecondFactorNeeded"
    confirmed = await confirm(portal, new.code())
    assert len(confirmed["recoveryCodes"]) == 10
    clock.advance(seconds=60)
    assert await login(portal, telephone.code()) == "SecondFactorNeeded"
    assert await login(portal, telephone.sheet[0]) == "SecondFactorNeeded"
    assert await login(portal, new.code()) == "LoggedIn"
    assert await login(portal, confirmed["recoveryCodes"][0]) == "LoggedIn"
    assert await Authenticator.all().count() == 1


async def test_another_telephone_needs_a_code_of_the_first_lately(
    portal: Portal, settings: Settings, telephone: Telephone, clock: Clock
) -> None:
    for _ in range(5):
        clock.advance(minutes=settings.second_factor_minutes / 5)
        await stands(portal)
    assert (await enrol(portal))["__typename"] == "SecondFactorNeeded"
    assert await Authenticator.all().count() == 1
    await confirm(portal, telephone.sheet[0])
    assert (await enrol(portal))["__typename"] == "SecondFactorOffered"


# ------------------------------------------------------------------------------------------------ who needs one
def _standing_settings() -> list[tuple[dict[str, object], bool]]:
    return [
        ({"environment": "production"}, True),
        ({"environment": "production", "second_factor": "optional"}, False),
        ({"environment": "development"}, False),
        ({"environment": "development", "second_factor": "required"}, True),
    ]


@pytest.mark.parametrize(("chosen", "required"), _standing_settings())
async def test_where_it_is_required_staff_without_one_sign_in_to_set_it_up(
    settings: Settings, district: District, clock: Clock, chosen: dict[str, object], *, required: bool
) -> None:
    async with Portal(create_app(settings.model_copy(update=chosen), clock=clock)) as portal:
        for role in set(Role) - {Role.GUARDIAN, Role.STUDENT}:
            someone = await district.staff(role, given=role.value)
            await district.opened(someone, role.value)
            answer = await portal.login(role.value, PASSWORD)
            needed = required and role in SECOND_FACTOR_ROLES
            assert await stands(portal) == ("MISSING" if needed else "NOT_NEEDED"), role
            assert answer["__typename"] == "LoggedIn"
        maria = await district.guardian(await district.student())
        await district.opened(maria, "maria")
        await portal.login("maria", PASSWORD)
        assert await stands(portal) == "NOT_NEEDED"


async def test_what_login_says_of_the_factor_is_what_the_session_says(
    settings: Settings, dana: Adult, clock: Clock
) -> None:
    document = """
    mutation Login($input: LoginInput!) {
      login(input: $input) { ... on LoggedIn { me { secondFactor } session { token } } }
    }
    """
    async with Portal(create_app(settings.model_copy(update={"second_factor": "required"}), clock=clock)) as portal:
        plain = {"username": "dana.ito", "password": PASSWORD}
        assert (await portal.do(document, plain))["me"]["secondFactor"] == "MISSING"
        telephone = await set_up(portal, clock)
        answer = await portal.do(document, plain | {"secondFactor": telephone.code()})
        assert answer["me"]["secondFactor"] == "FRESH"
        portal.token = answer["session"]["token"]
        assert await stands(portal) == "FRESH"


async def test_a_reporter_who_chose_to_have_one_signs_in_with_it(
    portal: Portal, district: District, dana: Adult, clock: Clock
) -> None:
    await RoleAssignment.filter(person_id=dana.id).update(role=Role.REPORTER)
    telephone = await set_up(portal, clock)
    assert await stands(portal) == "NOT_NEEDED"
    assert await login(portal) == "SecondFactorNeeded"
    assert await login(portal, telephone.code()) == "LoggedIn"


async def test_a_signed_in_request_of_staff_still_costs_one_statement_for_the_session(
    portal: Portal, telephone: Telephone, statements: Statements
) -> None:
    await stands(portal)
    statements.take()
    await portal.ask("{ me { roles secondFactor } }")
    assert len(statements.take()) == 2


# ------------------------------------------------------------------------------------------------ at rest
async def test_a_sealed_secret_is_of_no_use_to_another_account(
    portal: Portal, telephone: Telephone, district: District
) -> None:
    ben = await district.staff(Role.DESIGNEE, given="Ben")
    await district.opened(ben, "ben.ito")
    await Authenticator.all().update(account_id=ben.account_id)
    answer = await portal.login("ben.ito", PASSWORD, secondFactor=telephone.code())
    assert answer["__typename"] == "SecondFactorNeeded"


async def test_a_new_master_secret_leaves_factors_and_recovery_codes_good_and_a_lost_one_is_noticed(
    portal: Portal, settings: Settings, telephone: Telephone, keys_text: str, clock: Clock
) -> None:
    newer = Keyring.generate().replace("1:", "2:")
    both = settings.model_copy(update={"secrets": SecretStr(f"{newer},{keys_text}")})
    async with Portal(create_app(both, clock=clock)) as later:
        assert await login(later, telephone.code()) == "LoggedIn"
        assert await login(later, telephone.sheet[0]) == "LoggedIn"
    with pytest.raises(PlainProblem, match="secret version 1"):
        await insist_on_secrets(Keyring.parse(newer))
    await RecoveryCode.all().delete()
    with pytest.raises(PlainProblem, match="secret version 1"):
        await insist_on_secrets(Keyring.parse(newer))
    await Authenticator.all().delete()
    await insist_on_secrets(Keyring.parse(newer))


async def test_neither_secret_nor_codes_are_found_in_the_database_or_the_logs(
    district: District, cluster: embedded.Cluster, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    dana = await district.staff(Role.REGISTRAR)
    await district.opened(dana, "dana.ito")
    with Server(database_url, keys_text, tmp_path, log_level="debug", log_format="text") as server:
        async with server.ready().portal() as portal:
            assert await login(portal) == "LoggedIn"
            offered = await enrol(portal)
            telephone = Telephone(offered["secret"], Clock(datetime.now(UTC)), [])
            confirmed = await confirm(portal, telephone.code())
            sheet = confirmed["recoveryCodes"]
            assert await login(portal, sheet[0]) == "LoggedIn"
            assert await login(portal, sheet[0]) == "SecondFactorNeeded"
            await portal.post(documents.CONFIRM_SECOND_FACTOR, {"input": {"code": [sheet[1]]}})
            await portal.post(f'mutation {{ confirmSecondFactor(input: {{code: "{sheet[1]}"')
            another = (await enrol(portal))["secret"]
    # The line about a request is written after its answer: all of them are there once the server has stopped.
    log = server.log.encode()
    dump = _dump(cluster, database_url)
    octets = [pyotp.TOTP(secret).byte_secret().hex() for secret in (telephone.secret, another)]
    assert b"second_factor:confirm" in dump
    assert log.count(b"/graphql") >= 8
    for text in (dump, log):
        assert found([telephone.secret, another, *octets, *sheet], text) == []
