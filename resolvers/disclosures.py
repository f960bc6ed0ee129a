"""The family's view of the trail: who outside the family was told what about a student, and why (34 CFR 99.32).

In words, and with nothing that would tell one parent about another one: which guardian an account belongs to, or why a
guardian called, is told to that guardian alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from db.context import Context, Role, Viewer
from db.queries import disclosures as queries
from db.trail import Step
from resolvers.outcomes import Disclosure, Student
from resolvers.portal import students
from resolvers.reporting import name_of

#: What was shown or done; `{account}` is whose account, as far as the reader may know it.
WHAT: Final[Mapping[Step, str]] = {
    Step.LOOK_UP_ACCOUNT: "Username and status of {account} were shown.",
    Step.RESET_ACCOUNT: "The password of {account} was reset; a new one can be set with a code or link.",
    Step.ENABLE_ACCOUNT: "{account} was enabled.",
    Step.DISABLE_ACCOUNT: "{account} was disabled.",
    Step.ANSWER_VERIFICATION: "What a caller said was compared with the record, and agreed with it.",
    Step.RECORD_IN_PERSON_ID: "A caller's identity document was looked at.",
}

_ASKED: Final = {
    "LOOK_UP": "asked how to sign in",
    "RESET": "asked for a new password",
    "ENABLE": "asked for the account to be enabled",
    "DISABLE": "asked for the account to be disabled",
}
#: What a step is for, where its entry does not say.
_USUAL: Final = {
    Step.LOOK_UP_ACCOUNT: "LOOK_UP",
    Step.RESET_ACCOUNT: "RESET",
    Step.ENABLE_ACCOUNT: "ENABLE",
    Step.DISABLE_ACCOUNT: "DISABLE",
}
_VERIFYING: Final = frozenset({Step.ANSWER_VERIFICATION, Step.RECORD_IN_PERSON_ID})
_STEPS: Final = tuple(step.value for step in WHAT)


async def disclosures(
    ctx: Context, seen: Sequence[Student], *, limit: int, after: tuple[datetime, int] | None
) -> dict[int, list[Disclosure]]:
    """The newest disclosures about students that `portal.students` gave, by student, `limit` of each at most."""
    pages: dict[int, list[Disclosure]] = {student.id: [] for student in seen}
    told = [student.id for student in seen if student.disclosed]
    if ctx.viewer is None or not told:
        return pages
    for row in await queries.page(told, _STEPS, limit=limit, after=after):
        pages[row["student_id"]].append(_disclosure(ctx.viewer, row))
    return pages


async def disclosure(ctx: Context, entry_id: int) -> Disclosure | None:
    """One disclosure, if the asker may read those about its student."""
    row = await queries.one(entry_id, _STEPS) if ctx.viewer else None
    if row is None or ctx.viewer is None:
        return None
    readable = [student for student in await students(ctx, row["student_id"]) if student.disclosed]
    return _disclosure(ctx.viewer, row) if readable else None


def _disclosure(viewer: Viewer, row: Mapping[str, Any]) -> Disclosure:
    step, details = Step(row["step"]), row["details"] or {}
    what = WHAT[step].format(account=_account(viewer, row))
    return Disclosure(
        id=row["id"],
        at=row["at"],
        to_whom=_to_whom(row, details),
        what=what[0].upper() + what[1:],
        why=_why(viewer, step, row, details),
    )


def _account(viewer: Viewer, row: Mapping[str, Any]) -> str:
    if row["holder_id"] == viewer.person_id:
        return "your account"
    return "the student's own account" if row["holder_id"] == row["student_id"] else "a guardian's account"


def _to_whom(row: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    if row["family"] is None:
        return "The school district"
    name, role = name_of(row).display, details.get("role")
    return f"{name}, {role}" if role in {known.value for known in Role} else name


def _why(viewer: Viewer, step: Step, row: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    asked = _ASKED.get(str(details.get("purpose") or _USUAL.get(step)), "asked for help with an account")
    if step in _VERIFYING:
        why = f"A caller {asked}, and had to be verified first."
    else:
        why = f"The caller was verified and {asked}."
    reason = details.get("reason")
    if isinstance(reason, str) and reason.strip() and row["about_person_id"] == viewer.person_id:
        return f"{why} The school noted: {reason.strip()}"
    return why
