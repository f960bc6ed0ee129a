"""A counter for the tests: a guardian's way to a student, broken in one place or several, and those who mend it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from db.context import Capacity
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    GateName,
    Guardianship,
    GuardianshipStatus,
    Student,
)
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.desk import Desk
from tests.district import PASSWORD
from tests.guessing import guess_to_the_lock

DIAGNOSIS = """
query Why($guardianId: ID!, $studentId: ID!, $on: Date) {
  accessDiagnosis(guardianId: $guardianId, studentId: $studentId, on: $on) {
    guardian { id name { display } } student { id name { display } schools { name } gradeLevel }
    on canSee gates { name state finding remedy owner } changes { on canSee gates { name state finding } }
  }
}
"""


@dataclass
class Counter:
    """Maria, who asks why she does not see Nora; the registrar and the designee, both signed in; and Maria at home."""

    desk: Desk
    registrar: Portal
    home: Portal
    clock: Clock
    code: str = "no code"
    password: str = PASSWORD
    mended: list[GateName] = field(default_factory=list)

    @property
    def account_id(self) -> int:
        return self.desk.maria.account_id

    async def why(self, on: str | None = None) -> Answer:
        told: Answer = (
            await self.registrar.ask(
                DIAGNOSIS,
                {
                    "guardianId": global_id("Guardian", self.desk.maria.id),
                    "studentId": global_id("Student", self.desk.nora.id),
                    "on": on,
                },
            )
        )["accessDiagnosis"]
        return told

    async def failing(self) -> list[GateName]:
        """The gates that fail, in the order of looking."""
        return [GateName(gate["name"]) for gate in (await self.why())["gates"] if gate["state"] == "FAILS"]

    async def sees(self) -> bool:
        """Whether Maria signs in at home and finds Nora."""
        self.home.token = None
        await self.home.login("maria.q", self.password)
        return await self.home.students() == [global_id("Student", self.desk.nora.id)]

    async def mend(self, gate: GateName) -> None:
        """Does what the remedy of a gate says. What else is shut may make it vain."""
        self.mended.append(gate)
        await MEND[gate](self)

    async def mend_all(self) -> None:
        """Mends the first gate that fails, and the next one, until none does; what has to wait comes later."""
        while failing := await self.failing():
            assert len(self.mended) < 9, (failing, self.mended)
            await self.mend(min(failing, key=lambda gate: (gate in _LATER, failing.index(gate))))


# ------------------------------------------------------------------------------------------------ breaking it
@dataclass(frozen=True)
class Break:
    """One thing amiss: the gates that it shuts, and those words of `BREAKS` that cannot be so at the same time."""

    shuts: tuple[GateName, ...]
    make: Callable[[Counter], Awaitable[object]]
    never_with: frozenset[str] = frozenset()


async def _reset(at: Counter) -> None:
    at.code = (await at.desk.reset(await at.desk.verified("RESET")))["oneTimeCode"]
    at.password = "copper violin thirty meadows"


async def _lock(at: Counter) -> None:
    await guess_to_the_lock(at.home, at.clock, "maria.q")


async def _never_opened(at: Counter, *, key: bool = True, expired: bool = False) -> None:
    """As if nobody had ever used the key."""
    await Account.filter(id=at.account_id).update(
        status=AccountStatus.NOT_ACTIVATED, username=None, username_folded=None, password_hash=None, activated_at=None
    )
    if key:
        await _issue(at)
    if expired:
        now = at.clock()
        await ActivationKey.filter(account_id=at.account_id).update(
            issued_at=now - timedelta(days=9), expires_at=now - timedelta(days=1)
        )


async def _disable(at: Counter) -> None:
    reason = DisabledReason.TOO_MANY_FAILURES
    await Account.filter(id=at.account_id).update(status=AccountStatus.DISABLED, disabled_reason=reason)


async def _no_account(at: Counter) -> None:
    await Account.filter(id=at.account_id).delete()


def _tie(**change: object) -> Callable[[Counter], Awaitable[object]]:
    return lambda _: Guardianship.all().update(**change)


def _born(years_ago: int | None) -> Callable[[Counter], Awaitable[object]]:
    return lambda at: Student.filter(id=at.desk.nora.id).update(
        birth_date=None if years_ago is None else at.clock().date().replace(year=at.clock().year - years_ago)
    )


_TIE = frozenset({"no guardianship", "claimed", "revoked", "no mark", "restricted", "of age", "birth date unknown"})
_ACCOUNT = frozenset({"no account", "never opened", "no key", "key expired", "disabled", "reset", "locked"})
_UNOPENED = frozenset({"never opened", "no key", "key expired", "no account"})
_NO_KEY = (GateName.KEY_ISSUED, GateName.ACCOUNT_ACTIVATED)
#: What may be amiss, in an order in which it can be made so.
BREAKS: dict[str, Break] = {
    "reset": Break((GateName.PASSWORD_SET,), _reset, _UNOPENED),
    "locked": Break((GateName.NOT_LOCKED,), _lock, _UNOPENED),
    "never opened": Break((GateName.ACCOUNT_ACTIVATED,), _never_opened, _ACCOUNT - {"disabled"}),
    "no key": Break(_NO_KEY, lambda at: _never_opened(at, key=False), _ACCOUNT - {"disabled"}),
    "key expired": Break(_NO_KEY, lambda at: _never_opened(at, expired=True), _ACCOUNT - {"disabled"}),
    "disabled": Break((GateName.ACCOUNT_ENABLED,), _disable, frozenset({"no account"})),
    "no account": Break((GateName.PERSON,), _no_account, _ACCOUNT),
    "claimed": Break(
        (GateName.GUARDIANSHIP_CONFIRMED,),
        _tie(status=GuardianshipStatus.CLAIMED, confirmed_at=None),
        frozenset({"no guardianship", "revoked"}),
    ),
    "revoked": Break(
        (GateName.GUARDIANSHIP_CONFIRMED,),
        lambda at: Guardianship.all().update(status=GuardianshipStatus.REVOKED, revoked_at=at.clock()),
        frozenset({"no guardianship", "claimed"}),
    ),
    "no mark": Break((GateName.PORTAL_ACCESS,), _tie(portal_access=False), frozenset({"no guardianship"})),
    "restricted": Break(
        (GateName.NO_RESTRICTION,),
        lambda at: at.desk.district.restrict(at.desk.maria, at.desk.nora),
        frozenset({"no guardianship"}),
    ),
    "of age": Break(
        (GateName.RIGHTS_NOT_TRANSFERRED,), _born(18), frozenset({"no guardianship", "birth date unknown"})
    ),
    "birth date unknown": Break(
        (GateName.RIGHTS_NOT_TRANSFERRED,), _born(None), frozenset({"no guardianship", "of age"})
    ),
    "no guardianship": Break(
        (GateName.GUARDIANSHIP_RECORDED,), lambda _: Guardianship.all().delete(), _TIE - {"no guardianship"}
    ),
}
#: Mending the first mends the second, too: the designee's steps and a new password end the wait.
ALSO_MENDS = {("disabled", "locked"), ("reset", "locked")}
#: One step mends both, and then the new account waits for its key.
ONE_STEP = {("no account", "no guardianship"), ("no guardianship", "no account")}

#: As their remedies say: a key is for an account that is not disabled, and adds one once the guardian may see somebody.
_LATER = {GateName.PERSON, GateName.KEY_ISSUED, GateName.ACCOUNT_ACTIVATED}


# ------------------------------------------------------------------------------------------------ mending it
def _tie_id(tie: Guardianship) -> dict[str, str]:
    return {"guardianshipId": global_id("Guardianship", tie.id)}


async def _decide(at: Counter, document: str, **choice: object) -> None:
    """A decision of the registrar's about the guardianship of the two, if there is one to decide about."""
    if tie := await Guardianship.get_or_none():
        await at.registrar.do(document, _tie_id(tie) | choice)


async def _record(at: Counter) -> None:
    pair = {"guardianId": global_id("Guardian", at.desk.maria.id), "studentId": global_id("Student", at.desk.nora.id)}
    words = {"relationship": "mother", "evidence": "Birth certificate seen", "portalAccess": True}
    await at.registrar.do(documents.RECORD_GUARDIANSHIP, pair | words)


async def _confirm(at: Counter) -> None:
    await _decide(at, documents.CONFIRM_GUARDIANSHIP, evidence="Birth certificate seen")


async def _mark(at: Counter) -> None:
    await _decide(at, documents.SET_PORTAL_ACCESS, allowed=True, reason="Asked for at the counter")


async def _lift(at: Counter) -> None:
    await _decide(at, documents.LIFT_RESTRICTION, reason="The order has ended")


async def _consent(at: Counter) -> None:
    await _decide(at, documents.RECORD_CONSENT, given=True, evidence="A signed form")


async def _issue(at: Counter) -> str | None:
    """None for an account that takes no key, such as a disabled one, or for whoever may see nobody yet."""
    choice = {"personId": global_id("Guardian", at.desk.maria.id), "reason": "ID seen at the counter"}
    key: str | None = (await at.registrar.do(documents.ISSUE_ACTIVATION_KEY, choice)).get("key")
    return key


async def _add_account(at: Counter) -> None:
    """By recording the guardianship, or where there is one, with a key."""
    await (_issue(at) if await Guardianship.exists() else _record(at))
    if account := await Account.get_or_none(person_id=at.desk.maria.id, capacity=Capacity.GUARDIAN):
        at.desk.maria.account_id = account.id


# The designee's and the guardian's steps, through GraphQL.
async def _activate(at: Counter) -> None:
    at.home.token = None
    if key := await _issue(at):
        await at.home.activate(key, "maria.q", at.password)


async def _verified(at: Counter, purpose: str) -> str | None:
    """None where the designee may not even ask, as without a confirmed guardianship."""
    started = await at.desk.start(purpose)
    if started["__typename"] != "VerificationStarted":
        return None
    verification_id: str = (await at.desk.answer(started["verificationId"], at.desk.right))["verificationId"]
    return verification_id


async def _enable(at: Counter) -> None:
    if verification_id := await _verified(at, "ENABLE"):
        await at.desk.enable(verification_id)


async def _set_password(at: Counter) -> None:
    """With the code; where it is lost, the designee gives another one."""
    choice = {"password": at.password, "verifyPassword": at.password}
    answer = await at.home.do(documents.SET_NEW_PASSWORD, choice | {"token": at.code})
    if answer["__typename"] != "PasswordChanged" and (verification_id := await _verified(at, "RESET")):
        at.code = (await at.desk.reset(verification_id)).get("oneTimeCode") or at.code
        await at.home.do(documents.SET_NEW_PASSWORD, choice | {"token": at.code})


async def _wait(at: Counter) -> None:
    at.clock.advance(minutes=16)


MEND: dict[GateName, Callable[[Counter], Awaitable[object]]] = {
    GateName.PERSON: _add_account,
    GateName.GUARDIANSHIP_RECORDED: _record,
    GateName.GUARDIANSHIP_CONFIRMED: _confirm,
    GateName.PORTAL_ACCESS: _mark,
    GateName.NO_RESTRICTION: _lift,
    GateName.RIGHTS_NOT_TRANSFERRED: _consent,
    GateName.KEY_ISSUED: _issue,
    GateName.ACCOUNT_ACTIVATED: _activate,
    GateName.ACCOUNT_ENABLED: _enable,
    GateName.PASSWORD_SET: _set_password,
    GateName.NOT_LOCKED: _wait,
}
