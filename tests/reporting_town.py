"""Two schools with somebody for each report, and how tests ask for one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db.context import Role
from db.models import Account, AccountStatus, ActivationKey, DisabledReason, GuardianshipStatus, School
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.documents import REPORT

#: What a definition may say; all else is the page's.
_DEFINING = ("filter", "columns", "groupBy", "order", "descending")
SINCE = {"filter": {"notSignedInForDays": 30}}


@dataclass(frozen=True, slots=True)
class Town:
    lakeside: School
    hillside: School
    #: At Lakeside: signed in long ago.
    nora: Pupil
    #: At Lakeside: disabled, no SSN on file, nobody's child.
    dora: Pupil
    #: At Hillside: has a key; his father's account is open.
    theo: Pupil
    #: Nora's mother, with a key and without portal mark, and the same on record once more.
    maria: Adult
    mary: Adult
    #: Theo's parents, who share an address.
    pat: Adult
    sam: Adult


async def settle(district: District) -> Town:
    """Puts them on record."""
    lakeside, hillside = await district.school(), await district.school("Hillside")
    nora = await district.student("Nora", school=lakeside)
    dora = await district.student("Dora", ssn="", school=lakeside)
    theo = await district.student("Theo", school=hillside)
    maria = await district.guardian(nora, portal_access=False)
    mary = await district.guardian(nora, status=GuardianshipStatus.CLAIMED)
    pat = await district.guardian(theo, given="Pat", email="home@example.org")
    sam = await district.guardian(theo, given="Sam", email="home@example.org")
    await district.opened(pat, "pat.q")
    for pupil, username in ((nora, "nora.q"), (dora, "dora.q")):
        await district.opened(pupil, username)
    await Account.filter(id=nora.account_id).update(last_login_at=district.ctx.now - timedelta(days=90))
    await Account.filter(id=dora.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    for holder in (maria, theo):
        issued: dict[str, Any] = {"issued_at": district.ctx.now - timedelta(days=1), "secret_version": 1}
        nonce, digest = holder.account_id.to_bytes(16, "big"), holder.account_id.to_bytes(32, "big")
        await ActivationKey.create(account_id=holder.account_id, nonce=nonce, digest=digest, **issued)
    return Town(lakeside, hillside, nora, dora, theo, maria, mary, pat, sam)


async def arrive(portal: Portal, district: District, town: Town, asker: str) -> None:
    """Signs somebody in: `designee at Lakeside`, `reporter in the district`, `Pat`, or `nobody`."""
    role, _, where = asker.partition(" ")
    if asker == "Pat":
        assert (await portal.login("pat.q", PASSWORD))["__typename"] == "LoggedIn"
    elif asker != "nobody":
        school = {"at Lakeside": town.lakeside, "at Hillside": town.hillside}.get(where)
        await at_desk(portal, district, Role(role), school)


async def run(portal: Portal, name: str, **more: Any) -> Answer:
    """A report as it comes, whether it is one or a refusal."""
    definition = {"name": name} | {key: more.pop(key) for key in _DEFINING if key in more}
    return await portal.do(REPORT, {"definition": definition, "first": 100} | more)


async def rows(portal: Portal, name: str, **more: Any) -> list[list[str]]:
    """The cells of a report's one page, which has all rows that are counted."""
    report = await run(portal, name, **more)
    assert report["__typename"] == "Report", report
    found = [edge["node"]["cells"] for edge in report["rows"]["edges"]]
    assert report["rows"]["totalCount"] == len(found)
    return found
