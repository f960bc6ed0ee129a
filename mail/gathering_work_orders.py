"""What letters about work orders tell: what was written down when they were opened, and how they were answered."""

from collections.abc import Iterable, Mapping

from db.context import Context
from db.models import GateName, GateState, WorkOrderStatus
from db.queries import letters as queries
from db.sql import Row
from mail.contents import WorkOrderOpened, WorkOrderResolved
from mail.gathering import Gathered, display, has_another_address
from mail.outbox import LetterInHand, Withdrawn

_GATES = {gate.value: gate for gate in GateName}


async def work_order_opened(_: Context, letter: LetterInHand) -> Gathered:
    """WORK_ORDER_OPENED, to the technicians; not any more when one of them has answered it."""
    found = await _found(letter)
    if found is None:
        return Withdrawn.OUTDATED
    order, name = found
    if order["status"] != WorkOrderStatus.OPEN:
        return Withdrawn.OUTDATED
    return WorkOrderOpened(
        name=name,
        schools=(),
        at=letter.promised_at,
        number=order["id"],
        parent=order["parent_name"] or "",
        student=order["student_name"] or "",
        student_number=order["student_number"] or "",
        problem=order["problem"],
        opened_by=display(order),
        in_the_way=tuple(_in_the_way(order["diagnosis"])),
    )


async def work_order_resolved(_: Context, letter: LetterInHand) -> Gathered:
    """WORK_ORDER_RESOLVED, to whoever opened it."""
    found = await _found(letter)
    if found is None:
        return Withdrawn.OUTDATED
    order, name = found
    if order["status"] != WorkOrderStatus.RESOLVED:
        return Withdrawn.OUTDATED
    return WorkOrderResolved(
        name=name,
        schools=(),
        at=letter.promised_at,
        number=order["id"],
        problem=order["problem"],
        resolution=order["resolution"],
    )


async def _found(letter: LetterInHand) -> tuple[Row, str | None] | None:
    """The work order, and the name of whoever is told; None where the address is another person's by now."""
    order_id = letter.facts.get("work_order_id")
    order = await queries.work_order(order_id) if isinstance(order_id, int) else None
    if order is None:
        return None
    if letter.person_id is None:
        return order, None
    person = await queries.person(letter.person_id)
    if person is None or has_another_address(person, letter):
        return None
    return order, display(person)


def _in_the_way(diagnosis: Iterable[Mapping[str, object]]) -> Iterable[GateName]:
    """The gates that failed on that day; one that this version does not know is read over."""
    for gate in diagnosis:
        name = _GATES.get(str(gate.get("name")))
        if name is not None and gate.get("state") == GateState.FAILS:
            yield name
