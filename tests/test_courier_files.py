"""Without a mail relay, development writes letters into files, for its owner alone."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import parseaddr
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.courier import carrier_of
from app.settings import Settings
from db.context import Context
from mail.courier import Courier
from mail.mailable import Mailable
from tests.conftest import Clock
from tests.couriers import at_work, courier_for, letter, promised, states
from tests.district import District
from tests.holding import until

MARIA, ADA = "maria@example.org", "ada@example.org"


@pytest.fixture
def courier(district: District, settings: Settings, clock: Clock, ctx: Context) -> Courier:
    return courier_for(settings, clock, ctx)


def files(settings: Settings) -> list[Path]:
    """The letters that were written, in the order of their names."""
    return sorted((settings.var / "mail").iterdir())


async def test_a_letter_is_written_where_the_log_says(
    courier: Courier, settings: Settings, ctx: Context, clock: Clock
) -> None:
    [id_] = await promised(ctx, MARIA)
    with capture_logs() as lines:
        await courier.run(once=True)
    [path] = files(settings)
    assert path.name == f"20261005T170000Z-{id_:06}-WELCOME.eml"
    assert [line["path"] for line in lines if line["event"] == "letter written"] == [str(path)]
    message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=SMTPUTF8)
    assert parseaddr(message["To"])[1] == MARIA
    assert message["Message-ID"] == (await letter(id_)).message_id
    assert await states([id_]) == ["SENT"]


async def test_only_its_owner_reads_it(courier: Courier, settings: Settings, ctx: Context) -> None:
    await promised(ctx, MARIA)
    await courier.run(once=True)
    [path] = files(settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_names_of_files_sort_by_time(courier: Courier, settings: Settings, ctx: Context, clock: Clock) -> None:
    written: list[str] = []
    for address in (MARIA, ADA, "theo@example.org"):
        await promised(ctx, address)
        await courier.run(once=True)
        written += {path.name for path in files(settings)} - set(written)
        clock.advance(seconds=1)
    assert [path.name for path in files(settings)] == written
    assert all(re.fullmatch(r"[0-9A-Za-z_.-]+", name) for name in written)


async def test_a_folder_that_cannot_be_written_makes_letters_wait(
    courier: Courier, settings: Settings, ctx: Context, clock: Clock
) -> None:
    in_the_way = settings.var / "mail"
    in_the_way.write_text("")
    ids = await promised(ctx, MARIA, ADA)
    with capture_logs() as lines:
        await courier.run(once=True)
    assert await states(ids) == ["WAITING", "WAITING"]
    [line] = [line for line in lines if line["event"] == "mail relay cannot be used"]
    assert (line["relay"], line["reason"]) == (str(in_the_way), "write: File exists")
    in_the_way.unlink()
    clock.advance(minutes=1)
    await courier.run(once=True)
    assert await states(ids) == ["SENT", "SENT"]


async def test_the_server_writes_them_by_itself_in_development(
    courier: Courier, settings: Settings, ctx: Context
) -> None:
    async with at_work(courier, settings):
        [id_] = await promised(ctx, MARIA)

        async def is_sent() -> bool | None:
            return True if await states([id_]) == ["SENT"] else None

        await until(is_sent)
    assert len(files(settings)) == 1


def test_production_writes_none(settings: Settings, clock: Clock) -> None:
    assert carrier_of(settings.model_copy(update={"environment": "production"}), clock) is None


# ------------------------------------------------------------------------------------------------ addresses
@pytest.mark.parametrize(
    ("address", "on_the_wire", "needs_utf8"),
    [
        ("maria@example.org", "maria@example.org", False),
        (" Maria.O'Brien+school@Example.ORG ", "Maria.O'Brien+school@Example.ORG", False),
        ("maria@exämple.org", "maria@xn--exmple-cua.org", False),
        ("maría@example.org", "maría@example.org", True),
        ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s", True),
        ("maria@localhost", "maria@localhost", False),
    ],
)
def test_addresses_as_mail_servers_take_them(address: str, on_the_wire: str, *, needs_utf8: bool) -> None:
    known = Mailable.of(address)
    assert known is not None
    assert (known.address, known.needs_utf8) == (on_the_wire, needs_utf8)


@pytest.mark.parametrize(
    "address",
    [
        *("", "maria", "@example.org", "maria@", "maria@exa mple.org", "maria@ex..org", "maria@[192.0.2.1]"),
        *("maria\r\nRCPT TO:<ada@example.org>@example.org", "maria>@example.org", '"maria quimby"@example.org'),
        *("maria(ada)@example.org", "a,b@example.org", "x" * 65 + "@example.org", "maria@" + "x" * 250 + ".org"),
        *("maria\x00@example.org", "maria@exa\u2028mple.org", "maria@example.org>"),
    ],
)
def test_what_is_no_address_on_the_wire(address: str) -> None:
    assert Mailable.of(address) is None


@given(st.text(max_size=30), st.sampled_from(["example.org", "exämple.org", "x_y.example"]))
def test_what_goes_on_the_wire_is_read_as_one_address(local: str, domain: str) -> None:
    known = Mailable.of(f"{local}@{domain}")
    if known is not None:
        assert parseaddr(known.address) == ("", known.address)
        assert known.address.isprintable() or not known.address.isascii()
