"""Members of staff at their desks, signed in."""

from db.context import Role
from db.models import School
from tests.clients import Portal
from tests.district import PASSWORD, Adult, District


async def at_desk(
    portal: Portal, district: District, role: Role, school: School | None = None, *, given: str = "Dana"
) -> Adult:
    """Somebody with this role at the school, or in the whole district, who signs in through `portal`."""
    staff = await district.staff(role, school, given=given)
    username = f"{role}.{staff.id}"
    await district.opened(staff, username)
    answer = await portal.login(username, PASSWORD)
    assert answer["__typename"] == "LoggedIn"
    return staff
