"""The guardian's way, from the key to the child's grades."""

from tests.clients import Portal
from tests.district import PASSWORD, District


async def test_a_guardian_gets_a_key_opens_an_account_and_reads_grades(portal: Portal, district: District) -> None:
    school = await district.school()
    nora = await district.student(school=school)
    maria = await district.guardian(nora, email="maria@example.org")
    await district.records(nora, school)

    issued = await portal.request_key(*nora.proofs)
    assert issued["__typename"] == "ActivationKeyIssued"
    assert issued["capacity"] == "GUARDIAN"

    good = await portal.check_key(issued["key"])
    assert (good["__typename"], good["initials"]) == ("ActivationKeyGood", "M.Q.")

    opened = await portal.activate(issued["key"], "maria.q", PASSWORD)
    assert opened["__typename"] == "AccountActivated"
    assert opened["details"]["username"] == "maria.q"

    signed_in = await portal.login("MARIA.Q", PASSWORD)
    assert signed_in["__typename"] == "LoggedIn"
    me = await portal.me()
    assert me is not None
    assert me["name"]["display"] == f"{maria.given} {maria.family}"
    [student] = me["students"]
    assert student["studentNumber"] == nora.number
    assert student["school"]["name"] == school.name
    assert [edge["node"]["title"] for edge in student["grades"]["edges"]] == [f"Quiz {n}" for n in range(5)]
    assert student["grades"]["pageInfo"]["hasNextPage"]
    assert len(student["attendance"]["edges"]) == 3


async def test_a_key_works_once(portal: Portal, district: District) -> None:
    nora = await district.student()
    await district.guardian(nora)
    key = (await portal.request_key(*nora.proofs))["key"]
    assert (await portal.activate(key, "first.one", PASSWORD))["__typename"] == "AccountActivated"
    assert (await portal.activate(key, "second.one", PASSWORD))["__typename"] == "KeyNotAccepted"
