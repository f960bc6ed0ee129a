"""The accounts of the demo district, opened by the same steps as everybody's."""

from collections.abc import Iterable, Mapping

from db import sql
from db.context import Capacity, Context, Role
from db.models import Account, AccountStatus, Person, School
from resolvers.activation import activate
from resolvers.activation_key import key_of_record
from resolvers.staff import Wanted, give_role


async def is_empty() -> bool:
    """Whether nobody is on record yet."""
    return not await Person.all().limit(1)


async def without_account(source_ids: Iterable[str]) -> set[str]:
    """Those of these guardians, by source id, who are on record and have not opened their account."""
    wanted = list(source_ids)
    found = await Account.filter(
        person__source_id__in=wanted, capacity=Capacity.GUARDIAN, status=AccountStatus.NOT_ACTIVATED
    ).values_list("person__source_id", flat=True)
    return {str(source_id) for source_id in found}


async def assign_roles(ctx: Context, roles: Iterable[tuple[str, Role, str | None]]) -> None:
    """Gives staff their roles: source id of the person, role, source id of the school (None: the whole district)."""
    async with sql.transaction():
        for person_source_id, role, school_source_id in roles:
            person = await Person.get(source_id=person_source_id)
            school = await School.get(source_id=school_source_id) if school_source_id else None
            await give_role(ctx, person.id, Wanted(role, school))


async def open_accounts(ctx: Context, usernames: Mapping[tuple[str, Capacity], str], password: str) -> None:
    """Opens an account for each person (by source id) and capacity, with a key of record like anybody's."""
    for (source_id, capacity), username in usernames.items():
        person = await Person.get(source_id=source_id)
        account, _ = await Account.get_or_create(person_id=person.id, capacity=capacity)
        async with sql.transaction():
            key = (await key_of_record(ctx, account.id, capacity)).key
        await activate(
            ctx, key=key, username=username, password=password, verify_password=password, idempotency_key=None
        )
