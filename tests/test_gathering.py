"""What letters tell is gathered when they are sent: as things stand then, or not at all."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from app.settings import Settings
from db.context import Capacity, Context, Role
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    Guardianship,
    GuardianshipStatus,
    KeyState,
    Letter,
    Person,
    RecoveryToken,
)
from db.secrets import new_nonce
from mail.outbox import Addressee, LetterInHand, LetterKind, Withdrawn, promise
from mail.preparing import _GATHER, BadAddress, Ready, prepare
from tests.clients import Portal
from tests.conftest import Clock
from tests.desk import open_desk
from tests.district import Adult, District, Pupil
from tests.outgoing import in_hand

ADDRESS = "maria@example.org"


class Post:
    """Maria has an account; letters to her are promised, and prepared as they would be for sending."""

    def __init__(self, ctx: Context, nora: Pupil, maria: Adult) -> None:
        self.ctx, self.nora, self.maria = ctx, nora, maria

    async def prepared(self, kind: LetterKind, **facts: Any) -> EmailMessage | Withdrawn:
        addressee = Addressee(self.maria.id, ADDRESS, "en")
        [letter_id] = await promise(self.ctx, kind, [addressee], {"account_id": self.maria.account_id} | facts)
        ready = await prepare(self.ctx, in_hand(await Letter.get(id=letter_id)))
        return ready if isinstance(ready, Withdrawn) else ready.message

    async def text(self, kind: LetterKind, **facts: Any) -> str:
        mail = await self.prepared(kind, **facts)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        assert body is not None
        return " ".join(str(body.get_content()).split())

    async def account(self, **changed: Any) -> None:
        await Account.filter(id=self.maria.account_id).update(**changed)

    async def unopened(self) -> None:
        await self.account(
            status=AccountStatus.NOT_ACTIVATED,
            username=None,
            username_folded=None,
            password_hash=None,
            activated_at=None,
        )

    async def key(self) -> str:
        nonce, version = new_nonce(), self.ctx.keys.current
        key = self.ctx.keys.activation_key(nonce, version)
        await ActivationKey.create(
            account_id=self.maria.account_id,
            nonce=nonce,
            secret_version=version,
            digest=self.ctx.keys.key_digest(key),
            issued_at=self.ctx.now,
            expires_at=self.ctx.now + timedelta(days=90),
        )
        return key


DISABLED = {"status": AccountStatus.DISABLED, "disabled_reason": DisabledReason.STAFF_DECISION}


@pytest.fixture
async def post(district: District, ctx: Context) -> Post:
    nora = await district.student(school=await district.school())
    maria = await district.guardian(nora, email=ADDRESS)
    await district.opened(maria, "maria.q")
    return Post(ctx, nora, maria)


def test_each_kind_of_letter_can_be_prepared() -> None:
    assert set(_GATHER) == set(LetterKind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (LetterKind.WELCOME, "was opened on October 5, 2026 at 12:00 PM CDT"),
        (LetterKind.PASSWORD_CHANGED, "password of your portal account was changed"),
        (LetterKind.SECOND_FACTOR_SET, "authenticator was set up"),
        (LetterKind.NEW_DEVICE, "Device: Firefox on Android"),
        (LetterKind.ACCOUNT_RESET, "the school reset your portal account"),
        (LetterKind.ACCOUNT_ENABLED, "the school enabled your portal account"),
    ],
)
async def test_letters_about_an_account_name_it_and_the_school_to_call(post: Post, kind: LetterKind, said: str) -> None:
    text = await post.text(kind, device="Mozilla/5.0 (Android 16; Mobile) Firefox/146.0")
    assert said in text
    for told in ("Hello Maria Quimby,", "Username: maria.q", "Lakeside Middle School: (555) 555-0100"):
        assert told in text


async def test_the_letter_of_a_disabled_account_says_why_only_where_it_was_guessing(post: Post) -> None:
    await post.account(**DISABLED)
    assert "guess" not in await post.text(LetterKind.ACCOUNT_DISABLED)
    await post.account(disabled_reason=DisabledReason.TOO_MANY_FAILURES)
    assert "guess" in await post.text(LetterKind.ACCOUNT_DISABLED)


async def test_what_is_no_longer_so_is_not_told(post: Post) -> None:
    assert await post.prepared(LetterKind.ACCOUNT_DISABLED) is Withdrawn.OUTDATED
    await post.account(**DISABLED)
    assert await post.prepared(LetterKind.ACCOUNT_ENABLED) is Withdrawn.OUTDATED
    assert await post.prepared(LetterKind.WELCOME) is Withdrawn.OUTDATED
    # That it was changed stays so.
    assert "was changed" in await post.text(LetterKind.PASSWORD_CHANGED)


@pytest.mark.parametrize("kind", [LetterKind.PASSWORD_CHANGED, LetterKind.NEW_DEVICE, LetterKind.ACCOUNT_DISABLED])
async def test_nobody_is_written_to_about_an_account_that_is_left_over_from_a_merge(
    post: Post, kind: LetterKind
) -> None:
    await post.account(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.MERGED)
    assert await post.prepared(kind) is Withdrawn.OUTDATED


async def test_whoever_reads_an_address_that_is_no_longer_the_persons_is_told_nothing_new(post: Post) -> None:
    await Person.filter(id=post.maria.id).update(email="new@example.org", email_folded="new@example.org")
    key = {"student_id": post.nora.id, "person_id": post.maria.id, "capacity": Capacity.GUARDIAN.value}
    for kind in (LetterKind.WELCOME, LetterKind.ACCOUNT_ENABLED, LetterKind.KEY_ASKED_FOR):
        assert await post.prepared(kind, **key) is Withdrawn.OUTDATED
    # Warnings of what was done while it was: whoever took the address over is not to be the only one who knows.
    for kind in (LetterKind.PASSWORD_CHANGED, LetterKind.NEW_DEVICE, LetterKind.ACCOUNT_RESET):
        assert isinstance(await post.prepared(kind), EmailMessage)


async def test_letters_alike_are_those_about_the_same_thing(post: Post, district: District) -> None:
    """Three harmless letters do not keep the one that warns from being sent."""
    other = await district.guardian(post.nora, given="Ruben")
    addressee = Addressee(post.maria.id, ADDRESS, None)
    for whose in (other.id, other.id, other.id, other.id, post.maria.id):
        facts = {"student_id": post.nora.id, "person_id": whose, "capacity": "GUARDIAN"}
        await promise(post.ctx, LetterKind.KEY_ASKED_FOR, [addressee], facts)
    states = [letter.state.value for letter in await Letter.all().order_by("id")]
    assert states == ["WAITING", "WAITING", "WAITING", "CANCELLED", "WAITING"]


# ------------------------------------------------------------------------------------------------ keys
async def test_a_key_is_derived_when_its_letter_is_sent(post: Post) -> None:
    await post.unopened()
    key = await post.key()
    text = await post.text(LetterKind.ACTIVATION_KEY)
    assert f"#key={key}" in text
    assert f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}" in text
    assert "works until January 3, 2027 at 11:00 AM CST" in text


async def test_a_key_that_is_dead_or_whose_holder_has_another_address_now_is_not_sent(post: Post) -> None:
    await post.unopened()
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED
    await post.key()
    await Person.filter(id=post.maria.id).update(email="other@example.org", email_folded="other@example.org")
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED
    await Person.filter(id=post.maria.id).update(email="MARIA@example.org", email_folded=ADDRESS)
    assert isinstance(await post.prepared(LetterKind.ACTIVATION_KEY), EmailMessage)
    await ActivationKey.all().update(issued_at=post.ctx.now - timedelta(days=90), expires_at=post.ctx.now)
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED
    await ActivationKey.all().update(expires_at=None, state=KeyState.REPLACED)
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED
    await ActivationKey.all().update(state=KeyState.CURRENT)
    await post.account(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION)
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED


async def test_a_key_is_not_sent_to_a_guardian_who_may_see_nobody_by_now(post: Post, district: District) -> None:
    await post.unopened()
    await post.key()
    restriction = await district.restrict(post.maria, post.nora)
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED
    await restriction.delete()
    await Guardianship.all().update(portal_access=False)
    assert await post.prepared(LetterKind.ACTIVATION_KEY) is Withdrawn.OUTDATED
    await Guardianship.all().update(portal_access=True)
    assert isinstance(await post.prepared(LetterKind.ACTIVATION_KEY), EmailMessage)


async def test_no_letter_tells_a_parent_who_is_kept_away_where_the_child_goes_to_school(
    post: Post, district: District
) -> None:
    assert "Lakeside Middle School" in await post.text(LetterKind.PASSWORD_CHANGED)
    await district.restrict(post.maria, post.nora)
    text = await post.text(LetterKind.PASSWORD_CHANGED)
    assert "Lakeside Middle School" not in text
    assert "the front office of your school" in text


async def test_staff_are_told_to_call_their_own_school(post: Post, district: District) -> None:
    school = await district.school("Cedar Hollow Elementary School", "(555) 555-0142")
    dana = await district.staff(Role.DESIGNEE, school)
    await Person.filter(id=dana.id).update(email="dana@example.org", email_folded="dana@example.org")
    addressee = Addressee(dana.id, "dana@example.org", "en")
    [letter_id] = await promise(post.ctx, LetterKind.SECOND_FACTOR_SET, [addressee], {"account_id": dana.account_id})
    # The operator may set it up before the account is opened: there is no username yet.
    ready = await prepare(post.ctx, in_hand(await Letter.get(id=letter_id)))
    assert isinstance(ready, Ready)
    body = ready.message.get_body(("plain",))
    assert body is not None
    assert "Cedar Hollow Elementary School: (555) 555-0142" in body.get_content()
    assert "Username" not in body.get_content()


async def test_who_asked_for_a_key_is_told_by_whose_it_is(post: Post, district: District) -> None:
    other = await district.guardian(post.nora, given="Ruben")
    facts = {"student_id": post.nora.id, "capacity": Capacity.GUARDIAN.value}
    own = await post.text(LetterKind.KEY_ASKED_FOR, person_id=post.maria.id, **facts)
    assert "opens your account, with which you see Nora Quimby" in own
    another = await post.text(LetterKind.KEY_ASKED_FOR, person_id=other.id, **facts)
    assert "another guardian of Nora Quimby" in another
    assert "Ruben" not in another
    facts["capacity"] = Capacity.STUDENT.value
    assert "the account of Nora Quimby" in await post.text(LetterKind.KEY_ASKED_FOR, person_id=post.nora.id, **facts)


async def test_whoever_may_not_know_of_the_student_any_more_is_not_told(post: Post, district: District) -> None:
    facts = {"student_id": post.nora.id, "person_id": post.maria.id, "capacity": Capacity.GUARDIAN.value}
    restriction = await district.restrict(post.maria, post.nora)
    assert await post.prepared(LetterKind.KEY_ASKED_FOR, **facts) is Withdrawn.OUTDATED
    await restriction.delete()
    await Guardianship.all().update(status=GuardianshipStatus.REVOKED, revoked_at=post.ctx.now)
    assert await post.prepared(LetterKind.KEY_ASKED_FOR, **facts) is Withdrawn.OUTDATED
    await Guardianship.all().delete()
    assert await post.prepared(LetterKind.KEY_ASKED_FOR, **facts) is Withdrawn.OUTDATED


# ------------------------------------------------------------------------------------------------ the school's link
async def test_the_schools_link_lives_from_its_sending_and_only_the_newest_is_sent(
    portal: Portal, district: District, clock: Clock, settings: Settings
) -> None:
    desk = await open_desk(portal, district)
    for _ in range(2):
        reset = await desk.reset(await desk.verified("RESET"), delivery="LINK")
        assert reset["sentTo"] == "m…@example.org"
    first, second = await Letter.filter(kind=LetterKind.RESET_LINK).order_by("id")
    clock.advance(hours=5)
    later = Context(
        now=clock(),
        address="courier",
        client="portal",
        language="en",
        request_id="test",
        rules=settings,
        keys=district.ctx.keys,
        hasher=district.ctx.hasher,
    )
    assert await prepare(later, in_hand(first)) is Withdrawn.OUTDATED
    ready = await prepare(later, in_hand(second))
    assert isinstance(ready, Ready)
    token = await RecoveryToken.get(letter_id=second.id)
    assert token.expires_at == clock() + timedelta(hours=settings.reset_code_hours)
    link = district.ctx.keys.recovery_link_token(bytes(token.nonce or b""), token.secret_version)
    assert link in ready.message.as_string().replace("=\n", "").replace("=\r\n", "").replace("=3D", "=")


async def test_the_schools_link_does_not_go_to_an_address_that_is_no_longer_the_holders(
    portal: Portal, district: District
) -> None:
    desk = await open_desk(portal, district)
    await desk.reset(await desk.verified("RESET"), delivery="LINK")
    await Person.filter(id=desk.maria.id).update(email="new@example.org", email_folded="new@example.org")
    letter = in_hand(await Letter.get(kind=LetterKind.RESET_LINK))
    assert await prepare(district.ctx, letter) is Withdrawn.OUTDATED
    # Nor does it work for whoever has read it on the way, should the address come back.
    await Person.filter(id=desk.maria.id).update(email=ADDRESS, email_folded=ADDRESS)
    assert await prepare(district.ctx, letter) is Withdrawn.OUTDATED


def test_a_letter_in_hand_holds_no_secret() -> None:
    assert not {"key", "token", "password"} & set(LetterInHand.__slots__)


async def test_an_address_on_record_that_is_none_is_said_to_be_none(post: Post) -> None:
    for address in ("none", "maria@", "maria@example.org, x@example.org", "maria@example.org\r\nBcc: x@example.org"):
        [letter_id] = await promise(
            post.ctx,
            LetterKind.PASSWORD_CHANGED,
            [Addressee(post.maria.id, address, None)],
            {"account_id": post.maria.account_id},
        )
        with pytest.raises(BadAddress):
            await prepare(post.ctx, in_hand(await Letter.get(id=letter_id)))
